"""Agents over HTTP.

GET  /v1/control/agents              every agent and its state
POST /v1/control/agents/disable      stop one at once
POST /v1/control/agents/enable       propose that one may act again
"""

from collections.abc import Sequence

from pydantic import BaseModel
from starlette.requests import Request
from starlette.responses import JSONResponse

from auditspan.collector.control.http import FROZEN, Endpoint, body_of
from auditspan.collector.control.records import Why
from auditspan.collector.control.service import Controls
from auditspan.identity.caller import Caller
from auditspan.identity.roles import Action


class AgentBody(BaseModel):
    """Body of disable and enable."""

    model_config = FROZEN

    agent: str
    why: Why = Why()


def agents_endpoints(controls: Controls) -> Sequence[Endpoint]:
    """Read, stop, and let go on."""

    async def agents(request: Request, caller: Caller) -> JSONResponse:
        return JSONResponse({"agents": controls.agents(caller)})

    async def disable(request: Request, caller: Caller) -> JSONResponse:
        body = await body_of(request, AgentBody)
        return JSONResponse(await controls.disable(body.agent, body.why, caller))

    async def enable(request: Request, caller: Caller) -> JSONResponse:
        body = await body_of(request, AgentBody)
        return JSONResponse(await controls.enable(body.agent, body.why, caller))

    return (
        Endpoint("GET", "agents", (Action.READ_REGISTRY,), agents),
        Endpoint("POST", "agents/disable", (Action.DISABLE,), disable),
        Endpoint("POST", "agents/enable", (Action.PROPOSE,), enable),
    )
