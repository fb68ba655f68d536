"""The caller of a request over HTTP, and refusals as the API writes its errors:
`{"error": {"code", "message", "details"}}`.
"""

import math

from starlette.requests import Request
from starlette.responses import JSONResponse

from auditspan.collector.access.authority import Authority
from auditspan.collector.front.http_server import credentials_of
from auditspan.collector.front.refusals import NotAllowed, Refusal
from auditspan.identity.caller import Caller


async def caller_of(request: Request, authority: Authority) -> Caller:
    """Who asks. Raises `Refusal`."""
    if "origin" in request.headers and "authorization" not in request.headers:
        # A browser shows a certificate for any page; a header with a token no page can add.
        raise NotAllowed("requests of web pages need a token in the Authorization header")
    return await authority.authenticate(credentials_of(request))


def refused(refusal: Refusal) -> JSONResponse:
    """The answer for a refusal."""
    headers = {"Cache-Control": "no-store"}
    if refusal.retry_after:
        headers["Retry-After"] = str(math.ceil(refusal.retry_after))
    if refusal.status == 401:
        headers["WWW-Authenticate"] = "Bearer"
    body = {"code": refusal.code, "message": str(refusal), "details": []}
    return JSONResponse({"error": body}, refusal.status, headers)
