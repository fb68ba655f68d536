"""The collector's ports without its engine: what is acknowledged stays in the spool, to be read."""

import asyncio
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from starlette.applications import Starlette

from auditspan.collector.building import service_of
from auditspan.collector.config import CollectorConfig
from auditspan.collector.data_dir import prepare
from auditspan.collector.front.front import Front, FrontSettings
from auditspan.collector.service import Service
from auditspan.identity.principal import Principal
from auditspan.wire.segments import closed_segments, read_frames

FREE = "127.0.0.1:0"


class Receiving:
    """Ports on an event loop of their own."""

    def __init__(self, service: Service) -> None:
        config = service.config
        otlp = config.receivers.otlp
        settings = FrontSettings(otlp.grpc, otlp.http, config.service.api, config.service.query)
        self.service = service
        self.admission = service.admission
        self.front = Front(
            settings,
            service.admission,
            not_ready=service.not_ready,
            api_routes=(),
            query_app=Starlette(),
        )
        self.loop = asyncio.new_event_loop()
        self.addresses: dict[str, str] = {}
        self._thread = threading.Thread(target=self.loop.run_forever, daemon=True)
        self._thread.start()

    @property
    def http(self) -> str:
        """Where OTLP/HTTP goes."""
        return self.addresses["http"]

    def do(self, awaitable: Any) -> Any:
        """Run something on the loop of the ports."""
        return asyncio.run_coroutine_threadsafe(awaitable, self.loop).result(30)

    def open(self) -> None:
        """Open the ports."""
        self.addresses = self.do(self.front.start())

    def stop(self) -> None:
        """Close them, and the last segment."""
        if self.loop.is_closed():
            return
        try:
            self.do(self.front.stop())
            self.do(self.service.committer.close())
            self.do(self.loop.shutdown_default_executor())
        finally:
            self.loop.call_soon_threadsafe(self.loop.stop)
            self._thread.join()
            self.loop.close()

    def principals(self) -> list[Principal]:
        """Stop; who sent each request that was acknowledged, in order."""
        self.stop()
        return [
            Principal.from_json(envelope.principal)
            for path in closed_segments(self.service.data.folder("spool"))
            for _, envelope in read_frames(path)
        ]


@contextmanager
def receiving(folder: Path, **otlp: Any) -> Iterator[Receiving]:
    """Open ports over a data folder; `otlp` is the configuration of `receivers.otlp`."""
    ports = {name: {"endpoint": FREE} | otlp.pop(name, {}) for name in ("grpc", "http")}
    config = CollectorConfig.model_validate(
        {
            "receivers": {"otlp": {**ports, **otlp}},
            "service": {"api": {"endpoint": FREE}, "query": {"enabled": False}},
        }
    )
    service = service_of(config, prepare(folder))
    running = Receiving(service)
    try:
        running.open()
        yield running
    finally:
        running.stop()
