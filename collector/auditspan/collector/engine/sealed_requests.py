"""What erasures and early expiries have in common: done when it is in the log, told when done.

A request waits until its entry is in the log and the segment it came in is finished, so that the
entry is signed. It is done when it has a certificate, and done again until then.
"""

import json
import logging
import time
from collections import defaultdict
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Final, Self

import pyarrow as pa
from pydantic import JsonValue

from auditspan.collector.control.errors import ControlError
from auditspan.collector.control.records import rfc3339
from auditspan.collector.data_dir import DataDir
from auditspan.integrity.control_entry import Kind
from auditspan.storage.engine import Engine
from auditspan.storage.errors import ErasureIncomplete, StorageError
from auditspan.storage.render import Target

LOG = logging.getLogger("auditspan.collector.engine")

_RETRY_SECONDS: Final = 10.0
NOT_CERTIFIED: Final = (
    "NOT IN (SELECT ErasureId, BatchId FROM erasure_certificates) "
    "AND startsWith(BatchId, {mine:String})"
)
"""Of the id of a request and of the batch that it came in, which names the collector."""
_ENTRY: Final = (
    "SELECT LogId, LogIndex FROM audit_log_entries WHERE Kind = {kind:UInt8} "
    "AND JSONExtractString(Body, 'id') = {id:String} ORDER BY LogId, LogIndex"
)
_DONE: Final = (
    "SELECT count() FROM erasure_certificates "
    "WHERE ErasureId = {id:String} AND BatchId = {batch:String}"
)


Row = Mapping[str, object]


@dataclass(frozen=True, slots=True)
class Decision:
    """Who decided on a request, and when."""

    id: str
    batch_id: str
    at_ns: int
    requested_by: str
    approved_by: str
    ticket: str
    proposal: str

    @classmethod
    def of(cls, row: Row, id: str) -> Self:
        """From a row of its table; `id` is the column that names the request."""
        at = row["At"]
        names = ("BatchId", "RequestedBy", "ApprovedBy", "Ticket", "Proposal")
        batch, *rest = (str(row[name]) for name in names)
        return cls(str(row[id]), batch, at if isinstance(at, int) else 0, *rest)

    def told(self, what: str) -> dict[str, JsonValue]:
        """On a certificate."""
        return {
            "format": 1,
            what: self.id,
            "requested_by": self.requested_by,
            "approved_by": self.approved_by,
            "ticket": self.ticket,
            "proposal": self.proposal,
            "decided_at": rfc3339(self.at_ns),
        }


@dataclass(slots=True)
class Due:
    """When to look again though nothing came."""

    what: str
    """An erasure, for example."""
    again_at: float = 0.0
    """0.0 at once, infinity never."""

    def tick(self, run: Callable[[], int], *, asked: bool) -> None:
        """Run when it may be asked for, at the start, and again while something waits or failed."""
        if not asked and time.monotonic() < self.again_at:
            return
        try:
            waiting = run()
        except (StorageError, ControlError, OSError) as error:
            LOG.error("%s is not complete: %s; it is tried again", self.what, error)
            waiting = 1
        self.again_at = time.monotonic() + _RETRY_SECONDS if waiting else float("inf")


def pending(store: Engine, sql: str, id: str, instance: str) -> list[tuple[Decision, list[Row]]]:
    """The requests of a statement that came in at this collector, with their rows.

    Of several on one store each does what it was asked for: only it knows when that is signed.
    """
    found: dict[tuple[str, str], list[Row]] = defaultdict(list)
    for row in store.arrow(sql, {"mine": f"{instance}-" if instance else ""}).to_pylist():
        found[row[id], row["BatchId"]].append(row)
    return [(Decision.of(rows[0], id), rows) for rows in found.values()]


def entries_of(store: Engine, kind: Kind, id: str) -> list[dict[str, JsonValue]]:
    """The entries of a request: log and index."""
    rows = store.arrow(_ENTRY, {"kind": int(kind), "id": id}).to_pylist()
    return [{"log": row["LogId"], "index": row["LogIndex"]} for row in rows]


def in_spool(data: DataDir, batch_id: str) -> bool:
    """Whether the segment of a batch is not finished yet."""
    return (data.folder("spool") / f"{batch_id}.seg").exists()


def certify(store: Engine, decision: Decision, at_ns: int, text: Mapping[str, JsonValue]) -> None:
    """Say that a request is done. Raises `ErasureIncomplete`."""
    id, batch_id = decision.id, decision.batch_id
    rows = pa.table(
        {
            "ErasureId": [id],
            "BatchId": [batch_id],
            "DoneAt": pa.array([at_ns], pa.int64()).cast(pa.timestamp("ns", "UTC")),
            "Certificate": [json.dumps(text, sort_keys=True)],
        }
    )
    store.insert(Target.of(store).table("erasure_certificates"), rows)
    if not int(store.raw(_DONE, "TSV", {"id": id, "batch": batch_id})):
        raise ErasureIncomplete(f"request {id}: its certificate is not in the store")
