"""All ports of the collector, opened and closed together."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from starlette.applications import Starlette
from starlette.routing import Route
from starlette.types import ASGIApp

from auditspan.collector.front.admission import Admission
from auditspan.collector.front.grpc_server import GrpcServer
from auditspan.collector.front.health import health_routes
from auditspan.collector.front.http_server import http_app
from auditspan.collector.front.receiver_config import (
    ApiConfig,
    GrpcConfig,
    HttpConfig,
    QueryConfig,
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
        api_routes: Sequence[Route],
        query_app: ASGIApp,
    ) -> None:
        self._admission = admission
        self._grpc = GrpcServer(settings.grpc, admission) if settings.grpc.enabled else None
        api = Starlette(routes=[*health_routes(admission.metrics, not_ready), *api_routes])
        self._web = {"api": WebServer(settings.api, api)}
        if settings.http.enabled:
            otlp = http_app(admission, admission.identities, settings.http.max_request)
            self._web["http"] = WebServer(settings.http, otlp)
        if settings.query.enabled:
            self._web["query"] = WebServer(settings.query, query_app)
        self._settings = settings

    async def start(self) -> dict[str, str]:
        """Open the ports; the addresses by name: `grpc`, `http`, `query`, `api`."""
        self._admission.committer.start()
        addresses = {}
        for name, server in self._web.items():
            await server.start()
            addresses[name] = server.url
        if self._grpc is not None:
            await self._grpc.start()
            scheme = "https" if self._settings.grpc.tls else "http"
            addresses["grpc"] = f"{scheme}://{self._settings.grpc.host}:{self._grpc.port}"
        return addresses

    async def stop(self) -> None:
        """Close the ports; requests that have begun are answered."""
        if self._grpc is not None:
            await self._grpc.stop()
        for server in self._web.values():
            await server.stop()
