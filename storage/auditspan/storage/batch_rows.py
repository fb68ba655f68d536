"""The rows that a batch should have in the store, and those that are there.

Of a sealed batch each row is known by its place in the log and its salt: rows that are sealed in
another place, anew or not at all are others. Of one that is not sealed there is only their number.

Rows whose day of expiry has come may be gone at any time, also before they are looked up for the
first time: a collector that was away for long finds requests in its spool that are past their day.
They are sealed like all others, and missing ones among them are as it should be. The store's own
clock says which.
"""

from dataclasses import dataclass
from typing import Any, Self

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from auditspan.integrity.canonical import ENTRY_BYTES
from auditspan.storage.engine import Engine
from auditspan.storage.render import Target
from auditspan.storage.sealing.entries import joined
from auditspan.storage.sealing.seal_file import Seal

TABLE = "audit_records"
_NARROW_NAME = "placed_records"
_NARROW = (
    f"CREATE TEMPORARY TABLE IF NOT EXISTS {_NARROW_NAME} (BatchId LowCardinality(String), "
    "LogId LowCardinality(String), LogIndex UInt64, RecordSalt FixedString(16), ExpiresOn Date32) "
    f"ENGINE = Merge(currentDatabase(), '^{TABLE}$')"
)
"""The records by the columns that are looked at. A statement on all columns takes twice the time
of this one, whatever it reads: the engine works out first what each computed column is made of."""

_Days = npt.NDArray[np.int32]
_Indices = npt.NDArray[np.uint64]
_Salts = npt.NDArray[np.void]


def stored(engine: Engine, batch_id: str) -> pa.Table:
    """What the store has of a batch: `LogId`, `LogIndex`, `RecordSalt`, and `Day` of expiry."""
    sql = (
        "SELECT LogId, LogIndex, RecordSalt, toInt32(ExpiresOn) AS Day "  # noqa: S608 (our names)
        f"FROM {_looked_at(engine)} WHERE BatchId = {{batch:String}}"
    )
    return engine.arrow(sql, {"batch": batch_id})


@dataclass(frozen=True, slots=True)
class BatchRows:
    """The rows of a batch, in the order of their places in the log; a sealed one has some."""

    log_id: str
    """Empty if they are not sealed."""
    indices: _Indices
    """Their places; none if they are not sealed."""
    days: _Days
    """On which each expires, days since 1970-01-01; 0 is never."""
    salts: _Salts | None
    """None: not known."""

    @classmethod
    def of(cls, table: pa.Table) -> Self:
        """The rows of a batch before they are stored."""
        days = np.zeros(table.num_rows, np.int32)
        if "ExpiresOn" in table.column_names:
            days = _plain(table["ExpiresOn"].cast(pa.date32()).cast(pa.int32()))
        if "LogId" not in table.column_names or not table.num_rows:
            return cls("", np.empty(0, np.uint64), days, None)
        indices = _plain(table["LogIndex"])
        order = np.argsort(indices, kind="stable")
        salts = _salts(table)[order]
        return cls(table["LogId"][0].as_py(), indices[order], days[order], salts)

    @classmethod
    def of_seal(cls, seal: Seal) -> Self:
        """What a seal says of the records of its batch."""
        entries = np.frombuffer(seal.entries, np.uint8).reshape(-1, ENTRY_BYTES)
        days = np.ascontiguousarray(entries[:, 2:6]).view(">u4").reshape(-1).astype(np.int32)
        at = seal.first_row - seal.first_index
        indices = np.arange(seal.first_row, seal.first_row + seal.rows, dtype=np.uint64)
        return cls(seal.log_id, indices, days[at : at + seal.rows], None)

    def are(self, found: pa.Table, engine: Engine) -> bool:
        """Whether these are what was found in a store, and no others; past ones may be missing."""
        if not self.log_id:
            return self._as_many(_plain(found["Day"]), engine)
        if set(found["LogId"].unique().to_pylist()) - {self.log_id}:
            return False
        indices = _plain(found["LogIndex"])
        places = np.minimum(np.searchsorted(self.indices, indices), len(self.indices) - 1)
        if not np.array_equal(self.indices[places], indices):
            return False
        if len(np.unique(places)) < len(places):
            return False
        if self.salts is not None and not np.array_equal(self.salts[places], _salts(found)):
            return False
        missing = np.delete(self.days, places)
        return not len(missing) or bool(_past(missing, _today(engine)).all())

    def _as_many(self, found: _Days, engine: Engine) -> bool:
        if len(found) == len(self.days) or not self.days.any():
            return len(found) == len(self.days)
        today = _today(engine)
        mine, theirs = _past(self.days, today), _past(found, today)
        return bool(np.sum(~mine) == np.sum(~theirs) and np.sum(theirs) <= np.sum(mine))


def _looked_at(engine: Engine) -> str:
    """The table to look in. The embedded engine, which gets small batches too, has one for it."""
    if engine.kind == "embedded":
        engine.command(_NARROW)
        return _NARROW_NAME
    return Target.of(engine).table(TABLE)


def _today(engine: Engine) -> int:
    """By the store's clock, days since 1970-01-01."""
    return int(engine.raw("SELECT intDiv(toUnixTimestamp(now()), 86400)", "TSV"))


def _past(days: _Days, today: int) -> npt.NDArray[np.bool_]:
    past: npt.NDArray[np.bool_] = (days > 0) & (days <= today)
    return past


def _plain(column: pa.ChunkedArray) -> Any:
    return column.to_numpy()


def _salts(table: pa.Table) -> _Salts:
    return np.frombuffer(joined(table["RecordSalt"]), dtype="V16")
