"""One HTTP request to the collector: no redirects, bounded in time and size, TLS as configured.

Not a library that applications use, so that no instrumentation of theirs makes spans of it.
"""

import http.client
import socket
import ssl
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from urllib.parse import SplitResult, urlsplit

from auditspan.instrumentation.transport import Transport

MAX_ANSWER = 65_536
"""Bytes of an answer that are read."""


@dataclass(frozen=True, slots=True)
class Answer:
    """What the collector said."""

    status: int
    body: bytes
    retry_after: float
    """Seconds that it asks to wait, 0 if it does not."""


class HttpClient:
    """Asks one URL over a connection that is kept. Not for several threads at once."""

    def __init__(self, url: str, transport: Transport) -> None:
        self._url = urlsplit(url)
        self._transport = transport
        self._connection: http.client.HTTPConnection | None = None

    def post(self, body: bytes, headers: Mapping[str, str], timeout: float = 0.0) -> Answer:
        """Post a body, within so many seconds to connect, and to answer; else the transport's.

        Raises OSError if the collector cannot be reached or does not speak HTTP.
        """
        return self._asked("POST", body, headers, timeout, MAX_ANSWER)

    def get(self, limit: int) -> Answer:
        """Get the URL's content, so many bytes at most. Raises OSError as `post` does."""
        return self._asked("GET", b"", {}, 0.0, limit)

    def _asked(
        self, method: str, body: bytes, headers: Mapping[str, str], timeout: float, limit: int
    ) -> Answer:
        reused = self._connection is not None
        try:
            return self._once(method, body, headers, timeout, limit)
        except (OSError, http.client.HTTPException) as error:
            self.close()
            if not reused:
                raise _as_os_error(error) from error
        # The server closed an idle connection: once more over a new one.
        try:
            return self._once(method, body, headers, timeout, limit)
        except (OSError, http.client.HTTPException) as error:
            self.close()
            raise _as_os_error(error) from error

    def close(self) -> None:
        """Close the connection."""
        if self._connection is not None:
            self._connection.close()
            self._connection = None

    def _once(
        self, method: str, body: bytes, headers: Mapping[str, str], timeout: float, limit: int
    ) -> Answer:
        if self._connection is None:
            self._connection = _connection(self._url, self._transport)
        self._connection.timeout = timeout or self._transport.timeout
        if self._connection.sock is not None:
            self._connection.sock.settimeout(self._connection.timeout)
        path = self._url.path or "/"
        target = f"{path}?{self._url.query}" if self._url.query else path
        own = dict(self._transport.headers)
        self._connection.request(method, target, body or None, {**own, **headers})
        with _hung_up_after(self._connection.timeout, self._connection.sock):
            response = self._connection.getresponse()
            content = response.read(limit + 1)
        if len(content) > limit:
            self.close()
        wait = _seconds(response.getheader("Retry-After"))
        return Answer(response.status, content[:limit], wait)


def is_loopback(url: str) -> bool:
    """Whether a URL leads to this machine."""
    host = urlsplit(url).hostname or ""
    return host == "localhost" or host == "::1" or host.startswith("127.")


def _connection(url: SplitResult, transport: Transport) -> http.client.HTTPConnection:
    host = url.hostname or ""
    if url.scheme == "https":
        context = ssl.create_default_context(cafile=transport.certificate or None)
        if transport.client_certificate:
            context.load_cert_chain(transport.client_certificate, transport.client_key or None)
        return http.client.HTTPSConnection(
            host, url.port, timeout=transport.timeout, context=context
        )
    return http.client.HTTPConnection(host, url.port, timeout=transport.timeout)


@contextmanager
def _hung_up_after(seconds: float, sock: socket.socket) -> Iterator[None]:
    """No answer takes longer: one that comes byte by byte keeps each single wait short."""

    def hang_up() -> None:
        with suppress(OSError):  # it is closed already
            sock.shutdown(socket.SHUT_RDWR)

    timer = threading.Timer(seconds, hang_up)
    timer.daemon = True
    with suppress(RuntimeError):  # the interpreter is ending
        timer.start()
    try:
        yield
    finally:
        timer.cancel()


def _seconds(text: str | None) -> float:
    """`Retry-After`; a date is taken as no wish, as is nonsense."""
    return min(float(text), 300.0) if text and text.isascii() and text.isdigit() else 0.0


def _as_os_error(error: Exception) -> OSError:
    return error if isinstance(error, OSError) else ConnectionError(str(error) or repr(error))
