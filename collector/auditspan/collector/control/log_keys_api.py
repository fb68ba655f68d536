"""The keys of logs over HTTP.

GET  /v1/control/log-keys                all of them, public halves
POST /v1/control/log-keys/rotate         another key for the open log
POST /v1/control/log-keys/{id}/revoke    a key counts no more
"""

from collections.abc import Sequence
from typing import Annotated

from pydantic import BaseModel, Field
from starlette.requests import Request
from starlette.responses import JSONResponse

from auditspan.collector.control.http import FROZEN, Endpoint, body_of
from auditspan.collector.control.log_keys import LogKeys
from auditspan.collector.control.records import Why
from auditspan.identity.caller import Caller
from auditspan.identity.roles import Action


class RotateBody(BaseModel):
    """Body of POST /v1/control/log-keys/rotate."""

    model_config = FROZEN

    why: Why = Why()


class RevokeLogKeyBody(BaseModel):
    """Body of POST /v1/control/log-keys/{id}/revoke."""

    model_config = FROZEN

    good_until: Annotated[int, Field(strict=True)] | None = None
    why: Why = Why()


def log_keys_endpoints(log_keys: LogKeys) -> Sequence[Endpoint]:
    """All of the above."""

    async def listed(request: Request, caller: Caller) -> JSONResponse:
        return JSONResponse({"keys": log_keys.listed(caller)})

    async def rotate(request: Request, caller: Caller) -> JSONResponse:
        body = await body_of(request, RotateBody)
        return JSONResponse(await log_keys.rotate(body.why, caller), 202)

    async def revoke(request: Request, caller: Caller) -> JSONResponse:
        body = await body_of(request, RevokeLogKeyBody)
        key = request.path_params["id"]
        return JSONResponse(await log_keys.revoke(key, body.good_until, body.why, caller), 202)

    return (
        Endpoint("GET", "log-keys", (Action.LOG_KEYS,), listed),
        Endpoint("POST", "log-keys/rotate", (Action.LOG_KEYS,), rotate),
        Endpoint("POST", "log-keys/{id}/revoke", (Action.LOG_KEYS,), revoke),
    )
