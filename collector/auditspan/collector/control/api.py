"""The controls over HTTP, for a running collector: JSON in and out, for the operator only.

POST /v1/control/registry            apply a bundle, or with `dry_run` say what that would do
GET  /v1/control/registry            the texts in force, or of `?version=`
GET  /v1/control/history             every version, with who asked and why
POST /v1/control/keys                issue a key
GET  /v1/control/keys                all keys, without secrets
POST /v1/control/keys/{id}/revoke    end a key

Each request carries the operator's token as bearer token. An error is
`{"error": {"code", "message", "details"}}`; the codes are in `errors.py`.
"""

import hmac
import json
import logging
from collections.abc import Awaitable, Callable
from typing import Annotated, Final, TypeVar

from pydantic import BaseModel, ConfigDict, Field, ValidationError
from starlette.requests import ClientDisconnect, Request
from starlette.responses import JSONResponse
from starlette.routing import Route

from auditspan.collector.control.errors import (
    ControlDenied,
    ControlError,
    ControlInvalid,
    ControlUnavailable,
)
from auditspan.collector.control.keys import Wish
from auditspan.collector.control.records import Why
from auditspan.collector.control.service import Controls
from auditspan.registry import Bundle

MAX_BODY: Final = 48 * 1024 * 1024
"""A bundle of 8 MiB, escaped as JSON in the worst case."""

_B = TypeVar("_B", bound=BaseModel)
_LOG = logging.getLogger(__name__)
_Endpoint = Callable[[Request], Awaitable[JSONResponse]]


class ApplyBody(BaseModel):
    """Body of POST /v1/control/registry."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    files: dict[str, str]
    why: Why
    dry_run: bool = False


class IssueBody(BaseModel):
    """Body of POST /v1/control/keys."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    holder: str
    relay: bool = False
    seconds: Annotated[int, Field(strict=True)]
    label: Annotated[str, Field(max_length=128)] = ""
    why: Why


class RevokeBody(BaseModel):
    """Body of POST /v1/control/keys/{id}/revoke."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    why: Why


def routes(controls: Controls, operator_token: str) -> list[Route]:
    """The routes, for the application that front serves."""

    async def apply(request: Request) -> JSONResponse:
        body = await _body(request, ApplyBody)
        bundle = Bundle(body.files)
        return JSONResponse(await controls.apply(bundle, body.why, dry_run=body.dry_run))

    async def registry(request: Request) -> JSONResponse:
        files = controls.bundle(request.query_params.get("version", ""))
        return JSONResponse({"files": dict(files)})

    async def history(request: Request) -> JSONResponse:
        return JSONResponse({"versions": controls.history()})

    async def issue(request: Request) -> JSONResponse:
        body = await _body(request, IssueBody)
        wish = Wish(body.holder, body.relay, body.seconds, body.label)
        return JSONResponse(await controls.issue(wish, body.why), 201)

    async def list_keys(request: Request) -> JSONResponse:
        return JSONResponse({"keys": controls.list_keys()})

    async def revoke(request: Request) -> JSONResponse:
        body = await _body(request, RevokeBody)
        return JSONResponse(await controls.revoke(request.path_params["id"], body.why))

    def route(path: str, method: str, endpoint: _Endpoint) -> Route:
        guarded = _guarded(endpoint, operator_token)
        return Route(f"/v1/control/{path}", guarded, methods=[method])

    return [
        route("registry", "POST", apply),
        route("registry", "GET", registry),
        route("history", "GET", history),
        route("keys", "POST", issue),
        route("keys", "GET", list_keys),
        route("keys/{id}/revoke", "POST", revoke),
    ]


def _guarded(endpoint: _Endpoint, operator_token: str) -> _Endpoint:
    """The endpoint behind the operator's token, its errors as JSON."""

    async def guarded(request: Request) -> JSONResponse:
        try:
            _authenticate(request, operator_token)
            response = await endpoint(request)
        except ControlError as error:
            response = failure(error)
        except ClientDisconnect:
            response = failure(ControlInvalid("the request ended before its body was complete"))
        except Exception as error:
            response = failure(_unexpected(error))
        # A key is shown in an answer; nothing on the way may keep it.
        response.headers["Cache-Control"] = "no-store"
        return response

    return guarded


def failure(error: ControlError) -> JSONResponse:
    """The answer for an error."""
    body = {"code": error.code, "message": str(error), "details": list(error.details)}
    headers = {"Retry-After": "1"} if error.retryable else {}
    if isinstance(error, ControlDenied):
        headers["WWW-Authenticate"] = "Bearer"
    return JSONResponse({"error": body}, error.status, headers)


def _unexpected(error: Exception) -> ControlError:
    retryable = getattr(type(error), "retryable", None)
    if retryable is None:
        _LOG.exception("a control failed")
        return ControlError("the collector failed; its log says why")
    return ControlUnavailable(str(error)) if retryable else ControlInvalid(str(error))


def _authenticate(request: Request, operator_token: str) -> None:
    kind, _, token = request.headers.get("authorization", "").partition(" ")
    same = hmac.compare_digest(token.strip().encode(), operator_token.encode())
    if kind.lower() != "bearer" or not same or not operator_token:
        raise ControlDenied("operator token: missing or wrong; it is in secrets/operator.token")


async def _body(request: Request, model: type[_B]) -> _B:
    data = bytearray()
    async for chunk in request.stream():
        data += chunk
        if len(data) > MAX_BODY:
            raise ControlInvalid(f"body: expected at most {MAX_BODY} bytes")
    try:
        # Through the json module, which refuses what it cannot represent before pydantic reads it.
        return model.model_validate(json.loads(bytes(data)))
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False)[0]
        place = ".".join(map(str, first["loc"])) or "body"
        raise ControlInvalid(f"{place}: {first['msg'].lower()}") from error
    except (ValueError, RecursionError) as error:
        raise ControlInvalid(f"body: is not JSON: {error}") from error
