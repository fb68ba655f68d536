"""Send a closed segment as it is, over OTLP/HTTP or OTLP/gRPC, and say what became of it.

The specification (https://opentelemetry.io/docs/specs/otlp/#failures-1) gives a request up unless
the status says to try again. Here it is the other way round: what is said of the credential, the
address or the server is no fault of the spans, which are kept until somebody has put it right.
"""

import gzip
from dataclasses import dataclass
from typing import Final, Literal, Protocol

from auditspan.instrumentation.http_client import HttpClient
from auditspan.instrumentation.transport import Transport

REFUSED_STATUS: Final = frozenset({400, 413, 415, 422})
"""What is said of the request itself; it would be said again."""
_NO_COLLECTOR: Final = frozenset({*range(300, 400), 404, 405, 501})


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of a request."""

    kind: Literal["done", "retry", "refused"]
    message: str = ""
    """Why it is not done."""
    wait: float = 0.0
    """Seconds that the collector asks to wait."""


class Sender(Protocol):
    """Sends requests, one at a time."""

    def send(self, request: bytes, timeout: float) -> Outcome:
        """Send one within so many seconds. Raises nothing."""
        ...

    def close(self) -> None:
        """Close what is open."""
        ...


class HttpSender:
    """OTLP/HTTP with protobuf bodies."""

    def __init__(self, transport: Transport) -> None:
        self._endpoint = transport.endpoint
        self._client = HttpClient(transport.endpoint, transport)
        self._gzip = transport.gzip
        self._timeout = transport.timeout

    def send(self, request: bytes, timeout: float) -> Outcome:
        """Send one."""
        headers = {"Content-Type": "application/x-protobuf", "User-Agent": "auditspan"}
        if self._gzip:
            request = gzip.compress(request, compresslevel=1, mtime=0)
            headers["Content-Encoding"] = "gzip"
        try:
            answer = self._client.post(request, headers, min(timeout, self._timeout))
        except OSError as error:
            return Outcome("retry", f"{error.strerror or error}")
        if 200 <= answer.status < 300:
            return Outcome("done")
        message = f"HTTP {answer.status}"
        if answer.status in REFUSED_STATUS:
            return Outcome("refused", message)
        if answer.status in _NO_COLLECTOR:
            message += f" from {self._endpoint}: no collector answers there; is it its address?"
        return Outcome("retry", message, answer.retry_after)

    def close(self) -> None:
        """Close the connection."""
        self._client.close()


def sender(transport: Transport) -> Sender:
    """The sender for a protocol."""
    if transport.protocol == "grpc":
        # gRPC takes a while to import and is not needed otherwise.
        from auditspan.instrumentation.send_grpc import GrpcSender

        return GrpcSender(transport)
    return HttpSender(transport)
