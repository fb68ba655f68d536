"""A spool segment as an Arrow table, one row per span, and nothing of a span is lost.

The embedded engine reads the protobuf itself (`otlp`); what is left to do here is done on whole
columns: maps, columns of their own for registered attributes, types of values, and what exporters
drop (flags, trace state, dropped counts, scope attributes, schema URLs).
"""

import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import pyarrow as pa

from auditspan.storage import otlp
from auditspan.storage.engine import Engine
from auditspan.storage.projection import Projection, of_registry
from auditspan.storage.requests import Requests
from auditspan.storage.spans import Decoding
from auditspan.wire.envelope import OTLP_TRACES
from auditspan.wire.errors import FrameInvalid
from auditspan.wire.varint import MAX_BYTES, decode_varint


@dataclass(frozen=True, slots=True)
class ControlFrame:
    """A control record as it lies in the spool."""

    received_at: int
    """Unix nanoseconds."""
    principal: str
    """Who gave it, as JSON."""
    digest: str
    """SHA-256 of the bytes as received."""
    body: str
    """The control record, as JSON."""


def decode(
    engine: Engine, segment: Path, projections: Sequence[Projection] | None = None
) -> pa.Table:
    """Read the spans of a segment; a frame that cannot be read fails the whole segment.

    `salvage.decode_salvaging` keeps the other frames.
    """
    read = engine.arrow(otlp.spans_statement(segment))
    chosen = of_registry() if projections is None else projections
    return Decoding(Requests.of(read), chosen).table()


def decode_controls(engine: Engine, segment: Path) -> list[ControlFrame]:
    """Read the control frames of a segment."""
    # Most segments have none, and a statement costs 4 ms.
    if not _may_have_controls(segment):
        return []
    rows = engine.arrow(otlp.controls_statement(segment)).to_pylist()
    return [
        ControlFrame(row["received_at"], row["principal"], row["request_digest"], row["control"])
        for row in rows
    ]


def _may_have_controls(segment: Path) -> bool:
    """Whether any frame begins otherwise than one of spans does."""
    with segment.open("rb") as file:
        while begin := file.read(MAX_BYTES + 4):
            try:
                length, width = decode_varint(begin[:MAX_BYTES])
            except FrameInvalid:
                return True
            # Version, which is a byte, and kind.
            version, kind = begin[width : width + 1], begin[width + 2 : width + 4]
            if version + kind != _OF_SPANS:
                return True
            file.seek(width + length - len(begin), os.SEEK_CUR)
    return False


_OF_SPANS: Final = b"\x08\x10" + bytes([OTLP_TRACES])
