"""Dead letters over HTTP.

GET  /v1/control/deadletters               those that are here; `?all=1` those that are done as well
GET  /v1/control/deadletters/{id}          one, decoded; `?content=1` with its values
POST /v1/control/deadletters/{id}/retry    have it processed again
"""

from collections.abc import Sequence

from pydantic import BaseModel
from starlette.requests import Request
from starlette.responses import JSONResponse

from auditspan.collector.control.deadletters import DeadLetters
from auditspan.collector.control.http import FROZEN, Endpoint, body_of
from auditspan.collector.control.records import Why
from auditspan.identity.caller import Caller
from auditspan.identity.roles import Action


class RetryBody(BaseModel):
    """Body of POST /v1/control/deadletters/{id}/retry."""

    model_config = FROZEN

    why: Why = Why()


def deadletters_endpoints(dead: DeadLetters) -> Sequence[Endpoint]:
    """All of the above."""

    async def listed(request: Request, caller: Caller) -> JSONResponse:
        rows = await dead.listed(caller, all="all" in request.query_params)
        return JSONResponse({"deadletters": rows})

    async def show(request: Request, caller: Caller) -> JSONResponse:
        wanted = "content" in request.query_params
        return JSONResponse(await dead.show(request.path_params["id"], caller, content=wanted))

    async def retry(request: Request, caller: Caller) -> JSONResponse:
        body = await body_of(request, RetryBody)
        return JSONResponse(await dead.retry(request.path_params["id"], body.why, caller), 202)

    ask = (Action.DEAD_LETTERS,)
    return (
        Endpoint("GET", "deadletters", ask, listed),
        Endpoint("GET", "deadletters/{id}", ask, show),
        Endpoint("POST", "deadletters/{id}/retry", ask, retry),
    )
