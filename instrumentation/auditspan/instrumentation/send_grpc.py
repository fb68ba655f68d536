"""OTLP/gRPC: the channel is the OpenTelemetry exporter's, the bytes are ours."""

from typing import Final, Protocol

from google.rpc.error_details_pb2 import RetryInfo
from google.rpc.status_pb2 import Status
from opentelemetry.exporter.otlp.proto.grpc.trace_exporter import OTLPSpanExporter

from auditspan.instrumentation.send import Outcome
from auditspan.instrumentation.transport import Transport

_METHOD: Final = "/opentelemetry.proto.collector.trace.v1.TraceService/Export"
_RETRYABLE: Final = frozenset(
    {
        "CANCELLED",
        "DEADLINE_EXCEEDED",
        "ABORTED",
        "OUT_OF_RANGE",
        "UNAVAILABLE",
        "DATA_LOSS",
        "RESOURCE_EXHAUSTED",
        # Faults of the server or of a credential: not the spans' fault.
        "INTERNAL",
        "UNKNOWN",
        "UNAUTHENTICATED",
        "PERMISSION_DENIED",
        "UNIMPLEMENTED",
    }
)


class _Call(Protocol):
    def __call__(
        self, request: bytes, timeout: float, metadata: tuple[tuple[str, str], ...]
    ) -> bytes: ...


class GrpcSender:
    """OTLP/gRPC."""

    def __init__(self, transport: Transport) -> None:
        self._transport = transport
        self._exporter = OTLPSpanExporter(
            endpoint=transport.endpoint,
            # What follows is read from the same variables as the settings were.
            headers=dict(transport.headers),
            timeout=transport.timeout,
        )
        self._call: _Call = getattr(self._exporter, "_channel").unary_unary(_METHOD)  # noqa: B009

    def send(self, request: bytes, timeout: float) -> Outcome:
        """Send one."""
        metadata = tuple((key.lower(), value) for key, value in self._transport.headers)
        try:
            limit = min(timeout, self._transport.timeout)
            self._call(request, timeout=limit, metadata=metadata)
        except Exception as error:
            return _failed(error)
        return Outcome("done")

    def close(self) -> None:
        """Close the channel."""
        self._exporter.shutdown()


def _failed(error: Exception) -> Outcome:
    # grpc.RpcError, which only the exporter may import.
    code, trailing = getattr(error, "code", None), getattr(error, "trailing_metadata", None)
    name = code().name if callable(code) else "UNKNOWN"
    message = f"gRPC {name}"
    if name not in _RETRYABLE:
        return Outcome("refused", message)
    return Outcome("retry", message, _wait(trailing() if callable(trailing) else ()))


def _wait(metadata: object) -> float:
    """Seconds of a `RetryInfo`, 0 without one."""
    for key, value in metadata if isinstance(metadata, tuple) else ():
        if key == "grpc-status-details-bin":
            for detail in Status.FromString(value).details:
                info = RetryInfo()
                if detail.Unpack(info):
                    delay = float(info.retry_delay.seconds) + info.retry_delay.nanos / 1e9
                    return min(float(delay), 300.0)
    return 0.0
