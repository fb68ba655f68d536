"""The table `erasures`: a row for each record that a `record.erased` names, whether it is done yet
or not. The columns are those of storage's migrations 0002, 0007 and 0008.
"""

from collections.abc import Iterable, Iterator, Mapping

import pyarrow as pa
from pydantic import JsonValue

from auditspan.collector.control.derive import Frame
from auditspan.collector.control.erasure_kinds import RECORD_ERASED
from auditspan.collector.control.event_rows import TIME, Row, text
from auditspan.collector.control.records import ControlRecord

TABLE = "erasures"
SCHEMA = pa.schema(
    [
        ("ErasureId", pa.string()),
        ("RecordId", pa.string()),
        ("LogId", pa.string()),
        ("LogIndex", pa.uint64()),
        ("Groups", pa.list_(pa.string())),
        ("Asked", pa.list_(pa.string())),
        ("RequestedAt", TIME),
        ("ErasedAt", TIME),
        ("RequestedBy", pa.string()),
        ("ApprovedBy", pa.string()),
        ("Ticket", pa.string()),
        ("Proposal", pa.string()),
        ("LegalBasis", pa.string()),
        ("BatchId", pa.string()),
    ]
)


def tables(frames: Iterable[Frame], batch_id: str) -> Mapping[str, pa.Table]:
    """The rows of `erasures`; a request that a batch holds twice is there once."""
    rows = {
        (row["ErasureId"], row["RecordId"]): row | {"BatchId": batch_id}
        for frame in frames
        if frame.record.kind == RECORD_ERASED
        for row in _rows(frame.record)
    }
    return {TABLE: pa.Table.from_pylist(list(rows.values()), schema=SCHEMA)} if rows else {}


def _rows(record: ControlRecord) -> Iterator[Row]:
    erased = record.body.get("erased")
    for part in erased if isinstance(erased, list) else []:
        if isinstance(part, dict) and isinstance(part.get("record"), str):
            yield {
                "ErasureId": text(record, "id"),
                "RecordId": part["record"],
                "LogId": str(part.get("log", "")),
                "LogIndex": _index(part.get("index")),
                "Groups": _names(part.get("groups")),
                "Asked": _names(part.get("asked")),
                "RequestedAt": record.at_ns,
                "ErasedAt": record.at_ns,
                "RequestedBy": record.asked_by,
                "ApprovedBy": record.agreed_by,
                "Ticket": record.why.ticket,
                "Proposal": record.proposal,
                "LegalBasis": "",
            }


def _index(value: JsonValue) -> int:
    return value if isinstance(value, int) and value >= 0 else 0


def _names(value: JsonValue) -> list[str]:
    return [name for name in value if isinstance(name, str)] if isinstance(value, list) else []
