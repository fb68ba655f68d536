"""One HTTP port: uvicorn inside our event loop, without its signal handlers and its headers."""

import asyncio
import contextlib
import socket
from collections.abc import Iterator

import uvicorn
from starlette.types import ASGIApp

from auditspan.collector.front.peer_certificate import PeerCertificateProtocol
from auditspan.collector.front.receiver_config import ListenConfig
from auditspan.collector.front.tls_reload import renewed_web_context


class _Server(uvicorn.Server):
    def __init__(self, config: uvicorn.Config) -> None:
        super().__init__(config)
        self.ended = asyncio.Event()

    async def main_loop(self) -> None:
        """Wake once a second, which is how exact the header `Date` is, and at the end."""
        while not await self.on_tick(0):
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(1.0):
                    await self.ended.wait()

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Signals are the service's."""
        yield


class WebServer:
    """An application on a port."""

    def __init__(self, config: ListenConfig, app: ASGIApp) -> None:
        """Raises `ConfigInvalid` for certificates that cannot be used."""
        self._config = config
        self._server = _Server(_settings(config, app))
        self._task: asyncio.Task[None] | None = None
        self.port = 0
        """The port in use, once started."""

    async def start(self) -> None:
        """Listen. Raises `OSError` if the port cannot be had."""
        # Bound here, so that a port that is taken is an error and not an exit of the process.
        family = socket.AF_INET6 if ":" in self._config.host else socket.AF_INET
        own = socket.create_server((self._config.host, self._config.port), family=family)
        # asyncio does so only for sockets that name their protocol, and these do not. Without it
        # the body of an answer waits for the client to confirm its head, which takes 40 ms.
        own.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.port = own.getsockname()[1]
        self._task = asyncio.create_task(self._server.serve([own]))
        while not self._server.started and not self._task.done():
            await asyncio.sleep(0.01)
        if self._task.done():
            await self._task

    async def stop(self) -> None:
        """Answer what has begun, then close."""
        self._server.should_exit = True
        self._server.ended.set()
        if self._task is not None:
            await self._task

    @property
    def url(self) -> str:
        """Where it listens."""
        scheme = "https" if self._config.tls else "http"
        return f"{scheme}://{self._config.authority(self.port)}"


def _settings(config: ListenConfig, app: ASGIApp) -> uvicorn.Config:
    settings = uvicorn.Config(
        app,
        http=PeerCertificateProtocol,
        log_config=None,
        access_log=False,
        lifespan="off",
        # A header must not say who the peer is.
        proxy_headers=False,
        server_header=False,
        timeout_graceful_shutdown=5,
        ws="none",
    )
    settings.load()
    if config.tls is not None:
        settings.ssl = renewed_web_context(config.tls)
    return settings
