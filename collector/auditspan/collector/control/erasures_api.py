"""Erasures, holds and early expiry over HTTP; proposals are decided at `/v1/control/changes`.

POST /v1/control/erasures/subject   where somebody is named
POST /v1/control/erasures           ask for an erasure
GET  /v1/control/erasures           every one that was approved
GET  /v1/control/erasures/{id}      its certificate; also that of an early expiry
GET  /v1/control/holds              every hold
POST /v1/control/holds              place one
POST /v1/control/holds/release      ask for the end of one
GET  /v1/control/expiries           every early expiry that was approved
POST /v1/control/expiries           ask for one
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Annotated

from pydantic import BaseModel, Field
from starlette.requests import Request
from starlette.responses import JSONResponse

from auditspan.collector.control.erasure_plan import MOST, Asked
from auditspan.collector.control.erasures import Erasures
from auditspan.collector.control.expiries import Expiries
from auditspan.collector.control.holds import Holds
from auditspan.collector.control.holds_files import HoldFilter
from auditspan.collector.control.http import FROZEN, Endpoint, body_of
from auditspan.collector.control.records import Said, Why
from auditspan.identity.caller import Caller
from auditspan.identity.roles import Action


class SubjectBody(BaseModel):
    """Body of POST /v1/control/erasures/subject."""

    model_config = FROZEN

    subject: Said


class ErasureBody(BaseModel):
    """Body of POST /v1/control/erasures."""

    model_config = FROZEN

    records: Annotated[tuple[Asked, ...], Field(min_length=1, max_length=MOST)]
    why: Why = Why()
    dry_run: bool = False


class HoldBody(BaseModel):
    """Body of POST /v1/control/holds."""

    model_config = FROZEN

    filter: Said
    why: Why = Why()


class ExpiryBody(BaseModel):
    """Body of POST /v1/control/expiries."""

    model_config = FROZEN

    filter: Said
    why: Why = Why()
    dry_run: bool = False


class ReleaseBody(BaseModel):
    """Body of POST /v1/control/holds/release."""

    model_config = FROZEN

    id: Said
    why: Why = Why()


@dataclass(frozen=True, slots=True)
class Privacy:
    """What is asked for on account of persons and of law."""

    erasures: Erasures
    holds: Holds
    expiries: Expiries


def erasures_endpoints(privacy: Privacy) -> Sequence[Endpoint]:
    """All of the above."""
    erasures, holds, expiries = privacy.erasures, privacy.holds, privacy.expiries

    async def subject(request: Request, caller: Caller) -> JSONResponse:
        body = await body_of(request, SubjectBody)
        return JSONResponse(await erasures.of_subject(body.subject, caller))

    async def propose(request: Request, caller: Caller) -> JSONResponse:
        body = await body_of(request, ErasureBody)
        done = await erasures.propose(body.records, body.why, caller, dry_run=body.dry_run)
        return JSONResponse(done, 200 if body.dry_run else 201)

    async def listed(request: Request, caller: Caller) -> JSONResponse:
        return JSONResponse({"erasures": await erasures.listed(caller)})

    async def certificate(request: Request, caller: Caller) -> JSONResponse:
        return JSONResponse(await erasures.certificate(request.path_params["id"], caller))

    async def all_holds(request: Request, caller: Caller) -> JSONResponse:
        return JSONResponse({"holds": holds.listed(caller)})

    async def place(request: Request, caller: Caller) -> JSONResponse:
        body = await body_of(request, HoldBody)
        placed = await holds.place(HoldFilter.parse(body.filter), body.why, caller)
        return JSONResponse(placed, 201)

    async def release(request: Request, caller: Caller) -> JSONResponse:
        body = await body_of(request, ReleaseBody)
        return JSONResponse(await holds.release(body.id, body.why, caller), 201)

    async def all_expiries(request: Request, caller: Caller) -> JSONResponse:
        return JSONResponse({"expiries": await expiries.listed(caller)})

    async def expire(request: Request, caller: Caller) -> JSONResponse:
        body = await body_of(request, ExpiryBody)
        filter = HoldFilter.parse(body.filter)
        done = await expiries.propose(filter, body.why, caller, dry_run=body.dry_run)
        return JSONResponse(done, 200 if body.dry_run else 201)

    ask = (Action.PROPOSE_ERASURE,)
    return (
        Endpoint("POST", "erasures/subject", ask, subject),
        Endpoint("POST", "erasures", ask, propose),
        Endpoint("GET", "erasures", ask, listed),
        Endpoint("GET", "erasures/{id}", ask, certificate),
        Endpoint("GET", "holds", (Action.HOLD,), all_holds),
        Endpoint("POST", "holds", (Action.HOLD,), place),
        Endpoint("POST", "holds/release", ask, release),
        Endpoint("GET", "expiries", ask, all_expiries),
        Endpoint("POST", "expiries", ask, expire),
    )
