"""Proposals over HTTP; `{hash}` is the hash or the first eight or more hex digits of it.

GET  /v1/control/changes                    the open proposals, with `?all=1` every one
GET  /v1/control/changes/{hash}             one, with what it would change
POST /v1/control/changes/{hash}/approve     put it in force
POST /v1/control/changes/{hash}/reject      end somebody else's
POST /v1/control/changes/{hash}/withdraw    end one's own

The actions of a proposal depend on its kind; the route demands one of any kind, `changes.py` that
of its own.
"""

import asyncio
from collections.abc import Sequence

from pydantic import BaseModel
from starlette.requests import Request
from starlette.responses import JSONResponse

from auditspan.collector.control.http import FROZEN, Endpoint, body_of
from auditspan.collector.control.records import Said
from auditspan.collector.control.service import Controls
from auditspan.identity.caller import Caller


class DecisionBody(BaseModel):
    """Body of approve, reject and withdraw."""

    model_config = FROZEN

    reason: Said = ""


def changes_endpoints(controls: Controls) -> Sequence[Endpoint]:
    """Read and decide."""
    changes = controls.changes
    kinds = changes.handlers.values()
    propose = tuple(dict.fromkeys(kind.propose for kind in kinds))
    approve = tuple(dict.fromkeys(kind.approve for kind in kinds))
    see = tuple(dict.fromkeys(kind.see for kind in kinds))

    async def listing(request: Request, caller: Caller) -> JSONResponse:
        wanted = request.query_params.get("all", "") not in ("", "0", "false")
        # Each holds a whole registry; the collector goes on meanwhile.
        rows = await asyncio.to_thread(changes.listed, caller, all=wanted)
        return JSONResponse({"changes": rows})

    async def one(request: Request, caller: Caller) -> JSONResponse:
        return JSONResponse(changes.show(request.path_params["hash"], caller))

    async def approved(request: Request, caller: Caller) -> JSONResponse:
        said = await body_of(request, DecisionBody)
        answer = await changes.approve(request.path_params["hash"], said.reason, caller)
        return JSONResponse(answer)

    async def rejected(request: Request, caller: Caller) -> JSONResponse:
        said = await body_of(request, DecisionBody)
        answer = await changes.reject(request.path_params["hash"], said.reason, caller)
        return JSONResponse(answer)

    async def withdrawn(request: Request, caller: Caller) -> JSONResponse:
        said = await body_of(request, DecisionBody)
        answer = await changes.withdraw(request.path_params["hash"], said.reason, caller)
        return JSONResponse(answer)

    return (
        Endpoint("GET", "changes", see, listing),
        Endpoint("GET", "changes/{hash}", see, one),
        Endpoint("POST", "changes/{hash}/approve", approve, approved),
        Endpoint("POST", "changes/{hash}/reject", approve, rejected),
        Endpoint("POST", "changes/{hash}/withdraw", propose, withdrawn),
    )
