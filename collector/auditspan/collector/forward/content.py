"""What is passed on of a request: no credential of ours, and no more at once than is taken."""

from collections.abc import Iterator
from typing import TYPE_CHECKING, Final

from google.protobuf.message import DecodeError
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.common.v1.common_pb2 import AnyValue, KeyValue

from auditspan.collector.forward.errors import Refused
from auditspan.wire.prefilter import STATEMENT_ATTRIBUTES

if TYPE_CHECKING:
    from google.protobuf.internal.containers import RepeatedCompositeFieldContainer

    _Attributes = RepeatedCompositeFieldContainer[KeyValue]

_NAMES: Final = frozenset(STATEMENT_ATTRIBUTES)
_BYTES: Final = tuple(name.encode() for name in STATEMENT_ATTRIBUTES)


def outgoing(request: bytes, limit: int) -> list[bytes]:
    """What is sent of a request. Raises `Refused` if it cannot be read."""
    return list(pieces(without_statements(request), limit))


def without_statements(request: bytes) -> bytes:
    """The request without signed identity statements: raw tokens were gone before the spool."""
    if not any(name in request for name in _BYTES):
        return request
    parsed = _parsed(request)
    for attributes in _attributes(parsed):
        _drop_statements(attributes)
    return parsed.SerializeToString()


def _drop_statements(attributes: "_Attributes") -> None:
    for position in reversed(range(len(attributes))):
        if attributes[position].key in _NAMES:
            del attributes[position]
        else:
            _drop_nested(attributes[position].value)


def _drop_nested(value: AnyValue) -> None:
    # Asked first: to touch a field of a oneof may set it.
    if value.HasField("kvlist_value"):
        _drop_statements(value.kvlist_value.values)
    elif value.HasField("array_value"):
        for item in value.array_value.values:
            _drop_nested(item)


def _parsed(request: bytes) -> ExportTraceServiceRequest:
    try:
        return ExportTraceServiceRequest.FromString(request)
    except DecodeError as error:
        raise Refused(f"request of {len(request)} bytes: expected OTLP: {error}") from error


def pieces(request: bytes, limit: int) -> Iterator[bytes]:
    """The request, cut between spans into requests of at most `limit` bytes.

    A single span beyond the limit stays whole: the backend says what it thinks of it.
    """
    if len(request) <= limit:
        yield request
        return
    parsed = _parsed(request)
    total = sum(len(s.spans) for r in parsed.resource_spans for s in r.scope_spans)
    if total <= 1:
        yield request
        return
    for first, last in ((0, total // 2), (total // 2, total)):
        yield from pieces(_part(parsed, first, last).SerializeToString(), limit)


def _part(whole: ExportTraceServiceRequest, first: int, last: int) -> ExportTraceServiceRequest:
    """The spans of these numbers, with their resources and scopes."""
    part = ExportTraceServiceRequest()
    part.CopyFrom(whole)
    number = 0
    for resource in part.resource_spans:
        for scope in resource.scope_spans:
            count = len(scope.spans)
            del scope.spans[max(last - number, 0) :]
            del scope.spans[: max(first - number, 0)]
            number += count
    _drop_empty(part)
    return part


def _drop_empty(request: ExportTraceServiceRequest) -> None:
    for r in reversed(range(len(request.resource_spans))):
        scopes = request.resource_spans[r].scope_spans
        for s in reversed(range(len(scopes))):
            if not scopes[s].spans:
                del scopes[s]
        if not scopes:
            del request.resource_spans[r]


def _attributes(request: ExportTraceServiceRequest) -> "Iterator[_Attributes]":
    for resource in request.resource_spans:
        yield resource.resource.attributes
        for scope in resource.scope_spans:
            yield scope.scope.attributes
            for span in scope.spans:
                yield span.attributes
                for event in span.events:
                    yield event.attributes
                for link in span.links:
                    yield link.attributes
