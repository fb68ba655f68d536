"""Send a closed segment as it is, over OTLP/HTTP or OTLP/gRPC, and say what became of it.

Which answers are worth a retry: https://opentelemetry.io/docs/specs/otlp/#failures and
https://opentelemetry.io/docs/specs/otlp/#failures-1.
"""

import gzip
from dataclasses import dataclass
from typing import Final, Literal, Protocol

from auditspan.instrumentation.http_client import HttpClient
from auditspan.instrumentation.settings import Transport

RETRYABLE_STATUS: Final = frozenset({408, 429, 500, 502, 503, 504})
# A credential that is refused today may be right tomorrow, and its spans are not lost till then.
CREDENTIAL_STATUS: Final = frozenset({401, 403, 404, 405})


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
        if answer.status in RETRYABLE_STATUS | CREDENTIAL_STATUS:
            return Outcome("retry", message, answer.retry_after)
        return Outcome("refused", message)

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
