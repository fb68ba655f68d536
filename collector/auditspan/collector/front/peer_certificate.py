"""The connection as the application has to know it: who the peer proved to be, and no idling.

uvicorn does not pass the client certificate on, so its protocol is extended: it stands in the scope
as `extensions.tls.client_cert_der`, in the manner of the ASGI TLS extension
(https://asgi.readthedocs.io/en/latest/specs/tls.html). It comes from the socket only; no header
can put one there. A peer that does not finish its headers is cut off.
"""

import asyncio
import ssl
from typing import Any, Final

from starlette.requests import Request
from starlette.types import ASGIApp, Receive, Scope, Send
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

HEADER_SECONDS: Final = 20.0
"""How long the headers of a request may take, and a new connection to begin."""


class PeerCertificateProtocol(HttpToolsProtocol):
    """HTTP/1.1 that tells the application who the peer proved to be."""

    header_seconds = HEADER_SECONDS
    _slow: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Read the certificate once per connection."""
        tls: ssl.SSLObject | None = transport.get_extra_info("ssl_object")
        der = tls.getpeercert(binary_form=True) if tls is not None else None
        self.app: Any = _with_certificate(self.app, der)
        super().connection_made(transport)
        self._expect_headers()

    def on_message_begin(self) -> None:
        """The headers of a request begin."""
        super().on_message_begin()
        self._expect_headers()

    def on_headers_complete(self) -> None:
        """The application sees the request."""
        self._had_headers()
        super().on_headers_complete()

    def connection_lost(self, exc: Exception | None) -> None:
        """The peer is gone."""
        self._had_headers()
        super().connection_lost(exc)

    def _expect_headers(self) -> None:
        self._had_headers()
        self._slow = self.loop.call_later(self.header_seconds, self.transport.close)

    def _had_headers(self) -> None:
        if self._slow is not None:
            self._slow.cancel()
            self._slow = None


def peer_certificate(request: Request) -> bytes | None:
    """The certificate in DER, None without TLS or if the client presented none."""
    extensions: dict[str, dict[str, bytes | None]] = request.scope.get("extensions") or {}
    return extensions.get("tls", {}).get("client_cert_der")


def _with_certificate(app: ASGIApp, der: bytes | None) -> ASGIApp:
    async def wrapped(scope: Scope, receive: Receive, send: Send) -> None:
        extensions = {**(scope.get("extensions") or {}), "tls": {"client_cert_der": der}}
        await app({**scope, "extensions": extensions}, receive, send)

    return wrapped
