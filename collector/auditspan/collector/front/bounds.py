"""A span with any number of attributes costs no more than one with as many as are allowed.

What is beyond is dropped where the protocol counts it: `dropped_attributes_count` of the span,
event, link, scope or resource, which is stored and sealed with the record
(https://opentelemetry.io/docs/specs/otel/common/#attribute-limits). The first ones stay. Nesting is
bounded by the protobuf library, which refuses a value more than 100 messages deep.
"""

from collections.abc import Iterator, MutableSequence
from itertools import chain
from operator import attrgetter
from typing import Final, Protocol

from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.common.v1.common_pb2 import KeyValue

_MOST_COUNTED: Final = (1 << 32) - 1
_ATTRIBUTES, _EVENTS, _LINKS = map(attrgetter, ("attributes", "events", "links"))


class _Carrier(Protocol):
    """What has attributes."""

    dropped_attributes_count: int

    @property
    def attributes(self) -> MutableSequence[KeyValue]: ...


def bound_attributes(request: ExportTraceServiceRequest, most: int) -> int:
    """Drop what is beyond, in place; how many were dropped."""
    return sum(_bounded(carrier, most) for carrier in _carriers(request, most))


def _bounded(carrier: _Carrier, most: int) -> int:
    beyond = max(0, len(carrier.attributes) - most)
    if beyond:
        del carrier.attributes[most:]
        count = carrier.dropped_attributes_count + beyond
        carrier.dropped_attributes_count = min(count, _MOST_COUNTED)
    return beyond


def _carriers(request: ExportTraceServiceRequest, most: int) -> Iterator[_Carrier]:
    """All that may have too many."""
    for resource in request.resource_spans:
        if resource.HasField("resource"):
            yield resource.resource
        for scope in resource.scope_spans:
            if scope.HasField("scope"):
                yield scope.scope
            # Runs for each span, so the loops are those of the interpreter.
            spans = list(scope.spans)
            if max(map(len, map(_ATTRIBUTES, spans)), default=0) > most:
                yield from spans
            for inner in (_EVENTS, _LINKS):
                if any(map(inner, spans)):
                    yield from chain.from_iterable(map(inner, spans))
