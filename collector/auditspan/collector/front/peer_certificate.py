"""The connection as the application has to know it: who the peer proved to be, and no idling.

uvicorn does not pass the client certificate on, so its protocol is extended: it stands in the scope
as `extensions.tls.client_cert_der`, in the manner of the ASGI TLS extension
(https://asgi.readthedocs.io/en/latest/specs/tls.html). It comes from the socket only; no header
can put one there. A peer that does not finish its headers is cut off, as is one that sends more of
them than anybody needs: they are kept in memory before it is known who sends.
"""

import asyncio
import ssl
from typing import Any, Final

from starlette.requests import Request
from starlette.types import ASGIApp, Receive, Scope, Send
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

HEADER_SECONDS: Final = 20.0
"""How long the headers of a request may take, and a new connection to begin."""
HEADER_BYTES: Final = 64 << 10
"""What may come that is no body: headers, a chunk's extensions, trailers."""
_TOO_LONG: Final = (
    b"HTTP/1.1 431 Request Header Fields Too Large\r\n"
    b"connection: close\r\ncontent-length: 0\r\n\r\n"
)


class PeerCertificateProtocol(HttpToolsProtocol):
    """HTTP/1.1 that tells the application who the peer proved to be."""

    header_seconds = HEADER_SECONDS
    _slow: asyncio.TimerHandle | None = None
    """One timer at a time, which looks at the deadline: most requests need none of their own."""
    _deadline = float("inf")
    """When the headers have to be there, by the clock of the loop."""
    _kept = 0
    """Bytes since the last piece of a body, or the last end of headers."""

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Read the certificate once per connection."""
        tls: ssl.SSLObject | None = transport.get_extra_info("ssl_object")
        der = tls.getpeercert(binary_form=True) if tls is not None else None
        self.app: Any = _with_certificate(self.app, der)
        super().connection_made(transport)
        self._expect_headers()

    def data_received(self, data: bytes) -> None:
        """Some more of a request."""
        self._kept += len(data)
        super().data_received(data)
        if self._kept > HEADER_BYTES and not self.transport.is_closing():
            if self._deadline < float("inf"):
                self.transport.write(_TOO_LONG)
            self.transport.close()

    def on_body(self, body: bytes) -> None:
        """What the application takes, which has limits of its own."""
        self._kept = 0
        super().on_body(body)

    def on_message_complete(self) -> None:
        """Another request may follow."""
        self._kept = 0
        super().on_message_complete()

    def on_message_begin(self) -> None:
        """The headers of a request begin."""
        super().on_message_begin()
        self._expect_headers()

    def on_headers_complete(self) -> None:
        """The application sees the request."""
        self._kept = 0
        self._had_headers()
        super().on_headers_complete()

    def connection_lost(self, exc: Exception | None) -> None:
        """The peer is gone."""
        self._had_headers()
        if self._slow is not None:
            self._slow.cancel()
        super().connection_lost(exc)

    def _expect_headers(self) -> None:
        self._deadline = self.loop.time() + self.header_seconds
        if self._slow is None:
            self._slow = self.loop.call_at(self._deadline, self._look)

    def _had_headers(self) -> None:
        self._deadline = float("inf")

    def _look(self) -> None:
        self._slow = None
        if self.loop.time() >= self._deadline:
            self.transport.close()
        elif self._deadline < float("inf"):
            self._slow = self.loop.call_at(self._deadline, self._look)


def peer_certificate(request: Request) -> bytes | None:
    """The certificate in DER, None without TLS or if the client presented none."""
    extensions: dict[str, dict[str, bytes | None]] = request.scope.get("extensions") or {}
    return extensions.get("tls", {}).get("client_cert_der")


def _with_certificate(app: ASGIApp, der: bytes | None) -> ASGIApp:
    tls = {"client_cert_der": der}

    async def wrapped(scope: Scope, receive: Receive, send: Send) -> None:
        # The scope is made for this request alone.
        scope["extensions"] = {**(scope.get("extensions") or {}), "tls": tls}
        await app(scope, receive, send)

    return wrapped
