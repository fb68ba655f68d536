"""The answer to a request that was taken, as a whole or but for some spans.

https://opentelemetry.io/docs/specs/otlp/#partial-success: rejected spans must not be sent again;
`partial_success` stays unset if there are none.
"""

from dataclasses import dataclass

from google.protobuf.json_format import MessageToJson
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceResponse


@dataclass(frozen=True, slots=True)
class Rejected:
    """Spans of a request that were not taken."""

    spans: int = 0
    problem: str = ""
    """What is wrong with the first of them."""


def answer(rejected: Rejected, *, json: bool) -> bytes:
    """The body of the answer."""
    response = ExportTraceServiceResponse()
    if rejected.spans:
        response.partial_success.rejected_spans = rejected.spans
        response.partial_success.error_message = rejected.problem
    if not json:
        return response.SerializeToString()
    return MessageToJson(response, indent=None).encode() if rejected.spans else b"{}"
