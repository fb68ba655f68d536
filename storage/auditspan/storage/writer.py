"""A batch into the store exactly once.

`audit_records` is partitioned by day of receipt and retention class; a batch is inserted once per
partition, so that each insert is one part: there or not. Only what one request made larger than a
batch should be takes more inserts: the embedded engine has no memory for it in one. What the store
has of a batch is looked up before, unless this is the first attempt at it, and after
(`batch_rows.py`):

1. all rows, and no others: nothing to do (a crash came after the insert);
2. none: insert;
3. anything else: delete what is there of this batch only, then insert.

On a server an insert of an earlier attempt may still run after its connection is gone, and would be
found missing and come in later; so each attempt has a query id that begins with the batch's, and
all of them are killed and awaited before the first look. Deduplication tokens are not used: they
lose data (docs/upgrade-and-backup.md).
"""

import re
import secrets
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import chain
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc

from auditspan.storage.batch_file import read_batch
from auditspan.storage.batch_rows import TABLE, BatchRows, stored
from auditspan.storage.engine import Engine
from auditspan.storage.errors import BatchFileInvalid, WriteMismatch
from auditspan.storage.render import Target
from auditspan.storage.sealing.seal_file import Seal
from auditspan.storage.sealing.seals import put_bodies, put_entries

_INSERT_ROWS = 20_000
_INSERT_BYTES = 96_000_000
"""What one insert takes at most, unless a single row is larger. A full batch of usual records is
70 MB and one part: what a lower limit cut off made a part of its own, whose merges cost more than
the insert."""

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
    the same, the look afterwards finds it, and the next attempt looks before as well.
    """
    if not _BATCH_ID.fullmatch(batch_id):
        raise ValueError(f"batch id {batch_id[:60]!r}: expected letters, digits, dots and dashes")
    wanted, repaired = BatchRows.of(table), False
    if not first:
        if engine.kind == "server":
            _stop_earlier_attempts(engine, batch_id)
        there = stored(engine, batch_id)
        if wanted.are(there, engine) and (there.num_rows or not table.num_rows):
            return Written(there.num_rows, inserted=False, repaired=False)
        repaired = bool(there.num_rows)
        if repaired:
            delete_unfinished(engine, batch_id)
    for part in chain.from_iterable(map(_slices, _parts(table))):
        query_id = f"{_prefix(batch_id)}{secrets.token_hex(8)}"
        engine.insert(Target.of(engine).table(TABLE), part, query_id)
    after = stored(engine, batch_id)
    if not wanted.are(after, engine):
        raise WriteMismatch(
            f"batch {batch_id}: wrote {table.num_rows} rows, the store has {after.num_rows}; "
            "it is repaired when the batch is written again"
        )
    return Written(after.num_rows, inserted=True, repaired=repaired)


def count(engine: Engine, batch_id: str) -> int:
    """Rows of a batch in the store."""
    local = Target.of(engine).table(TABLE)
    sql = f"SELECT count() FROM {local} WHERE BatchId = {{batch:String}}"  # noqa: S608 (our name)
    return int(engine.raw(sql, "TSV", {"batch": batch_id}))


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
        there = stored(engine, seal.batch_id)
        if not BatchRows.of_seal(seal).are(there, engine):
            raise
        return Written(there.num_rows, inserted=False, repaired=False)
