"""A batch into the store exactly once.

`audit_records` is partitioned by day of receipt and retention class; a batch is inserted once per
partition, so that each insert is one part: there or not. Only what one request made larger than a
batch should be takes more inserts: the embedded engine has no memory for it in one. What the store
has of a batch is counted before, unless this is the first attempt at it, and after:

1. the full count: nothing to do (a crash came after the insert);
2. none: insert;
3. anything else: delete what is there of this batch only, then insert. Rows of the batch that are
   sealed in another place of the log, or not at all, count as something else.

Rows whose day of expiry has come may be gone at any time, also before the first count: a collector
that was away for long finds requests in its spool that are past their day. They are sealed like
all others, and missing ones among them are as it should be. The store's own clock says which.

On a server an insert of an earlier attempt may still run after its connection is gone, and would be
counted as 0 and come in later; so each attempt has a query id that begins with the batch's, and all
of them are killed and awaited before the first count. Deduplication tokens are not used: they lose
data (docs/upgrade-and-backup.md).
"""

import json
import re
import secrets
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import chain
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from auditspan.integrity.canonical import ENTRY_BYTES
from auditspan.storage.batch_file import read_batch
from auditspan.storage.engine import Engine
from auditspan.storage.errors import BatchFileInvalid, WriteMismatch
from auditspan.storage.render import Target
from auditspan.storage.sealing.entries import joined
from auditspan.storage.sealing.seal_file import Seal
from auditspan.storage.sealing.seals import put_bodies, put_entries
from auditspan.storage.values import Params

TABLE = "audit_records"

_INSERT_ROWS = 20_000
_INSERT_BYTES = 96_000_000
"""What one insert takes at most, unless a single row is larger. A full batch of usual records is
70 MB and one part: what a lower limit cut off made a part of its own, whose merges cost more than
the insert."""

_NARROW_NAME = "counted_records"
_NARROW = (
    f"CREATE TEMPORARY TABLE IF NOT EXISTS {_NARROW_NAME} (BatchId LowCardinality(String), "
    "LogId LowCardinality(String), LogIndex UInt64, RecordSalt FixedString(16), ExpiresOn Date32) "
    f"ENGINE = Merge(currentDatabase(), '^{TABLE}$')"
)
"""The records by the columns that are counted. A statement on all columns takes twice the time of
this one, whatever it reads: the engine works out first what each computed column is made of."""

_BATCH_ID = re.compile(r"[A-Za-z0-9.-]{1,120}")


@dataclass(frozen=True, slots=True)
class Written:
    """What `write` did."""

    rows: int
    """Rows of the batch in the store."""
    inserted: bool
    """False if the store had the batch already."""
    repaired: bool
    """True if part of it was there and had to go first."""


def write(engine: Engine, table: pa.Table, batch_id: str, *, first: bool = False) -> Written:
    """Put a batch into the store, or make sure that it is there.

    `first` says that nobody tried before, so that nothing of it can be there. If something is all
    the same, the count afterwards finds it, and the next attempt counts before as well.
    """
    if not _BATCH_ID.fullmatch(batch_id):
        raise ValueError(f"batch id {batch_id[:60]!r}: expected letters, digits, dots and dashes")
    wanted, repaired = _Wanted.of(table), False
    if not first:
        if engine.kind == "server":
            _stop_earlier_attempts(engine, batch_id)
        there = _counted(engine, batch_id, wanted)
        if wanted.are_there(there) and (there.rows or not table.num_rows):
            return Written(there.rows, inserted=False, repaired=False)
        repaired = bool(there.rows)
        if repaired:
            delete_unfinished(engine, batch_id)
    for part in chain.from_iterable(map(_slices, _parts(table))):
        query_id = f"{_prefix(batch_id)}{secrets.token_hex(8)}"
        engine.insert(Target.of(engine).table(TABLE), part, query_id)
    after = _counted(engine, batch_id, wanted)
    if not wanted.are_there(after):
        raise WriteMismatch(
            f"batch {batch_id}: wrote {table.num_rows} rows, the store has {after.rows}; "
            "it is repaired when the batch is written again"
        )
    return Written(after.rows, inserted=True, repaired=repaired)


def count(engine: Engine, batch_id: str) -> int:
    """Rows of a batch in the store."""
    local = Target.of(engine).table(TABLE)
    sql = f"SELECT count() FROM {local} WHERE BatchId = {{batch:String}}"  # noqa: S608 (our name)
    return int(engine.raw(sql, "TSV", {"batch": batch_id}))


@dataclass(frozen=True, slots=True)
class _Wanted:
    """The rows of a batch: where in a log they stand, side by side, and which they are."""

    log_id: str
    first: int
    end: int
    days: "np.ndarray[Any, np.dtype[np.int32]]"
    """On which each expires, days since 1970-01-01; 0 is never."""
    salts: "np.ndarray[Any, np.dtype[np.uint64]] | None"
    """First eight bytes of the salts: rows that were sealed anew have others. None: not known."""

    @classmethod
    def of(cls, table: pa.Table) -> "_Wanted":
        """The place that a table says; rows that are not sealed have none."""
        days = np.zeros(table.num_rows, np.int32)
        if "ExpiresOn" in table.column_names:
            days = pc.cast(pc.cast(table["ExpiresOn"], pa.date32()), pa.int32()).to_numpy()
        if "LogId" not in table.column_names or not table.num_rows:
            return cls("", 0, 1, days, np.zeros(table.num_rows, np.uint64))
        indices = pc.min_max(table["LogIndex"]).as_py()
        salts = np.frombuffer(joined(table["RecordSalt"]), dtype=np.uint64)[::2]
        return cls(table["LogId"][0].as_py(), indices["min"], indices["max"] + 1, days, salts)

    @classmethod
    def of_seal(cls, seal: Seal) -> "_Wanted":
        """What a seal says of the records of its batch."""
        entries = np.frombuffer(seal.entries, np.uint8).reshape(-1, ENTRY_BYTES)
        days = np.ascontiguousarray(entries[:, 2:6]).view(">u4").reshape(-1).astype(np.int32)
        first, end = seal.first_row, seal.first_row + seal.rows
        at = first - seal.first_index
        return cls(seal.log_id, first, end, days[at : at + seal.rows], None)

    def are_there(self, found: "_Counted") -> bool:
        """Whether these are the rows of the batch, and no others; past ones may be missing."""
        past = (self.days > 0) & (self.days <= found.today)
        if not (found.rows == found.placed and found.live == np.count_nonzero(~past)):
            return False
        if self.salts is None:
            return len(found.past) <= int(np.count_nonzero(past))
        live = int(self.salts[~past].sum(dtype=np.uint64))
        return live == found.live_salts and Counter(found.past) <= Counter(
            self.salts[past].tolist()
        )


@dataclass(frozen=True, slots=True)
class _Counted:
    """What the store has of a batch."""

    today: int
    """By the store's clock, days since 1970-01-01."""
    rows: int
    placed: int
    """Of them in their place in the log."""
    live: int
    """Of them not past their day."""
    live_salts: int
    """Sum of the first eight bytes of their salts."""
    past: tuple[int, ...]
    """The first eight bytes of the salts of the others, each."""


def _counted(engine: Engine, batch_id: str, wanted: _Wanted) -> _Counted:
    """Rows of a batch in the store, and how many of them stand in a place."""
    sql = (
        "WITH toInt32(intDiv(toUnixTimestamp(now()), 86400)) AS today, "  # noqa: S608 (our names)
        "toInt32(ExpiresOn) > 0 AND toInt32(ExpiresOn) <= today AS past, "
        "reinterpretAsUInt64(substring(RecordSalt, 1, 8)) AS salt "
        "SELECT today, count(), countIf(LogId = {log:String} AND LogIndex >= {first:UInt64} "
        "AND LogIndex < {end:UInt64}), countIf(NOT past), sumIf(salt, NOT past), "
        f"groupArrayIf(salt, past) FROM {_counting(engine)} WHERE BatchId = {{batch:String}}"
    )
    params: Params = {
        "batch": batch_id,
        "log": wanted.log_id,
        "first": wanted.first,
        "end": wanted.end,
    }
    *numbers, past = engine.raw(sql, "TSV", params).decode().split("\t")
    today, rows, placed, live, live_salts = map(int, numbers)
    return _Counted(today, rows, placed, live, live_salts, tuple(json.loads(past)))


def _counting(engine: Engine) -> str:
    """The table to count in. The embedded engine, which gets small batches too, has one for it."""
    if engine.kind == "embedded":
        engine.command(_NARROW)
        return _NARROW_NAME
    return Target.of(engine).table(TABLE)


def delete_unfinished(engine: Engine, batch_id: str) -> None:
    """Delete the rows of one batch and wait until they are gone."""
    local = Target.of(engine).table(TABLE)
    engine.command(
        f"ALTER TABLE {local} DELETE WHERE BatchId = {{batch:String}} SETTINGS mutations_sync = 2",
        {"batch": batch_id},
    )


def _stop_earlier_attempts(engine: Engine, batch_id: str) -> None:
    engine.command(f"KILL QUERY WHERE query_id LIKE '{_prefix(batch_id)}%' SYNC")


def _prefix(batch_id: str) -> str:
    return f"auditspan-{batch_id}-attempt-"


def _parts(table: pa.Table) -> list[pa.Table]:
    """The rows of each partition, in their order."""
    days = pc.cast(pc.floor_temporal(table["ReceivedAt"], unit="day"), pa.int64())
    classes = table["RetentionClass"]
    keys = pa.table({"day": days, "class": classes}).group_by(["day", "class"]).aggregate([])
    if keys.num_rows <= 1:
        return [table] if table.num_rows else []
    return [
        table.filter(pc.and_(pc.equal(days, key["day"]), pc.equal(classes, key["class"])))
        for key in keys.to_pylist()
    ]


def _slices(part: pa.Table) -> Iterator[pa.Table]:
    """A part in pieces that one insert can take."""
    fitting = part.num_rows * _INSERT_BYTES // max(part.nbytes, 1)
    rows = min(_INSERT_ROWS, max(fitting, 1))
    for start in range(0, part.num_rows, rows):
        yield part.slice(start, rows)


def finish(engine: Engine, path: Path, *, first: bool = False) -> Written:
    """Bring a batch file into the store, as often as it takes; the file stays."""
    batch = read_batch(path)
    return write(engine, batch.table, batch.batch_id, first=first)


def finish_sealed(engine: Engine, path: Path, seal: Seal, *, first: bool = False) -> Written:
    """Bring a sealed batch into the store: its records, and its part of the log.

    `first` as in `write`.
    """
    written = Written(0, inserted=False, repaired=False)
    if seal.rows:
        written = _records(engine, path, seal, first)
    put_entries(engine, seal.log_id, seal.first_index, seal.entries, first=first)
    put_bodies(engine, seal.log_id, seal.bodies, first=first)
    return written


def _records(engine: Engine, path: Path, seal: Seal, first: bool) -> Written:
    try:
        return finish(engine, path, first=first)
    except BatchFileInvalid:
        # The file is of no use, but it may have done its work before.
        wanted = _Wanted.of_seal(seal)
        there = _counted(engine, seal.batch_id, wanted)
        if not wanted.are_there(there):
            raise
        return Written(there.rows, inserted=False, repaired=False)
