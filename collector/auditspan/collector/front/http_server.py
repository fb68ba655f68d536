"""OTLP/HTTP: `POST /v1/traces` in protobuf and JSON, `POST /v1/identities`, `GET /v1/policies`.

https://opentelemetry.io/docs/specs/otlp/#otlphttp. The answer has the request's content type; full
success leaves `partial_success` unset, otherwise it says which spans were not taken; everything
refused says whether to try again.
"""

import asyncio
import math
from collections.abc import Awaitable, Callable, Sequence
from typing import Final

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response
from starlette.routing import Route
from starlette.types import ASGIApp, Receive, Scope, Send

from auditspan.collector.front.admission import Admission, Encoding
from auditspan.collector.front.decompress import ENCODINGS, BodyTooLarge, read_body
from auditspan.collector.front.identities import Identities
from auditspan.collector.front.peer_certificate import peer_certificate
from auditspan.collector.front.refusals import NotAllowed, Unavailable
from auditspan.collector.front.rejections import Unsupported
from auditspan.collector.front.status import Problem, problem_of, tell
from auditspan.collector.front.success import answer
from auditspan.identity.credentials import Credentials

_TRACES: Final = "/v1/traces"
_TYPES: Final[dict[str, Encoding]] = {
    "application/x-protobuf": "protobuf",
    "application/json": "json",
}
_IDENTITY_BODY: Final = 64 << 10
_BODY_SECONDS: Final = 60.0
"""How long a body may take."""


def http_app(
    admission: Admission,
    identities: Identities,
    max_request: int,
    further: Sequence[Route],
    body_seconds: float = _BODY_SECONDS,
) -> ASGIApp:
    """The application of the OTLP/HTTP port."""

    async def traces(request: Request) -> Response:
        json = _media_type(request) != "application/x-protobuf"
        try:
            encoding = _checked(request)
            principal = await admission.authenticate(credentials_of(request))
            with admission.budget.hold() as hold:
                body = await _body(request, max_request, hold.grow, body_seconds)
                rejected = await admission.admit(body, encoding, principal)
        except ClientDisconnect:
            return Response(status_code=499)
        except Exception as error:
            return _refused(admission, error, json=json)
        media_type = "application/json" if json else "application/x-protobuf"
        return Response(answer(rejected, json=json), media_type=media_type)

    async def exchange(request: Request) -> Response:
        try:
            _check_encoding(request)
            with admission.budget.hold() as hold:
                body = await _body(request, _IDENTITY_BODY, hold.grow, body_seconds)
        except ClientDisconnect:
            return Response(status_code=499)
        except Exception as error:
            return _refused(admission, error, json=True)
        content_type = request.headers.get("content-type", "")
        given = await identities.answer(credentials_of(request), content_type, body)
        return Response(given.body, given.status, dict(given.headers))

    async def elsewhere(request: Request, error: Exception) -> Response:
        assert isinstance(error, HTTPException)
        admission.metrics.refused("unsupported")
        ours = "POST /v1/traces, POST /v1/identities or GET /v1/policies"
        words = f"{error.detail.lower()}: expected {ours}"
        problem = Problem(error.status_code, "UNIMPLEMENTED", "unsupported", words)
        json = _media_type(request) != "application/x-protobuf"
        return _response(problem, json=json, allow=(error.headers or {}).get("Allow", ""))

    routed = Starlette(
        exception_handlers={HTTPException: elsewhere},
        routes=[
            Route(_TRACES, traces, methods=["POST"]),
            Route("/v1/identities", exchange, methods=["POST"]),
            *further,
        ],
    )
    # A client that follows a redirect may lose its body.
    routed.router.redirect_slashes = False

    return _TracesFirst(routed, traces)


class _TracesFirst:
    """Nearly every request is one of traces, whose handler raises nothing that others handle."""

    def __init__(self, app: ASGIApp, traces: Callable[[Request], Awaitable[Response]]) -> None:
        self._app = app
        self._traces = traces

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http" and scope["path"] == _TRACES and scope["method"] == "POST":
            response = await self._traces(Request(scope, receive))
            await response(scope, receive, send)
        else:
            await self._app(scope, receive, send)


def credentials_of(request: Request) -> Credentials:
    """What the request proves itself with. Of the network, only the socket is believed."""
    address = request.client.host if request.client else ""
    headers = request.headers.getlist("authorization")
    # Of two, somebody in between may have looked at the other one: together they prove nobody.
    header = ", ".join(headers) if headers else None
    return Credentials(header, peer_certificate(request), address)


def _checked(request: Request) -> Encoding:
    """How the body is encoded. Raises `Unsupported`, `NotAllowed`."""
    encoding = _TYPES.get(_media_type(request))
    if encoding is None:
        raise Unsupported("content type: expected application/x-protobuf or application/json")
    _check_encoding(request)
    if "origin" in request.headers and "authorization" not in request.headers:
        # A page in a browser on this machine would pass for an agent on this machine.
        raise NotAllowed("requests of web pages need a credential")
    return encoding


def _check_encoding(request: Request) -> None:
    if _content_encoding(request) not in ENCODINGS:
        raise Unsupported("content encoding: expected gzip, zstd, deflate or none")


async def _body(request: Request, limit: int, grow: Callable[[int], None], seconds: float) -> bytes:
    declared = request.headers.get("content-length", "")
    if declared.isdecimal() and int(declared[:20]) > limit:
        raise BodyTooLarge(f"body: more than {limit} bytes: send smaller batches")
    try:
        async with asyncio.timeout(seconds):
            return await read_body(request.stream(), _content_encoding(request), limit, grow)
    except TimeoutError as error:
        raise Unavailable(f"body: not whole after {seconds:g} s, send it again", 1.0) from error


def _media_type(request: Request) -> str:
    return request.headers.get("content-type", "").partition(";")[0].strip().lower()


def _content_encoding(request: Request) -> str:
    return request.headers.get("content-encoding", "").strip().lower()


def _refused(admission: Admission, error: Exception, *, json: bool) -> Response:
    problem = problem_of(error)
    admission.metrics.refused(problem.reason)
    tell(problem, error)
    return _response(problem, json=json)


def _response(problem: Problem, *, json: bool, allow: str = "") -> Response:
    headers = {"Allow": allow} if allow else {}
    if problem.retry_after:
        headers["Retry-After"] = str(math.ceil(problem.retry_after))
    if problem.http == 401:
        headers["WWW-Authenticate"] = "Bearer"
    if problem.http == 415:
        headers["Accept-Encoding"] = "gzip, identity"
    if problem.http == 413:
        # Otherwise the rest of the body would be read and thrown away, however long it is.
        headers["Connection"] = "close"
    media_type = "application/json" if json else "application/x-protobuf"
    return Response(problem.body(json=json), problem.http, headers, media_type)
