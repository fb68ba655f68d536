"""Requests to another backend over OTLP/gRPC (https://opentelemetry.io/docs/specs/otlp/#otlpgrpc)."""

from typing import Any, Final

import grpc
import grpc.aio
from google.protobuf.message import DecodeError
from google.rpc.error_details_pb2 import RetryInfo
from google.rpc.status_pb2 import Status

from auditspan.collector.forward.answers import check_success
from auditspan.collector.forward.config import ForwardConfig
from auditspan.collector.forward.errors import Later, Refused
from auditspan.collector.forward.headers import read_headers
from auditspan.collector.forward.trust import Trust

_METHOD: Final = "/opentelemetry.proto.collector.trace.v1.TraceService/Export"
_RETRYABLE: Final = frozenset(
    {
        grpc.StatusCode.CANCELLED,
        grpc.StatusCode.DEADLINE_EXCEEDED,
        grpc.StatusCode.ABORTED,
        grpc.StatusCode.OUT_OF_RANGE,
        grpc.StatusCode.UNAVAILABLE,
        grpc.StatusCode.DATA_LOSS,
    }
)


class GrpcSender:
    """Sends over gRPC."""

    def __init__(self, config: ForwardConfig, trust: Trust) -> None:
        self._config = config
        self._channel = _channel(config, trust)
        self._export = self._channel.unary_unary(_METHOD)
        gzip = config.compression == "gzip"
        self._compression = grpc.Compression.Gzip if gzip else grpc.Compression.NoCompression

    async def send(self, request: bytes) -> None:
        """Deliver a request. Raises `Refused`, `Later`."""
        try:
            answer = await self._export(
                request,
                timeout=self._config.timeout_seconds,
                metadata=read_headers(self._config.headers_file),
                compression=self._compression,
            )
        except grpc.aio.AioRpcError as error:
            raise _raised(error) from error
        check_success(answer)

    async def close(self) -> None:
        """Close the channel."""
        await self._channel.close()


def _channel(config: ForwardConfig, trust: Trust) -> Any:
    options = [("grpc.max_send_message_length", -1)]
    if not config.tls:
        return grpc.aio.insecure_channel(config.target, options)
    credentials = grpc.ssl_channel_credentials(trust.roots)
    return grpc.aio.secure_channel(config.target, credentials, options)


def _raised(error: Any) -> Later | Refused:
    wait = _retry_info(error)
    words = f"the backend answered {error.code().name}"
    exhausted = error.code() == grpc.StatusCode.RESOURCE_EXHAUSTED and wait is not None
    if error.code() in _RETRYABLE or exhausted:
        return Later(words, wait or 0.0)
    return Refused(words)


def _retry_info(error: Any) -> float | None:
    """The seconds of `RetryInfo`, None without one."""
    for name, value in error.trailing_metadata() or ():
        if name == "grpc-status-details-bin":
            try:
                return _delay(value)
            except (DecodeError, ValueError):
                return None  # What a backend writes there is not for us to trust.
    return None


def _delay(details: bytes) -> float | None:
    for detail in Status.FromString(details).details:
        info = RetryInfo()
        if detail.Unpack(info):
            return float(info.retry_delay.ToMilliseconds()) / 1000
    return None
