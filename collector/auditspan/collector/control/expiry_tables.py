"""The table `early_expiries`: a row for each range that a `record.expired_early` names, whether it
is done yet or not. The columns are those of storage's migration 0008.
"""

from collections.abc import Iterable, Iterator, Mapping

import pyarrow as pa
from pydantic import JsonValue

from auditspan.collector.control.derive import Frame
from auditspan.collector.control.erasure_kinds import EXPIRED_EARLY
from auditspan.collector.control.event_rows import TIME, Row, text
from auditspan.collector.control.records import ControlRecord

TABLE = "early_expiries"
SCHEMA = pa.schema(
    [
        ("ExpiryId", pa.string()),
        ("LogId", pa.string()),
        ("Start", pa.uint64()),
        ("End", pa.uint64()),
        ("DecidedAt", TIME),
        ("RequestedBy", pa.string()),
        ("ApprovedBy", pa.string()),
        ("Ticket", pa.string()),
        ("Proposal", pa.string()),
        ("BatchId", pa.string()),
    ]
)


def tables(frames: Iterable[Frame], batch_id: str) -> Mapping[str, pa.Table]:
    """The rows of `early_expiries`; a request that a batch holds twice is there once."""
    rows = {
        (row["ExpiryId"], row["LogId"], row["Start"]): row | {"BatchId": batch_id}
        for frame in frames
        if frame.record.kind == EXPIRED_EARLY
        for row in _rows(frame.record)
    }
    return {TABLE: pa.Table.from_pylist(list(rows.values()), schema=SCHEMA)} if rows else {}


def _rows(record: ControlRecord) -> Iterator[Row]:
    expired = record.body.get("expired")
    for part in expired if isinstance(expired, list) else []:
        if isinstance(part, dict) and _index(part.get("start")) < _index(part.get("end")):
            yield {
                "ExpiryId": text(record, "id"),
                "LogId": str(part.get("log", "")),
                "Start": _index(part.get("start")),
                "End": _index(part.get("end")),
                "DecidedAt": record.at_ns,
                "RequestedBy": record.asked_by,
                "ApprovedBy": record.agreed_by,
                "Ticket": record.why.ticket,
                "Proposal": record.proposal,
            }


def _index(value: JsonValue) -> int:
    return value if isinstance(value, int) and value >= 0 else 0
