"""One endpoint of the controls: who asks, may they, what do they say, and errors as JSON."""

import json
import logging
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Final, TypeVar

from pydantic import BaseModel, ConfigDict, ValidationError
from starlette.requests import ClientDisconnect, Request
from starlette.responses import JSONResponse
from starlette.routing import Route

from auditspan.collector.access.authority import Authority
from auditspan.collector.access.http import caller_of, refused
from auditspan.collector.control.errors import (
    ControlDenied,
    ControlError,
    ControlInvalid,
    ControlUnavailable,
)
from auditspan.collector.control.two_persons import require
from auditspan.collector.front.refusals import Refusal
from auditspan.identity.caller import Caller
from auditspan.identity.roles import Action

MAX_BODY: Final = 48 * 1024 * 1024
"""A bundle of 8 MiB, escaped as JSON in the worst case."""
ROOT: Final = "/v1/control/"
FROZEN: Final = ConfigDict(frozen=True, extra="forbid")
"""Of every body."""

Answer = Callable[[Request, Caller], Awaitable[JSONResponse]]

_B = TypeVar("_B", bound=BaseModel)
_LOG = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Endpoint:
    """One thing that can be asked."""

    method: str
    """`GET` or `POST`."""
    path: str
    """Below `/v1/control/`."""
    actions: tuple[Action, ...]
    """What it takes; one of them is enough to be heard."""
    answer: Answer
    """What it does for a caller who may."""


def route(endpoint: Endpoint, authority: Authority) -> Route:
    """The endpoint behind authentication and its action. The body is read after both."""

    async def guarded(request: Request) -> JSONResponse:
        try:
            caller = await caller_of(request, authority)
            require(caller, *endpoint.actions)
            response = await endpoint.answer(request, caller)
        except Refusal as refusal:
            return refused(refusal)
        except ControlError as error:
            response = failure(error)
        except ClientDisconnect:
            response = failure(ControlInvalid("the request ended before its body was complete"))
        except Exception as error:
            response = failure(_unexpected(error))
        # A key is shown in an answer; nothing on the way may keep it.
        response.headers["Cache-Control"] = "no-store"
        return response

    return Route(ROOT + endpoint.path, guarded, methods=[endpoint.method])


async def body_of(request: Request, model: type[_B]) -> _B:
    """The body of a request. Raises ControlInvalid."""
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


def failure(error: ControlError) -> JSONResponse:
    """The answer for an error."""
    body = {"code": error.code, "message": str(error), "details": list(error.details)}
    headers = {"Retry-After": "1"} if error.retryable else {}
    if isinstance(error, ControlDenied):
        headers["WWW-Authenticate"] = "Bearer"
    return JSONResponse({"error": body}, error.status, headers)


def _unexpected(error: Exception) -> ControlError:
    retryable = getattr(type(error), "retryable", None)
    if retryable is None and isinstance(error, OSError) and error.filename is not None:
        # Paths of this machine are for its log.
        _LOG.error("a control failed: %s", error)
        reason = (error.strerror or "failed").lower()
        return ControlUnavailable(f"the collector's disk: {reason}; its log says which file")
    if retryable is None:
        _LOG.exception("a control failed")
        return ControlError("the collector failed; its log says why")
    return ControlUnavailable(str(error)) if retryable else ControlInvalid(str(error))
