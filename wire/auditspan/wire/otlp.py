"""OTLP export requests in protobuf: read strictly, written again without what nobody knows.

Follows https://opentelemetry.io/docs/specs/otlp/ and the generated classes of
`opentelemetry-proto`. What is written again is what ClickHouse reads later, so that a wrong wire
type or text that is no UTF-8 never gets that far.
"""

from dataclasses import dataclass
from itertools import chain, islice
from operator import attrgetter
from typing import Final

from google.protobuf.message import DecodeError
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.trace.v1.trace_pb2 import Span

from auditspan.wire.errors import RequestInvalid

_USUAL_BYTES: Final = 2 << 10
"""Of resource and scope on a record: up to there it weighs no more than any other."""
_USUAL_PARTS: Final = 8
"""Events and links of a span, likewise: each takes as much work as some attributes."""
_EVENTS, _LINKS = attrgetter("events"), attrgetter("links")
_TAGS: Final = tuple(
    bytes([Span.DESCRIPTOR.fields_by_name[name].number << 3 | 2]) for name in ("events", "links")
)


@dataclass(frozen=True, slots=True)
class Parsed:
    """A request that keeps the protocol."""

    request: ExportTraceServiceRequest
    spans: int
    """How many spans it holds."""
    rejected: int = 0
    """Spans that were taken out of it, because an id has a wrong length."""
    problem: str = ""
    """What is wrong with the first of those."""


def parse(body: bytes) -> Parsed:
    """Read a request; spans with wrong ids are taken out. Raises `RequestInvalid`."""
    request = ExportTraceServiceRequest()
    try:
        request.ParseFromString(body)
    except DecodeError as error:
        raise RequestInvalid(
            f"request: expected an ExportTraceServiceRequest in protobuf: {error}"
        ) from error
    request.DiscardUnknownFields()
    return without_wrong_ids(request)


def serialise(request: ExportTraceServiceRequest) -> bytes:
    """The bytes of a request. Raises `RequestInvalid` if it grew beyond what protobuf can hold."""
    try:
        return request.SerializeToString()
    except Exception as error:
        raise RequestInvalid(f"request: cannot be written as protobuf: {error}") from error


def spread(request: ExportTraceServiceRequest) -> int:
    """Bytes that its records have of what stands above them, once each has it.

    On the wire a resource and a scope stand once for all their spans.
    """
    total = 0
    for resource in request.resource_spans:
        above = resource.resource.ByteSize() + len(resource.schema_url)
        for scope in resource.scope_spans:
            total += len(scope.spans) * (above + scope.scope.ByteSize() + len(scope.schema_url))
    return total


def parts(request: ExportTraceServiceRequest) -> int:
    """Its events and links."""
    total = 0
    for resource in request.resource_spans:
        for scope in resource.scope_spans:
            total += sum(map(len, map(_EVENTS, scope.spans)))
            total += sum(map(len, map(_LINKS, scope.spans)))
    return total


def has_few_parts(serialised: bytes, spans: int) -> bool:
    """Whether a request, as `serialise` writes it, surely has no more of them than is usual.

    Each begins with a byte that says which it is. Other bytes may be like it, so that this counts
    too many and never too few; to look at each span takes five times as long.
    """
    left = spans * _USUAL_PARTS if serialised else -1
    for tag in _TAGS:
        # `find` looks at many bytes at once, `count` at one after the other.
        at = serialised.find(tag)
        while at >= 0 and left >= 0:
            left -= 1
            at = serialised.find(tag, at + 1)
    return left >= 0


def weight(spans: int, spread: int, parts: int) -> int:
    """For how many spans a request counts where a batch is bounded by their number."""
    return max(spans, spread // _USUAL_BYTES, parts // _USUAL_PARTS)


def without_wrong_ids(request: ExportTraceServiceRequest) -> Parsed:
    """The request with the spans whose ids are right. Raises `RequestInvalid` if none of them is.

    One broken span must not cost the others: a sender gives up what is refused.
    """
    try:
        return Parsed(request, check_ids(request))
    except RequestInvalid as error:
        rejected = _take_out_wrong(request)
        spans = check_ids(request)
        if not spans:
            raise
        return Parsed(request, spans, rejected, str(error))


def _take_out_wrong(request: ExportTraceServiceRequest) -> int:
    rejected = 0
    for resource in request.resource_spans:
        for scope in resource.scope_spans:
            kept = [span for span in scope.spans if not _has_wrong_id(span)]
            beyond = len(scope.spans) - len(kept)
            if beyond:
                # All anew: to take out one moves all behind it, and a million may be wrong.
                del scope.spans[:]
                scope.spans.extend(kept)
                rejected += beyond
    return rejected


def _has_wrong_id(span: Span) -> bool:
    lengths = len(span.trace_id), len(span.span_id), len(span.parent_span_id)
    return lengths not in ((16, 8, 0), (16, 8, 8))


def check_ids(request: ExportTraceServiceRequest) -> int:
    """The number of spans, each with ids of the right length. Raises `RequestInvalid`."""
    count = 0
    for resource in request.resource_spans:
        for scope in resource.scope_spans:
            spans = scope.spans
            for span in spans:
                # Runs for each span: three lengths, and words only for a wrong one.
                if (
                    len(span.trace_id) != 16
                    or len(span.span_id) != 8
                    or len(span.parent_span_id) not in (0, 8)
                ):
                    raise RequestInvalid(_wrong_ids(request, count))
                count += 1
    return count


def _wrong_ids(request: ExportTraceServiceRequest, number: int) -> str:
    scopes = [scope for resource in request.resource_spans for scope in resource.scope_spans]
    # One at a time: an object of Python takes more than all else of a span that holds nothing.
    span = next(islice(chain.from_iterable(scope.spans for scope in scopes), number, None))
    total = sum(len(scope.spans) for scope in scopes)
    lengths = ", ".join(map(str, map(len, (span.trace_id, span.span_id, span.parent_span_id))))
    return (
        f"span {number + 1} of {total} ({span.name[:100]!r}): expected a trace id of 16, a "
        f"span id of 8 and a parent span id of 8 or 0 bytes, found {lengths}"
    )
