"""Reviews and recertification over HTTP.

POST /v1/control/reviews                    say what one thinks of a record
GET  /v1/control/recertification            every agent and grant by owner, with its last use
GET  /v1/control/recertification/campaigns  every time of asking
POST /v1/control/recertification/campaigns  ask all owners
POST /v1/control/recertification/answers    answer for an agent or a grant
"""

from collections.abc import Sequence
from typing import Annotated

from pydantic import BaseModel, Field
from starlette.requests import Request
from starlette.responses import JSONResponse

from auditspan.collector.control.http import FROZEN, Endpoint, body_of
from auditspan.collector.control.human import Human
from auditspan.collector.control.recertify import Verdict
from auditspan.collector.control.records import Said, Why
from auditspan.collector.control.reviews import Review
from auditspan.identity.caller import Caller
from auditspan.identity.roles import Action

_EITHER = (Action.RECERTIFY, Action.READ_REGISTRY)


class ReviewBody(BaseModel):
    """Body of POST /v1/control/reviews."""

    model_config = FROZEN

    record: Said
    verdict: Said
    why: Why = Why()


class StartBody(BaseModel):
    """Body of POST /v1/control/recertification/campaigns."""

    model_config = FROZEN

    seconds: Annotated[int, Field(strict=True)]
    why: Why = Why()


class AnswerBody(BaseModel):
    """Body of POST /v1/control/recertification/answers."""

    model_config = FROZEN

    item: Said
    verdict: Said
    why: Why = Why()


def reviews_endpoints(human: Human) -> Sequence[Endpoint]:
    """What people are asked for."""

    async def review(request: Request, caller: Caller) -> JSONResponse:
        body = await body_of(request, ReviewBody)
        said = Review(body.record, body.verdict)
        return JSONResponse(await human.reviews.review(said, body.why, caller), 201)

    async def items(request: Request, caller: Caller) -> JSONResponse:
        return JSONResponse({"items": await human.listing.items(caller)})

    async def campaigns(request: Request, caller: Caller) -> JSONResponse:
        return JSONResponse({"campaigns": human.listing.status(caller)})

    async def start(request: Request, caller: Caller) -> JSONResponse:
        body = await body_of(request, StartBody)
        return JSONResponse(await human.recertification.start(body.seconds, body.why, caller), 201)

    async def answer(request: Request, caller: Caller) -> JSONResponse:
        body = await body_of(request, AnswerBody)
        said = Verdict(body.item, body.verdict)
        return JSONResponse(await human.recertification.answer(said, body.why, caller), 201)

    return (
        Endpoint("POST", "reviews", (Action.REVIEW,), review),
        Endpoint("GET", "recertification", _EITHER, items),
        Endpoint("GET", "recertification/campaigns", _EITHER, campaigns),
        Endpoint("POST", "recertification/campaigns", (Action.RECERTIFY,), start),
        Endpoint("POST", "recertification/answers", _EITHER, answer),
    )
