"""`/healthz` (the process lives), `/readyz` (it can do its work) and `/metrics`."""

from collections.abc import Callable

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from auditspan.collector.front.metrics import Metrics


def health_routes(
    metrics: Metrics, not_ready: Callable[[], str], waits: Callable[[], str] = str
) -> list[Route]:
    """The routes; `not_ready` says why not, or nothing, and `waits` what cannot be stored now."""

    async def healthz(_: Request) -> Response:
        return JSONResponse({"status": "ok"})

    async def readyz(_: Request) -> Response:
        reason = not_ready()
        body = {"status": "not ready", "reason": reason} if reason else {"status": "ready"}
        if waiting := waits():
            body["waits"] = waiting
        return JSONResponse(body, 503 if reason else 200)

    async def show(_: Request) -> Response:
        return Response(metrics.text(), media_type="text/plain; version=0.0.4; charset=utf-8")

    return [
        Route("/healthz", healthz),
        Route("/readyz", readyz),
        Route("/metrics", show),
    ]
