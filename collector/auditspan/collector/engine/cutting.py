"""A segment too large for the engine's memory becomes several, before any of it is decoded.

One request may hold more spans than a batch, and content makes 20,000 spans large: what a segment
costs while it is decoded, judged, sealed and stored grows with both. The parts are named after it,
`<batch id>.p0000.seg`, and are batches of their own.

1. Parts of a cut that did not come to its end are removed: none of them was looked at.
2. All parts are on disk. 3. The segment goes, durably. Only then a part may be processed.
"""

from collections.abc import Iterable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Final

from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.trace.v1.trace_pb2 import ResourceSpans, ScopeSpans, Span

from auditspan.wire.damage import Piece, pieces
from auditspan.wire.envelope import OTLP_TRACES, frame, parse
from auditspan.wire.errors import FrameInvalid
from auditspan.wire.segments import CLOSED, sync_folder, write_synced
from auditspan.wire.varint import MAX_BYTES as VARINT
from auditspan.wire.varint import decode_varint

MAX_SPANS: Final = 20_000
"""Spans of a part."""
MAX_BYTES: Final = 26 << 20
"""Bytes of a segment that is left as it is: 20,000 spans of usual size."""
MAX_BYTES_OF_PART: Final = 8 << 20
"""Bytes of a part; a span that is larger is a part of its own."""
_BYTES_OF_SPAN: Final = 26
"""Of the smallest one: both ids with their tags."""
_TO_SPANS: Final = (16, 1, 2, 2)
"""Field numbers from a frame's message to its spans: request, resource, scope, span."""
_VARINT: Final = 0
_LENGTH_FIRST: Final = 2
_FIXED: Final = {1: 8, 5: 4}
"""Wire types of protobuf; of the fixed ones how many bytes they take."""
_PART: Final = ".p"
_Size = tuple[int, int]
"""Spans and bytes."""


def in_order(folder: Path) -> list[Path]:
    """The closed segments in the order of processing: a cut that was broken off comes first."""
    return sorted(folder.glob(f"*{CLOSED}"), key=_key)


def cut(
    segment: Path, limit: _Size = (MAX_SPANS, MAX_BYTES_OF_PART), whole: int = MAX_BYTES
) -> bool:
    """Replace a segment that is too large by its parts; whether it was. Raises `OSError`."""
    if _PART in segment.name or not _may_be_too_large(segment, limit[0], whole):
        return False
    parts = _grouped(segment.read_bytes(), limit)
    first = next(parts, b"")
    second = next(parts, b"")
    if not second:
        return False
    replace_by(segment, _chained(first, second, parts))
    return True


def replace_by(segment: Path, parts: Iterable[bytes]) -> None:
    """Put parts in a segment's place, as above. Raises `OSError`; done again it does the same."""
    drop_stale(segment)
    for number, data in enumerate(parts):
        write_synced(segment.with_name(f"{segment.stem}{_PART}{number:04d}{CLOSED}"), data)
    sync_folder(segment.parent)
    segment.unlink()
    sync_folder(segment.parent)


def drop_stale(segment: Path) -> None:
    """Remove the parts of a segment that is still there: a cut of it was broken off (1).

    Whoever cuts it again may cut it otherwise, or not at all. Raises `OSError`.
    """
    for stale in segment.parent.glob(f"{segment.stem}{_PART}*{CLOSED}"):
        stale.unlink()


def _key(path: Path) -> tuple[str, str]:
    stem, _, part = path.name.removesuffix(CLOSED).partition(_PART)
    return stem, part


def _may_be_too_large(segment: Path, spans: int, whole: int) -> bool:
    """Without decoding it: front ends a batch at its limits, so that only a lone frame exceeds."""
    size = segment.stat().st_size
    if size > whole:
        return True
    offset = 0
    with segment.open("rb") as file:
        while offset < size:
            file.seek(offset)
            try:
                length, width = decode_varint(file.read(VARINT))
            except FrameInvalid:
                return False
            if length > spans * _BYTES_OF_SPAN:
                file.seek(offset + width)
                if _may_hold_more(file.read(length), spans):
                    return True
            offset += width + length
    return False


def _may_hold_more(message: bytes, spans: int) -> bool:
    """Whether a frame may hold more spans than these: it is read until the rest is too short."""
    count = 0
    try:
        for end in _ends(message, 0, len(message), _TO_SPANS):
            count += 1
            if count + (len(message) - end) // _BYTES_OF_SPAN <= spans:
                return False
    except FrameInvalid:
        return True
    return count > spans


def _ends(data: bytes, start: int, end: int, path: tuple[int, ...]) -> Iterator[int]:
    """Where the messages at the end of a path of field numbers end. Raises `FrameInvalid`."""
    while start < end:
        tag, width = decode_varint(data[start : start + VARINT])
        begin = start + width
        start = _behind(data, tag & 7, begin)
        if tag == path[0] << 3 | _LENGTH_FIRST:
            if len(path) == 1:
                yield start
            else:
                _, width = decode_varint(data[begin : begin + VARINT])
                yield from _ends(data, begin + width, start, path[1:])


def _behind(data: bytes, wire_type: int, start: int) -> int:
    """Where a field's value ends."""
    if wire_type in _FIXED:
        return start + _FIXED[wire_type]
    if wire_type not in (_VARINT, _LENGTH_FIRST):
        raise FrameInvalid(f"protobuf field: expected wire type 0, 1, 2 or 5, found {wire_type}")
    value, width = decode_varint(data[start : start + VARINT])
    return start + width + (value if wire_type == _LENGTH_FIRST else 0)


def _chained(first: bytes, second: bytes, rest: Iterator[bytes]) -> Iterator[bytes]:
    yield first
    yield second
    yield from rest


def _grouped(data: bytes, limit: _Size) -> Iterator[bytes]:
    """The bytes of each part, in order."""
    spans, size = 0, 0
    group: list[bytes] = []
    for piece in pieces(data):
        for bytes_, count in _frames(piece, limit):
            if group and (spans + count > limit[0] or size + len(bytes_) > limit[1]):
                yield b"".join(group)
                group, spans, size = [], 0, 0
            group.append(bytes_)
            spans, size = spans + count, size + len(bytes_)
    if group:
        yield b"".join(group)


def _frames(piece: Piece, limit: _Size) -> Iterator[tuple[bytes, int]]:
    """A frame with the number of its spans, or the frames that it is cut into."""
    if piece.problem:
        yield piece.data, 0
        return
    _, width = decode_varint(piece.data[:VARINT])
    envelope = parse(piece.data[width:])
    if envelope.kind != OTLP_TRACES or len(piece.data) <= limit[0] * _BYTES_OF_SPAN:
        yield piece.data, 0
        return
    request = ExportTraceServiceRequest()
    request.ParseFromString(envelope.request)
    count = sum(len(s.spans) for r in request.resource_spans for s in r.scope_spans)
    if count <= limit[0] and len(piece.data) <= limit[1]:
        yield piece.data, count
        return
    for part, spans in requests_of(request, limit):
        yield frame(replace(envelope, request=part.SerializeToString())), spans


def requests_of(
    request: ExportTraceServiceRequest, limit: _Size
) -> Iterator[tuple[ExportTraceServiceRequest, int]]:
    """Requests within the limit, with the same spans in the same order."""
    part, spans, size = ExportTraceServiceRequest(), 0, 0
    last: tuple[ResourceSpans, ScopeSpans] | None = None
    for resource, scope, span in spans_of(request):
        own = span.ByteSize()
        if spans and (spans + 1 > limit[0] or size + own > limit[1]):
            yield part, spans
            part, spans, size, last = ExportTraceServiceRequest(), 0, 0, None
        if last is None or last[0] is not resource or last[1] is not scope:
            into, head = open_in(part, resource, scope, new=last is None or last[0] is not resource)
            last = (resource, scope)
            size += head
        into.spans.append(span)
        spans, size = spans + 1, size + own
    if spans:
        yield part, spans


def spans_of(
    request: ExportTraceServiceRequest,
) -> Iterator[tuple[ResourceSpans, ScopeSpans, Span]]:
    """Each span with what it stands below, in order."""
    for resource in request.resource_spans:
        for scope in resource.scope_spans:
            for span in scope.spans:
                yield resource, scope, span


def open_in(
    part: ExportTraceServiceRequest, resource: ResourceSpans, scope: ScopeSpans, *, new: bool
) -> tuple[ScopeSpans, int]:
    """Where spans of a scope go in a part, and what its head adds to the size."""
    if new:
        head = part.resource_spans.add(schema_url=resource.schema_url)
        if resource.HasField("resource"):
            head.resource.CopyFrom(resource.resource)
    own = part.resource_spans[-1].scope_spans.add(schema_url=scope.schema_url)
    if scope.HasField("scope"):
        own.scope.CopyFrom(scope.scope)
    return own, own.ByteSize() + (head.resource.ByteSize() if new else 0)
