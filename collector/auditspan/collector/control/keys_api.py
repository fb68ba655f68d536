"""API keys over HTTP.

POST /v1/control/keys                issue a key
GET  /v1/control/keys                all keys, without secrets
POST /v1/control/keys/{id}/revoke    end a key
"""

from collections.abc import Sequence
from typing import Annotated

from pydantic import BaseModel, Field
from starlette.requests import Request
from starlette.responses import JSONResponse

from auditspan.collector.control.http import FROZEN, Endpoint, body_of
from auditspan.collector.control.keys import HolderKind, Wish
from auditspan.collector.control.records import Why
from auditspan.collector.control.service import Controls
from auditspan.identity.caller import Caller
from auditspan.identity.roles import Action


class IssueBody(BaseModel):
    """Body of POST /v1/control/keys."""

    model_config = FROZEN

    holder: str
    kind: HolderKind = "agent"
    seconds: Annotated[int, Field(strict=True)]
    label: Annotated[str, Field(max_length=128)] = ""
    why: Why = Why()


class RevokeBody(BaseModel):
    """Body of POST /v1/control/keys/{id}/revoke."""

    model_config = FROZEN

    why: Why = Why()


def keys_endpoints(controls: Controls) -> Sequence[Endpoint]:
    """Issue, list and end."""

    async def issue(request: Request, caller: Caller) -> JSONResponse:
        body = await body_of(request, IssueBody)
        wish = Wish(body.holder, body.kind, body.seconds, body.label)
        return JSONResponse(await controls.issue(wish, body.why, caller), 201)

    async def list_keys(request: Request, caller: Caller) -> JSONResponse:
        return JSONResponse({"keys": controls.list_keys(caller)})

    async def revoke(request: Request, caller: Caller) -> JSONResponse:
        body = await body_of(request, RevokeBody)
        return JSONResponse(await controls.revoke(request.path_params["id"], body.why, caller))

    return (
        Endpoint("POST", "keys", (Action.KEYS,), issue),
        Endpoint("GET", "keys", (Action.KEYS,), list_keys),
        Endpoint("POST", "keys/{id}/revoke", (Action.KEYS,), revoke),
    )
