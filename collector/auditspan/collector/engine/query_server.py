"""Answers readers' statements on a unix socket, beside the pipeline, on threads of its own."""

import asyncio
import os
import threading
from collections.abc import Callable
from pathlib import Path

import uvicorn

from auditspan.collector.query.limits import ReadLimits
from auditspan.collector.query.lookups import lookup_routes
from auditspan.collector.query.runner import LocalEngine, engine_app
from auditspan.collector.query.verifying import engine_verification
from auditspan.storage.engine import Engine


class _Server(uvicorn.Server):
    async def main_loop(self) -> None:
        """Until the process ends. Nothing here needs to wake ten times a second."""
        await self.on_tick(0)
        await asyncio.get_running_loop().create_future()


def serve_queries(
    store: Engine, limits: ReadLimits, socket: str, somebody_verifies: Callable[[], None]
) -> None:
    """Listen from now on, until the process ends. The socket's folder lets nobody else in.

    `somebody_verifies` is called for each question of a verification.
    """
    Path(socket).unlink(missing_ok=True)
    app = engine_app(LocalEngine(store, limits))
    app.routes.extend([*lookup_routes(store), *engine_verification(store, somebody_verifies)])
    config = uvicorn.Config(
        app,
        uds=socket,
        log_config=None,
        access_log=False,
        lifespan="off",
        proxy_headers=False,
        server_header=False,
        date_header=False,
    )
    server = _Server(config)

    def serve() -> None:
        os.umask(0o077)
        asyncio.run(server.serve())

    threading.Thread(target=serve, name="queries", daemon=True).start()
