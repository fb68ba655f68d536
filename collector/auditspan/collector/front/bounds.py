"""A span with any number of attributes costs no more than one with as many as are allowed.

What is beyond is dropped where the protocol counts it: `dropped_attributes_count` of the span,
event, link, scope or resource, which is stored and sealed with the record
(https://opentelemetry.io/docs/specs/otel/common/#attribute-limits). The first ones stay. Nesting is
bounded by the protobuf library, which refuses a value more than 100 messages deep.
"""

from collections.abc import Iterator, MutableSequence
from typing import Protocol

from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.common.v1.common_pb2 import KeyValue

_MOST_COUNTED = (1 << 32) - 1


class _Carrier(Protocol):
    """What has attributes."""

    dropped_attributes_count: int

    @property
    def attributes(self) -> MutableSequence[KeyValue]: ...


def bound_attributes(request: ExportTraceServiceRequest, most: int) -> int:
    """Drop what is beyond, in place; how many were dropped."""
    dropped = 0
    for carrier in _carriers(request):
        beyond = len(carrier.attributes) - most
        if beyond > 0:
            del carrier.attributes[most:]
            count = carrier.dropped_attributes_count + beyond
            carrier.dropped_attributes_count = min(count, _MOST_COUNTED)
            dropped += beyond
    return dropped


def _carriers(request: ExportTraceServiceRequest) -> Iterator[_Carrier]:
    for resource in request.resource_spans:
        if resource.HasField("resource"):
            yield resource.resource
        for scope in resource.scope_spans:
            if scope.HasField("scope"):
                yield scope.scope
            for span in scope.spans:
                yield span
                yield from span.events
                yield from span.links
