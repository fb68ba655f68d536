"""A segment that is suspected becomes smaller ones, down to a single span.

Into four rather than two: a span among 20,000 is found in eight steps, and names of parts of parts
stay short. Parts are made, named and ordered as those of a cut are (`cutting.py`).
"""

from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Final

from google.protobuf.message import DecodeError
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

from auditspan.collector.engine.cutting import replace_by, requests_of, spans_of
from auditspan.wire.damage import Piece, pieces
from auditspan.wire.envelope import OTLP_TRACES, frame, parse
from auditspan.wire.varint import MAX_BYTES, decode_varint

PARTS: Final = 4
_NO_LIMIT: Final = 1 << 62


def bisect(segment: Path) -> int:
    """Replace a segment by its parts; how many, 0 if it is a single span or frame already.

    Raises `OSError`; done again it does the same.
    """
    found = list(pieces(segment.read_bytes()))
    parts = list(_apart(found) if len(found) > 1 else _one(found))
    if len(parts) < 2:
        return 0
    replace_by(segment, parts)
    return len(parts)


def _apart(found: Sequence[Piece]) -> Iterator[bytes]:
    size = -(-len(found) // PARTS)
    for at in range(0, len(found), size):
        yield b"".join(piece.data for piece in found[at : at + size])


def _one(found: Sequence[Piece]) -> Iterator[bytes]:
    """Frames of some spans each of the one request that is there."""
    for piece in found:
        _, width = decode_varint(piece.data[:MAX_BYTES])
        envelope = None if piece.problem else parse(piece.data[width:])
        if envelope is None or envelope.kind != OTLP_TRACES:
            continue
        try:
            request = ExportTraceServiceRequest.FromString(envelope.request)
        except DecodeError:
            continue
        size = -(-sum(1 for _ in spans_of(request)) // PARTS)
        for part, _ in requests_of(request, (max(size, 1), _NO_LIMIT)):
            yield frame(replace(envelope, request=part.SerializeToString()))
