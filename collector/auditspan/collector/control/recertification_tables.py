"""The table `recertifications`: who was asked about which agent or grant, what they said, and what
nobody said in time. The columns are those of storage's migrations.
"""

from collections.abc import Iterable, Iterator, Mapping

import pyarrow as pa
from pydantic import JsonValue

from auditspan.collector.control.derive import Frame
from auditspan.collector.control.event_rows import TIME, Row, method, provenance, text, whole
from auditspan.collector.control.human_kinds import (
    ACCESS_RECERTIFIED,
    RECERTIFICATION_OVERDUE,
    RECERTIFICATION_STARTED,
)
from auditspan.collector.control.records import ControlRecord

SCHEMA = pa.schema(
    [
        ("CampaignId", pa.string()),
        ("Item", pa.string()),
        ("Event", pa.string()),
        ("At", TIME),
        ("DueAt", TIME),
        ("Owner", pa.string()),
        ("OwnerEmail", pa.string()),
        ("RiskTier", pa.string()),
        ("ExpiresAt", TIME),
        ("AskedBy", pa.string()),
        ("Verdict", pa.string()),
        ("AnsweredBy", pa.string()),
        ("AnsweredByProvenance", pa.string()),
        ("AnsweredAs", pa.string()),
        ("Method", pa.string()),
        ("Comment", pa.string()),
        ("Ticket", pa.string()),
        ("RegistryVersion", pa.string()),
        ("BatchId", pa.string()),
    ]
)
_EMPTY: Row = {field.name: "" for field in SCHEMA if pa.types.is_string(field.type)}


def tables(frames: Iterable[Frame], batch_id: str) -> Mapping[str, pa.Table]:
    """The rows of `recertifications`."""
    rows = [
        {**_EMPTY, **row, "At": frame.record.at_ns, "BatchId": batch_id}
        for frame in frames
        for row in _rows(frame.record)
    ]
    return {"recertifications": pa.Table.from_pylist(rows, schema=SCHEMA)} if rows else {}


def _rows(record: ControlRecord) -> Iterator[Row]:
    if record.kind == RECERTIFICATION_STARTED:
        yield from _asked(record)
    elif record.kind == ACCESS_RECERTIFIED:
        yield _of_item(record) | _answer(record)
    elif record.kind == RECERTIFICATION_OVERDUE:
        yield _of_item(record) | {"Event": "overdue"}


def _asked(record: ControlRecord) -> Iterator[Row]:
    items = record.body.get("items")
    for item in items if isinstance(items, list) else []:
        if isinstance(item, dict):
            yield {
                "CampaignId": text(record, "id"),
                "Event": "asked",
                "DueAt": whole(record.body.get("due_at_ns")),
                "AskedBy": record.asked_by,
                "Comment": record.why.reason,
                "Ticket": record.why.ticket,
                "RegistryVersion": text(record, "registry_version"),
                **_item(item),
            }


def _of_item(record: ControlRecord) -> Row:
    """An answer or its absence: about one item."""
    return {
        "CampaignId": text(record, "campaign"),
        "DueAt": whole(record.body.get("due_at_ns")),
        "RegistryVersion": text(record, "registry_version"),
        **_item({**record.body, "item": record.body.get("id", "")}),
    }


def _answer(record: ControlRecord) -> Row:
    return {
        "Event": "answered",
        "Verdict": text(record, "verdict"),
        "AnsweredBy": record.asked_by,
        "AnsweredByProvenance": provenance(record.requester),
        "AnsweredAs": text(record, "as"),
        "Method": method(record.requester),
        "Comment": record.why.reason,
        "Ticket": record.why.ticket,
    }


def _item(item: Mapping[str, JsonValue]) -> Row:
    expires = whole(item.get("expires_at_ns", 0))
    return {
        "Item": str(item.get("item", "")),
        "Owner": str(item.get("owner", "")),
        "OwnerEmail": str(item.get("owner_email", "")),
        "RiskTier": str(item.get("risk_tier", "")),
        "ExpiresAt": expires or None,
    }
