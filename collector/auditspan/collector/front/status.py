"""Errors as OTLP clients expect them: `google.rpc.Status`, in protobuf or JSON.

https://opentelemetry.io/docs/specs/otlp/#failures: bad data carries `BadRequest`, what may be tried
again carries `RetryInfo` (gRPC) and `Retry-After` (HTTP), and all carry `ErrorInfo` with the word
that the metric counts it under.
"""

import logging
import math
import time
from dataclasses import dataclass
from typing import Final

from google.protobuf.json_format import MessageToJson
from google.rpc.error_details_pb2 import BadRequest, ErrorInfo, RetryInfo
from google.rpc.status_pb2 import Status

from auditspan.collector.front.decompress import BodyInvalid, BodyTooLarge
from auditspan.collector.front.refusals import Refusal
from auditspan.wire.errors import RequestInvalid, SpoolFailed, SpoolFull, WireError

GRPC_CODES: Final = {
    "INVALID_ARGUMENT": 3,
    "PERMISSION_DENIED": 7,
    "RESOURCE_EXHAUSTED": 8,
    "UNIMPLEMENTED": 12,
    "INTERNAL": 13,
    "UNAVAILABLE": 14,
    "UNAUTHENTICATED": 16,
}
_RETRY_SECONDS: Final = 5.0
_OF_THE_DISK: Final = ("spool_full", "spool_failed")
_SILENT_SECONDS: Final = 60.0
LOG = logging.getLogger("auditspan.collector.front")
_told = dict.fromkeys(_OF_THE_DISK, -_SILENT_SECONDS)
"""When the log last had it, by reason."""


@dataclass(frozen=True, slots=True)
class Problem:
    """Why a request was refused, for both transports."""

    http: int
    grpc: str
    reason: str
    """The metric's label."""
    message: str
    retry_after: float = 0.0
    """Seconds; 0 means that the sender must not try again."""

    def status(self) -> Status:
        """The message with its details."""
        status = Status(code=GRPC_CODES[self.grpc], message=self.message)
        status.details.add().Pack(ErrorInfo(reason=self.reason.upper(), domain="auditspan"))
        if self.grpc == "INVALID_ARGUMENT":
            violation = BadRequest.FieldViolation(field="body", description=self.message)
            status.details.add().Pack(BadRequest(field_violations=[violation]))
        if self.retry_after:
            info = RetryInfo()
            info.retry_delay.FromMilliseconds(math.ceil(self.retry_after * 1000))
            status.details.add().Pack(info)
        return status

    def body(self, *, json: bool) -> bytes:
        """As the body of an HTTP answer."""
        status = self.status()
        return MessageToJson(status).encode() if json else status.SerializeToString()


def problem_of(error: Exception) -> Problem:
    """What to tell the sender. Anything unforeseen is `internal`, retryable, without a detail."""
    if isinstance(error, Refusal):
        retry = error.retry_after or (_RETRY_SECONDS if error.retryable else 0.0)
        return Problem(error.status, error.grpc, error.code, str(error), retry)
    if isinstance(error, RequestInvalid | BodyInvalid):
        return Problem(400, "INVALID_ARGUMENT", "malformed", str(error))
    if isinstance(error, BodyTooLarge):
        return Problem(413, "RESOURCE_EXHAUSTED", "too_large", str(error))
    if isinstance(error, SpoolFull):
        # Paths of this machine are for its log.
        words = "the spool is full, try again later"
        return Problem(503, "UNAVAILABLE", "spool_full", words, _RETRY_SECONDS)
    if isinstance(error, SpoolFailed | WireError):
        words = "the disk did not keep the request, send it again"
        return Problem(503, "UNAVAILABLE", "spool_failed", words, _RETRY_SECONDS)
    return Problem(
        503, "UNAVAILABLE", "internal", "internal error, see the collector's log", _RETRY_SECONDS
    )


def tell(problem: Problem, error: Exception) -> None:
    """Put into the log what is not for the sender: a fault, or what the disk says.

    The disk says the same to every request, so it is told once a minute.
    """
    if problem.reason == "internal":
        LOG.error("request failed", exc_info=error)
    elif problem.reason in _OF_THE_DISK:
        now = time.monotonic()
        if now - _told[problem.reason] >= _SILENT_SECONDS:
            _told[problem.reason] = now
            LOG.error("requests are refused: %s", error)
