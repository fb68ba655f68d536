"""The client certificate of a TLS connection, handed to the application with each request.

uvicorn does not pass it on, so its protocol is extended: the certificate stands in the scope as
`extensions.tls.client_cert_der`, in the manner of the ASGI TLS extension
(https://asgi.readthedocs.io/en/latest/specs/tls.html). It comes from the socket only; no header
can put one there.
"""

import asyncio
import ssl
from typing import Any

from starlette.requests import Request
from starlette.types import ASGIApp, Receive, Scope, Send
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol


class PeerCertificateProtocol(HttpToolsProtocol):
    """HTTP/1.1 that tells the application who the peer proved to be."""

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Read the certificate once per connection."""
        tls: ssl.SSLObject | None = transport.get_extra_info("ssl_object")
        der = tls.getpeercert(binary_form=True) if tls is not None else None
        self.app: Any = _with_certificate(self.app, der)
        super().connection_made(transport)


def peer_certificate(request: Request) -> bytes | None:
    """The certificate in DER, None without TLS or if the client presented none."""
    extensions: dict[str, dict[str, bytes | None]] = request.scope.get("extensions") or {}
    return extensions.get("tls", {}).get("client_cert_der")


def _with_certificate(app: ASGIApp, der: bytes | None) -> ASGIApp:
    async def wrapped(scope: Scope, receive: Receive, send: Send) -> None:
        extensions = {**(scope.get("extensions") or {}), "tls": {"client_cert_der": der}}
        await app({**scope, "extensions": extensions}, receive, send)

    return wrapped
