"""The registry over HTTP.

POST /v1/control/registry            propose a bundle, or with `dry_run` say what it would do
GET  /v1/control/registry            the texts in force, or of `?version=`
GET  /v1/control/history             every version, with who asked and who approved
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
from auditspan.registry import Bundle


class ApplyBody(BaseModel):
    """Body of POST /v1/control/registry."""

    model_config = FROZEN

    files: dict[str, str]
    why: Why = Why()
    dry_run: bool = False


def registry_endpoints(controls: Controls) -> Sequence[Endpoint]:
    """Propose and read."""

    async def apply(request: Request, caller: Caller) -> JSONResponse:
        body = await body_of(request, ApplyBody)
        bundle = Bundle(body.files)
        answer = await controls.apply(bundle, body.why, caller, dry_run=body.dry_run)
        return JSONResponse(answer)

    async def registry(request: Request, caller: Caller) -> JSONResponse:
        files = controls.bundle(request.query_params.get("version", ""), caller)
        return JSONResponse({"files": dict(files)})

    async def history(request: Request, caller: Caller) -> JSONResponse:
        return JSONResponse({"versions": controls.history(caller)})

    return (
        Endpoint("POST", "registry", (Action.PROPOSE,), apply),
        Endpoint("GET", "registry", (Action.READ_REGISTRY,), registry),
        Endpoint("GET", "history", (Action.READ_REGISTRY,), history),
    )
