"""What a probe is told."""

import asyncio

import httpx
import pytest
from starlette.applications import Starlette

from auditspan.collector.front.health import health_routes
from auditspan.collector.front.metrics import Metrics


@pytest.mark.parametrize(
    ("reason", "waits", "code", "told"),
    [
        ("", "", 200, {"status": "ready"}),
        ("starting", "", 503, {"status": "not ready", "reason": "starting"}),
        ("", "batch b waits", 200, {"status": "ready", "waits": "batch b waits"}),
    ],
)
def test_readiness(reason: str, waits: str, code: int, told: dict[str, str]) -> None:
    """A batch that cannot be stored is told, and requests are taken all the same."""
    app = Starlette(routes=health_routes(Metrics(), lambda: reason, lambda: waits))

    async def ask() -> httpx.Response:
        transport = httpx.ASGITransport(app)
        async with httpx.AsyncClient(transport=transport, base_url="http://localhost") as client:
            return await client.get("/readyz")

    answer = asyncio.run(ask())
    assert (answer.status_code, answer.json()) == (code, told)
