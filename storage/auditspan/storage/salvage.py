"""A segment in which some frame cannot be read: the others are not lost for it.

Frames that are not as they were written are known by their checksum, which the engine does not
look at: a damaged one may well be readable. The engine reads the others as a whole or not at all.
If it fails, they are halved until the bad ones stand alone. All bad frames are handed back with the
reason, for the dead letters.
"""

import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import pyarrow as pa

from auditspan.storage.decode import decode
from auditspan.storage.engine import Engine
from auditspan.storage.errors import SegmentUnreadable, StatementRefused
from auditspan.storage.projection import Projection
from auditspan.wire.damage import pieces

_NOT_READABLE = (StatementRefused, SegmentUnreadable)


@dataclass(frozen=True, slots=True)
class BadFrame:
    """A frame that cannot be decoded."""

    offset: int
    """Where it begins in the segment."""
    data: bytes
    """The frame with its length prefix, as it lies in the segment."""
    reason: str
    """What the engine says about it."""


@dataclass(frozen=True, slots=True)
class Salvaged:
    """What could be read of a segment, and what could not."""

    table: pa.Table
    """The decoded spans, in the order of the segment."""
    bad: tuple[BadFrame, ...]
    """Frames for the dead letters."""


def decode_salvaging(
    engine: Engine, segment: Path, projections: Sequence[Projection] | None = None
) -> Salvaged:
    """Decode a segment; a frame that cannot be read is handed back and takes no other with it."""
    # Nothing of the segment is kept while the engine reads it: it takes as much memory again.
    if not any(piece.problem for piece in pieces(segment.read_bytes())):
        try:
            return Salvaged(decode(engine, segment, projections), ())
        except _NOT_READABLE:
            pass  # One of them is bad all the same.
    frames = list(pieces(segment.read_bytes()))
    damaged = [piece for piece in frames if piece.problem]
    whole = [(piece.offset, piece.data) for piece in frames if not piece.problem]
    with tempfile.TemporaryDirectory(prefix=".salvage-", dir=segment.parent) as folder:
        scratch = Path(folder) / "frames.seg"
        tables: list[pa.Table] = []
        bad = [BadFrame(piece.offset, piece.data, piece.problem) for piece in damaged]
        for part in _readable(engine, scratch, whole, projections):
            if isinstance(part, BadFrame):
                bad.append(part)
            else:
                tables.append(part)
        if not tables:
            scratch.write_bytes(b"")
            tables.append(decode(engine, scratch, projections))
    return Salvaged(pa.concat_tables(tables), tuple(sorted(bad, key=lambda frame: frame.offset)))


def _readable(
    engine: Engine,
    scratch: Path,
    frames: list[tuple[int, bytes]],
    projections: Sequence[Projection] | None,
) -> Iterator[pa.Table | BadFrame]:
    """Tables and bad frames in their order, by halving."""
    if not frames:
        return
    scratch.write_bytes(b"".join(data for _, data in frames))
    try:
        yield decode(engine, scratch, projections)
        return
    except _NOT_READABLE as error:
        if len(frames) == 1:
            yield BadFrame(*frames[0], reason=_reason(error))
            return
    middle = len(frames) // 2
    yield from _readable(engine, scratch, frames[:middle], projections)
    yield from _readable(engine, scratch, frames[middle:], projections)


def _reason(error: Exception) -> str:
    """The engine's words without the statement, which repeats the whole schema."""
    return str(error).partition(": While executing")[0].partition(": (in file")[0][:500]
