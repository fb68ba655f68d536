"""What a backend says of a request that it took."""

from google.protobuf.message import DecodeError
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceResponse

from auditspan.collector.forward.errors import Refused


def check_success(body: bytes) -> None:
    """Raises `Refused` if spans were rejected; those must not be sent again."""
    try:
        answer = ExportTraceServiceResponse.FromString(body)
    except DecodeError:
        return  # It said success; that its words are none of OTLP changes nothing.
    rejected = answer.partial_success.rejected_spans
    if rejected:
        words = answer.partial_success.error_message[:200]
        raise Refused(f"the backend rejected {rejected} spans: {words!r}")
