"""The table `reviews`: one row for each `record.reviewed`. The columns are those of storage's
migrations; the latest review of a record counts, and every one is kept.
"""

from collections.abc import Iterable, Mapping

import pyarrow as pa

from auditspan.collector.control.derive import Frame
from auditspan.collector.control.event_rows import TIME, Row, method, provenance, text
from auditspan.collector.control.human_kinds import RECORD_REVIEWED
from auditspan.collector.control.records import ControlRecord

SCHEMA = pa.schema(
    [
        ("ReviewId", pa.string()),
        ("RecordId", pa.string()),
        ("ReviewedAt", TIME),
        ("ReviewedBy", pa.string()),
        ("ReviewedByProvenance", pa.string()),
        ("Method", pa.string()),
        ("Credential", pa.string()),
        ("Verdict", pa.string()),
        ("Closed", pa.bool_()),
        ("Comment", pa.string()),
        ("Ticket", pa.string()),
        ("AgentId", pa.string()),
        ("ReviewRequired", pa.bool_()),
        ("BatchId", pa.string()),
    ]
)


def tables(frames: Iterable[Frame], batch_id: str) -> Mapping[str, pa.Table]:
    """The rows of `reviews`."""
    rows = [
        _row(frame.record) | {"BatchId": batch_id}
        for frame in frames
        if frame.record.kind == RECORD_REVIEWED
    ]
    return {"reviews": pa.Table.from_pylist(rows, schema=SCHEMA)} if rows else {}


def _row(record: ControlRecord) -> Row:
    party = record.requester
    return {
        "ReviewId": text(record, "review"),
        "RecordId": text(record, "id"),
        "ReviewedAt": record.at_ns,
        "ReviewedBy": record.asked_by,
        "ReviewedByProvenance": provenance(party),
        "Method": method(party),
        "Credential": party.credential if party else "",
        "Verdict": text(record, "verdict"),
        "Closed": record.body.get("closes") is True,
        "Comment": record.why.reason,
        "Ticket": record.why.ticket,
        "AgentId": text(record, "agent"),
        "ReviewRequired": record.body.get("review_required") is True,
    }
