"""Entries of records, computed in SQL from their columns: of a batch file, and of the store.

An entry is 38 bytes: version, kind, day of expiry, content digest (docs/integrity-format.md).
"""

from collections.abc import Mapping
from pathlib import Path
from typing import cast

import pyarrow as pa

from auditspan.semconv.columns import PHYSICAL
from auditspan.storage.engine import Engine
from auditspan.storage.sealing.digests import content_statement, structure
from auditspan.storage.sealing.filled_columns import Filling

RECORD_ENTRY = (
    "toFixedString(concat(unhex('0100'), reverse(reinterpretAsFixedString("
    "toUInt32(toInt32(ExpiresOn)))), Content), 38) AS Entry"
)
"""The entry of a record whose day of expiry and content digest are known."""

_IN_FILES = structure([column for column in PHYSICAL if column.source != "erasure"])
# Two threads gain nothing here and cost twice the memory; to optimise the plan of so long a
# statement takes longer than it saves.
_SETTINGS = "SETTINGS max_threads = 1, query_plan_enable_optimizations = 0"
_OF_STORE = "`LogIndex`, `RecordId`, `ExpiresOn`"


def entries_of_file(engine: Engine, path: Path, columns: Mapping[str, Filling]) -> bytes:
    """The entries of a sealed batch's rows, in the order of their indices.

    `columns` are those that hold anything, and how (`filled_columns.py`).
    """
    source = "file({path:String}, 'Arrow', {structure:String})"
    filled = frozenset(columns.items())
    inner = content_statement(source, columns="`LogIndex`, `ExpiresOn`", filled=filled)
    sql = f"SELECT {RECORD_ENTRY} FROM ({inner}) ORDER BY LogIndex {_SETTINGS}"  # noqa: S608 (ours)
    return joined(engine.arrow(sql, {"path": str(path), "structure": _IN_FILES})["Entry"])


def entries_of_store(
    engine: Engine, log_id: str, first: int, end: int, *, erased: bool = False
) -> pa.Table:
    """`LogIndex`, `RecordId`, `Entry` of the stored records with indices `first` up to `end`.

    Records of which groups were erased are computed by another statement: ask once without and once
    with `erased`.
    """
    inner = content_statement(source_of(erased=erased), columns=_OF_STORE, erased=erased)
    sql = f"SELECT LogIndex, RecordId, {RECORD_ENTRY} FROM ({inner}) ORDER BY LogIndex"  # noqa: S608
    return engine.arrow(sql, {"log": log_id, "first": first, "end": end})


def source_of(*, erased: bool) -> str:
    """A range of stored records: parameters `log`, `first` and `end`."""
    test = "notEmpty" if erased else "empty"
    return (
        "(SELECT * FROM audit_records WHERE LogId = {log:String} AND LogIndex >= {first:UInt64} "  # noqa: S608
        f"AND LogIndex < {{end:UInt64}} AND {test}(GroupSalts))"
    )


def joined(column: pa.ChunkedArray) -> bytes:
    """The values of a column of fixed width, one after the other."""
    chunks = (chunk for chunk in column.chunks if len(chunk))
    return b"".join(_values(chunk) for chunk in chunks)


def _values(chunk: pa.Array) -> bytes:
    width = chunk.type.byte_width
    start = chunk.offset * width
    return cast(bytes, chunk.buffers()[1].slice(start, len(chunk) * width).to_pybytes())
