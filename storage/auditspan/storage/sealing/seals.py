"""The logs in the store: entries of `audit_seals`, and bodies of those that are no records.

Writing is exact like that of records (`writer.py`): what is there of a range is compared, and
anything else than the right bytes is deleted before the insert.
"""

from dataclasses import dataclass

import numpy as np
import pyarrow as pa

from auditspan.integrity.canonical import ENTRY_BYTES
from auditspan.storage.engine import Engine
from auditspan.storage.errors import WriteMismatch
from auditspan.storage.render import Target
from auditspan.storage.sealing.entries import joined
from auditspan.storage.sealing.seal_file import Body

SEALS, BODIES = "audit_seals", "audit_log_entries"

_ENTRY = (
    "toFixedString(concat(char(Version), char(Kind), "
    "reverse(reinterpretAsFixedString(ExpiresOn)), Content), 38)"
)
_RANGE = "LogId = {log:String} AND LogIndex >= {first:UInt64} AND LogIndex < {end:UInt64}"


@dataclass(frozen=True, slots=True)
class Extent:
    """How far a log reaches in the store."""

    log_id: str
    entries: int
    end: int
    """Index behind the last entry; more than `entries` if some are missing."""


def put_entries(
    engine: Engine, log_id: str, at: int, entries: bytes, *, first: bool = False
) -> None:
    """Bring entries into the store, or make sure that they are there. Raises `WriteMismatch`.

    `at` is the index of the first entry; `first` says that nobody tried before (`writer.write`).
    """
    end = at + len(entries) // ENTRY_BYTES
    there = b"" if first else _there(engine, log_id, at, end)
    if there == entries:
        return
    table = Target.of(engine).table(SEALS)
    if there:
        _delete(engine, table, log_id, at, end)
    engine.insert(table, _rows(log_id, at, entries))
    there = _there(engine, log_id, at, end)
    if there != entries:
        raise WriteMismatch(
            f"log {log_id}: wrote {end - at} entries from {at} on, the store has "
            f"{len(there) // ENTRY_BYTES}, or others; they are written again with the batch"
        )


def put_bodies(
    engine: Engine, log_id: str, bodies: tuple[Body, ...], *, first: bool = False
) -> None:
    """Bring bodies of entries into the store, or make sure that they are there.

    `first` as in `put_entries`. Raises `WriteMismatch`.
    """
    if not bodies:
        return
    begin, end = bodies[0].index, bodies[-1].index + 1
    there = () if first else read_bodies(engine, log_id, begin, end)
    if there == bodies:
        return
    table = Target.of(engine).table(BODIES)
    if there:
        _delete(engine, table, log_id, begin, end)
    engine.insert(
        table,
        pa.table(
            {
                "LogId": pa.array([log_id] * len(bodies)),
                "LogIndex": pa.array([body.index for body in bodies], pa.uint64()),
                "Kind": pa.array([body.kind for body in bodies], pa.uint8()),
                "Body": pa.array([body.text for body in bodies]),
            }
        ),
    )
    if read_bodies(engine, log_id, begin, end) != bodies:
        raise WriteMismatch(f"log {log_id}: bodies of {begin} to {end} are not there as written")


def read_entries(engine: Engine, log_id: str, first: int, end: int) -> bytes:
    """The entries with indices `first` up to `end`. Raises `WriteMismatch` if one is missing."""
    found = _there(engine, log_id, first, end)
    if len(found) != (end - first) * ENTRY_BYTES:
        raise WriteMismatch(
            f"log {log_id}: expected {end - first} entries from {first} on, "
            f"found {len(found) // ENTRY_BYTES}"
        )
    return found


def read_bodies(engine: Engine, log_id: str, first: int, end: int) -> tuple[Body, ...]:
    """Bodies of the entries with indices `first` up to `end`."""
    sql = f"SELECT LogIndex, Kind, Body FROM {BODIES} WHERE {_RANGE} ORDER BY LogIndex"  # noqa: S608
    rows = engine.arrow(sql, {"log": log_id, "first": first, "end": end}).to_pylist()
    return tuple(Body(row["LogIndex"], row["Kind"], row["Body"]) for row in rows)


def extents(engine: Engine, prefix: str = "") -> list[Extent]:
    """The logs whose origin begins with `prefix`, by name."""
    sql = (
        f"SELECT LogId, count() AS Entries, max(LogIndex) + 1 AS End FROM {SEALS} "  # noqa: S608
        "WHERE startsWith(LogId, {prefix:String}) GROUP BY LogId ORDER BY LogId"
    )
    rows = engine.arrow(sql, {"prefix": prefix}).to_pylist()
    return [Extent(row["LogId"], row["Entries"], row["End"]) for row in rows]


def _there(engine: Engine, log_id: str, first: int, end: int) -> bytes:
    table = Target.of(engine).table(SEALS)
    sql = f"SELECT {_ENTRY} AS Entry FROM {table} WHERE {_RANGE} ORDER BY LogIndex"  # noqa: S608
    return joined(engine.arrow(sql, {"log": log_id, "first": first, "end": end})["Entry"])


def _delete(engine: Engine, table: str, log_id: str, first: int, end: int) -> None:
    engine.command(
        f"ALTER TABLE {table} DELETE WHERE {_RANGE} SETTINGS mutations_sync = 2",
        {"log": log_id, "first": first, "end": end},
    )


def _rows(log_id: str, first: int, entries: bytes) -> pa.Table:
    raw = np.frombuffer(entries, dtype=np.uint8).reshape(-1, ENTRY_BYTES)
    count = len(raw)
    days = np.ascontiguousarray(raw[:, 2:6]).view(">u4").reshape(-1).astype(np.uint32)
    contents = pa.py_buffer(np.ascontiguousarray(raw[:, 6:]))
    return pa.table(
        {
            "LogId": pa.repeat(log_id, count),
            "LogIndex": pa.array(np.arange(first, first + count, dtype=np.uint64)),
            "Version": pa.array(np.ascontiguousarray(raw[:, 0])),
            "Kind": pa.array(np.ascontiguousarray(raw[:, 1])),
            "ExpiresOn": pa.array(days),
            "Content": pa.Array.from_buffers(pa.binary(32), count, [None, contents]),
        }
    )
