"""The place of each record in the log, and the salt of its digests (docs/integrity-format.md).

The columns of the seal are all that is added here; what they seal is computed from the finished
table, in the engine for a large batch (`auditspan.storage.sealing`) and by `entries.py` for a small
one. Nothing may change a record afterwards.
"""

from dataclasses import dataclass

import numpy as np
import pyarrow as pa

from auditspan.processors.texts import constant
from auditspan.semconv.columns import PHYSICAL

SALT_BYTES = 16
"""Bytes of randomness that a record's salt takes."""

_TIME = pa.timestamp("ns", tz="UTC")


@dataclass(frozen=True, slots=True)
class Place:
    """Where a batch goes in its log."""

    log_id: str
    """Origin of the log."""
    first_index: int
    """Index of the first record."""
    sealed_at: int
    """Unix nanoseconds, not before those of the record in front."""


def seal(table: pa.Table, place: Place, salts: bytes) -> pa.Table:
    """Add the columns of the seal. `salts` holds `SALT_BYTES` of the system's for each record."""
    count = table.num_rows
    if len(salts) != SALT_BYTES * count:
        raise ValueError(f"salts have {len(salts)} bytes, expected {SALT_BYTES * count}")
    indices = np.arange(place.first_index, place.first_index + count, dtype=np.uint64)
    own = {
        "LogId": constant(place.log_id, count),
        "LogIndex": pa.array(indices),
        "SealedAt": pa.repeat(pa.scalar(place.sealed_at, pa.int64()).cast(_TIME), count),
        "RecordSalt": _salts(salts, count),
    }
    names = [column.name for column in PHYSICAL if column.source != "erasure"]
    return pa.table({name: own[name] if name in own else table[name] for name in names})


def _salts(salts: bytes, count: int) -> pa.Array:
    return pa.Array.from_buffers(pa.binary(SALT_BYTES), count, [None, pa.py_buffer(salts)])
