"""Does what a sealed `record.expired_early` says: records go before their day.

1. The entry of the log is there, and the segment it came in is finished, so it is signed.
2. Records go by their places in the log; what a hold keeps by now stays.
3. Batch files, so that none brings them back; replaced parts of the store.
4. The certificate. Until it is there, all of this is done again.
"""

import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

import numpy as np
import pyarrow as pa
from pydantic import JsonValue

from auditspan.collector.control.expiry_plan import Range
from auditspan.collector.control.holds_files import HoldFiles
from auditspan.collector.control.records import rfc3339
from auditspan.collector.data_dir import DataDir
from auditspan.collector.engine.sealed_requests import (
    NOT_CERTIFIED,
    Decision,
    Due,
    Row,
    certify,
    entries_of,
    in_spool,
    pending,
)
from auditspan.collector.engine.sealing import SUFFIX
from auditspan.integrity.control_entry import Kind
from auditspan.storage.batch_file import read_batch, write_batch
from auditspan.storage.engine import Engine
from auditspan.storage.errors import BatchFileInvalid, ErasureIncomplete
from auditspan.storage.old_parts import drop_old_parts
from auditspan.storage.render import Target
from auditspan.storage.sealing.seal_file import Seal, read_seal

_PENDING: Final = (
    "SELECT ExpiryId, BatchId, LogId, Start, End, "  # noqa: S608 (ours)
    "toUnixTimestamp64Nano(DecidedAt) AS At, RequestedBy, ApprovedBy, Ticket, Proposal "
    f"FROM early_expiries WHERE (ExpiryId, BatchId) {NOT_CERTIFIED} "
    "ORDER BY At, ExpiryId, BatchId, LogId, Start"
)
_STATEMENT_RANGES: Final = 200


@dataclass(frozen=True, slots=True)
class Request:
    """An early expiry that was approved and has no certificate yet."""

    decision: Decision
    ranges: tuple[Range, ...]

    def conditions(self) -> Iterator[str]:
        """SQL over a record that is in the ranges, as many as one statement names."""
        for at in range(0, len(self.ranges), _STATEMENT_RANGES):
            some = self.ranges[at : at + _STATEMENT_RANGES]
            parts = [
                f"(LogId = {_text(each.log)} AND LogIndex >= {each.start} "
                f"AND LogIndex < {each.end})"
                for each in some
            ]
            yield f"({' OR '.join(parts)}) AND RecordKind != 'control'"


@dataclass(slots=True)
class Expiring:
    """The early expiries of one store."""

    data: DataDir
    store: Engine
    instance: str = ""
    """The collector's id, whose requests these are; empty: it is alone on its store."""
    now_ns: Callable[[], int] = time.time_ns
    due: Due = field(default_factory=lambda: Due("an early expiry"))

    def tick(self, *, asked: bool) -> None:
        """Do what is due: after a batch that may ask for it, at the start, and after a failure."""
        self.due.tick(self.run, asked=asked)

    def run(self) -> int:
        """Do all that can be done; how many still wait for their entry to be signed."""
        waiting = 0
        for decision, rows in pending(self.store, _PENDING, "ExpiryId", self.instance):
            entries = entries_of(self.store, Kind.EARLY_EXPIRY, decision.id)  # 1
            if not entries or in_spool(self.data, decision.batch_id):
                waiting += 1
                continue
            self._do(_request(decision, rows), entries)
        return waiting

    def _do(self, request: Request, entries: Sequence[Mapping[str, JsonValue]]) -> None:
        kept = self._kept(request)
        for condition in request.conditions():  # 2
            self._delete(f"{condition} AND RecordId NOT IN {{kept:Array(String)}}", kept)
        self._clear_files(request, frozenset(kept))  # 3
        drop_old_parts(self.store, ("audit_records",))
        text = request.decision.told("expiry") | {  # 4
            "log_entries": [dict(entry) for entry in entries],
            "expired": [each.model_dump(mode="json") for each in request.ranges],
            "kept_by_holds": len(kept),
            "completed_at": rfc3339(self.now_ns()),
        }
        certify(self.store, request.decision, self.now_ns(), text)

    def _kept(self, request: Request) -> list[str]:
        """Records that a hold keeps which came after the approval."""
        found: list[str] = []
        for hold in HoldFiles(self.data.folder("registry")).all():
            condition, params = hold.filter.condition()
            for ranges in request.conditions() if hold.is_open else ():
                sql = f"SELECT RecordId FROM audit_records WHERE {ranges} AND {condition}"  # noqa: S608
                found += self.store.arrow(sql, params)["RecordId"].to_pylist()
        return sorted(set(found))

    def _delete(self, condition: str, kept: Sequence[str]) -> None:
        table, params = Target.of(self.store).table("audit_records"), {"kept": list(kept)}
        count = f"SELECT count() FROM {table} WHERE {condition}"  # noqa: S608 (ours)
        if not int(self.store.raw(count, "TSV", params)):
            return
        self.store.command(
            f"ALTER TABLE {table} DELETE WHERE {condition} SETTINGS mutations_sync = 2", params
        )
        left = int(self.store.raw(count, "TSV", params))
        if left:
            raise ErasureIncomplete(f"{left} records are still there; it is tried again")

    def _clear_files(self, request: Request, kept: frozenset[str]) -> None:
        folder = self.data.folder("batches")
        for damaged in folder.glob("*.arrow.invalid"):
            damaged.unlink()
        for path in folder.glob(f"*{SUFFIX}"):
            seal = _read(path)
            batch = path.with_suffix(".arrow")
            if seal and batch.exists() and _touches(seal, request.ranges):
                found = read_batch(batch)
                write_batch(batch, _without(found.table, request.ranges, kept), found.batch_id)


def _request(decision: Decision, rows: Sequence[Row]) -> Request:
    ranges = (
        Range.model_validate({"log": row["LogId"], "start": row["Start"], "end": row["End"]})
        for row in rows
    )
    return Request(decision, tuple(ranges))


def _read(path: Path) -> Seal | None:
    try:
        return read_seal(path)
    except BatchFileInvalid:
        return None


def _touches(seal: Seal, ranges: Sequence[Range]) -> bool:
    first, end = seal.first_row, seal.first_row + seal.rows
    return any(r.log == seal.log_id and r.start < end and first < r.end for r in ranges)


def _without(table: pa.Table, ranges: Sequence[Range], kept: frozenset[str]) -> pa.Table:
    """The rows that stay."""
    indices = table["LogIndex"].to_numpy()
    log = str(table["LogId"][0].as_py()) if table.num_rows else ""
    gone = np.zeros(len(indices), dtype=np.bool_)
    for each in ranges:
        if each.log == log:
            gone |= (indices >= each.start) & (indices < each.end)
    acts = np.asarray([kind != "control" for kind in table["RecordKind"].to_pylist()], dtype=bool)
    held = np.asarray([id in kept for id in table["RecordId"].to_pylist()], dtype=bool)
    return table.filter(pa.array(~(gone & acts & ~held)))


def _text(value: str) -> str:
    return "'" + value.replace("\\", "\\\\").replace("'", "\\'") + "'"
