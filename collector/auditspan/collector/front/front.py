"""All ports of the collector, opened and closed together."""

import os
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from starlette.applications import Starlette
from starlette.routing import Route
from starlette.types import ASGIApp

from auditspan.collector.errors import ConfigInvalid
from auditspan.collector.front.admission import Admission
from auditspan.collector.front.grpc_server import GrpcServer
from auditspan.collector.front.health import health_routes
from auditspan.collector.front.http_server import http_app
from auditspan.collector.front.own_names import LOOPBACK, OwnNames
from auditspan.collector.front.receiver_config import (
    ApiConfig,
    GrpcConfig,
    HttpConfig,
    ListenConfig,
    QueryConfig,
    is_local,
)
from auditspan.collector.front.web_server import WebServer


@dataclass(frozen=True, slots=True)
class FrontSettings:
    """Where to listen."""

    grpc: GrpcConfig
    http: HttpConfig
    api: ApiConfig
    query: QueryConfig


class Front:
    """The ports, over one admission."""

    def __init__(
        self,
        settings: FrontSettings,
        admission: Admission,
        *,
        not_ready: Callable[[], str],
        waits: Callable[[], str] = str,
        api_routes: Sequence[Route],
        otlp_routes: Sequence[Route] = (),
        query_app: ASGIApp,
    ) -> None:
        """Raises `ConfigInvalid` for certificates that cannot be used."""
        self._admission = admission
        self._settings = settings
        api = Starlette(routes=[*health_routes(admission.metrics, not_ready, waits), *api_routes])
        # On this machine a browser may ask, elsewhere probes ask by names that nobody knows here.
        names = LOOPBACK | set(settings.query.hosts)
        app = OwnNames(api, names) if is_local(settings.api.host) else api
        self._ports: dict[str, GrpcServer | WebServer] = {"api": WebServer(settings.api, app)}
        if settings.http.enabled:
            largest = settings.http.max_request
            otlp = http_app(admission, admission.identities, largest, otlp_routes)
            self._ports["http"] = WebServer(settings.http, otlp)
        if settings.query.enabled:
            self._ports["query"] = WebServer(settings.query, query_app)
        if settings.grpc.enabled:
            self._ports["grpc"] = GrpcServer(settings.grpc, admission)

    async def start(self) -> dict[str, str]:
        """Open the ports; the addresses by name: `grpc`, `http`, `query`, `api`.

        Raises `ConfigInvalid` if one cannot be had; then none is open.
        """
        self._admission.committer.start()
        try:
            for name, port in self._ports.items():
                await self._open(name, port)
        except BaseException:
            await self.stop()
            raise
        return {name: port.url for name, port in self._ports.items()}

    async def stop(self) -> None:
        """Close the ports; requests that have begun are answered."""
        for port in reversed(self._ports.values()):
            await port.stop()

    async def _open(self, name: str, port: GrpcServer | WebServer) -> None:
        try:
            await port.start()
        except OSError as error:
            config: ListenConfig = getattr(self._settings, name)
            reason = os.strerror(error.errno) if error.errno else "it may be in use"
            raise ConfigInvalid(
                f"{name}: cannot listen on {config.endpoint} ({reason}): "
                "end what listens there, or choose another endpoint"
            ) from error
