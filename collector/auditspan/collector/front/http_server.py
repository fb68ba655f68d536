"""OTLP/HTTP: `POST /v1/traces` in protobuf and JSON, and `POST /v1/identities`.

https://opentelemetry.io/docs/specs/otlp/#otlphttp. The answer has the request's content type; full
success leaves `partial_success` unset; everything refused says whether to try again.
"""

import logging
import math

from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceResponse
from starlette.applications import Starlette
from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response
from starlette.routing import Route

from auditspan.collector.front.admission import Admission, Encoding
from auditspan.collector.front.decompress import read_body
from auditspan.collector.front.identities import Identities
from auditspan.collector.front.peer_certificate import peer_certificate
from auditspan.collector.front.status import Problem, problem_of
from auditspan.identity.credentials import Credentials

LOG = logging.getLogger("auditspan.collector.front")

_TYPES: dict[str, Encoding] = {"application/x-protobuf": "protobuf", "application/json": "json"}
_ENCODINGS = ("", "identity", "gzip")
_IDENTITY_BODY = 64 * 1024


def http_app(admission: Admission, identities: Identities, max_request: int) -> Starlette:
    """The application of the OTLP/HTTP port."""

    async def traces(request: Request) -> Response:
        encoding = _TYPES.get(_media_type(request))
        if encoding is None or _content_encoding(request) not in _ENCODINGS:
            return _unsupported()
        try:
            body = await read_body(request.stream(), _content_encoding(request), max_request)
            await admission.admit(body, encoding, credentials_of(request))
        except ClientDisconnect:
            return Response(status_code=499)
        except Exception as error:
            return _refused(admission, error, json=encoding == "json")
        return _accepted(json=encoding == "json")

    async def exchange(request: Request) -> Response:
        try:
            body = await read_body(request.stream(), _content_encoding(request), _IDENTITY_BODY)
        except Exception as error:
            return _refused(admission, error, json=True)
        answer = await identities.answer(credentials_of(request), _media_type(request), body)
        return Response(answer.body, answer.status, dict(answer.headers))

    return Starlette(
        routes=[
            Route("/v1/traces", traces, methods=["POST"]),
            Route("/v1/identities", exchange, methods=["POST"]),
        ]
    )


def credentials_of(request: Request) -> Credentials:
    """What the request proves itself with. Of the network, only the socket is believed."""
    address = request.client.host if request.client else ""
    header = request.headers.get("authorization")
    return Credentials(header, peer_certificate(request), address)


def _media_type(request: Request) -> str:
    return request.headers.get("content-type", "").partition(";")[0].strip().lower()


def _content_encoding(request: Request) -> str:
    return request.headers.get("content-encoding", "").strip().lower()


def _accepted(*, json: bool) -> Response:
    if json:
        return Response(b"{}", media_type="application/json")
    body = ExportTraceServiceResponse().SerializeToString()
    return Response(body, media_type="application/x-protobuf")


def _unsupported() -> Response:
    words = (
        "expected content type application/x-protobuf or application/json, "
        "and content encoding gzip or none"
    )
    return _response(Problem(415, "INVALID_ARGUMENT", "malformed", words), json=True)


def _refused(admission: Admission, error: Exception, *, json: bool) -> Response:
    problem = problem_of(error)
    admission.metrics.refused(problem.reason)
    if problem.reason == "internal":
        LOG.error("request failed", exc_info=error)
    return _response(problem, json=json)


def _response(problem: Problem, *, json: bool) -> Response:
    headers = {}
    if problem.retry_after:
        headers["Retry-After"] = str(math.ceil(problem.retry_after))
    if problem.http == 401:
        headers["WWW-Authenticate"] = "Bearer"
    if problem.http == 415:
        headers["Accept-Encoding"] = "gzip, identity"
    media_type = "application/json" if json else "application/x-protobuf"
    return Response(problem.body(json=json), problem.http, headers, media_type)
