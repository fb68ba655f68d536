"""Backups over HTTP: a snapshot to read on the collector's machine, and its end.

POST /v1/control/backups             take a snapshot
POST /v1/control/backups/{id}/end    remove it; what is said of the backup is sealed
"""

from collections.abc import Sequence
from typing import Annotated

from pydantic import BaseModel, Field
from starlette.requests import Request
from starlette.responses import JSONResponse

from auditspan.collector.backup.manifest import Made
from auditspan.collector.backup.taking import Backups
from auditspan.collector.control.http import FROZEN, Endpoint, body_of
from auditspan.collector.control.records import Why
from auditspan.identity.caller import Caller
from auditspan.identity.roles import Action


class BeginBody(BaseModel):
    """Body of POST /v1/control/backups."""

    model_config = FROZEN

    secrets: Annotated[bool, Field(strict=True)] = False


class EndBody(BaseModel):
    """Body of POST /v1/control/backups/{id}/end."""

    model_config = FROZEN

    made: Made | None = None
    """None of one that failed."""
    why: Why = Why()


def backups_endpoints(backups: Backups) -> Sequence[Endpoint]:
    """All of the above."""

    async def begin(request: Request, caller: Caller) -> JSONResponse:
        body = await body_of(request, BeginBody)
        return JSONResponse(await backups.begin(caller, secrets_too=body.secrets), 201)

    async def end(request: Request, caller: Caller) -> JSONResponse:
        body = await body_of(request, EndBody)
        says = body.made.model_dump() if body.made else {}
        return JSONResponse(await backups.end(request.path_params["id"], says, body.why, caller))

    return (
        Endpoint("POST", "backups", (Action.LOG_KEYS,), begin),
        Endpoint("POST", "backups/{id}/end", (Action.LOG_KEYS,), end),
    )
