"""Decoded tables for tests: a row is what differs from an empty span."""

from collections.abc import Mapping, Sequence

import pyarrow as pa

from auditspan.processors.batch import Batch
from auditspan.registry.history import History, Version
from auditspan.registry.models import Registry, Tool

TEXTS = pa.map_(pa.string(), pa.string())
TIME = pa.timestamp("ns", tz="UTC")
EVENTS = pa.list_(pa.struct([("Timestamp", TIME), ("Name", pa.string()), ("Attributes", TEXTS)]))
LINKS = pa.list_(
    pa.struct(
        [
            ("TraceId", pa.string()),
            ("SpanId", pa.string()),
            ("TraceState", pa.string()),
            ("Attributes", TEXTS),
        ]
    )
)
NOW = 1_800_000_000_000_000_000
"""When the samples are received."""

SCHEMA = pa.schema(
    [
        ("ReceivedAt", TIME),
        ("RequestDigest", pa.string()),
        ("Principal", pa.string()),
        ("Timestamp", TIME),
        ("Duration", pa.uint64()),
        ("TraceId", pa.string()),
        ("SpanId", pa.string()),
        ("ParentSpanId", pa.string()),
        ("TraceState", pa.string()),
        ("SpanName", pa.string()),
        ("SpanKind", pa.string()),
        ("StatusCode", pa.string()),
        ("StatusMessage", pa.string()),
        ("ServiceName", pa.string()),
        ("ScopeName", pa.string()),
        ("ScopeVersion", pa.string()),
        ("ResourceAttributes", TEXTS),
        ("SpanAttributes", TEXTS),
        ("AttributeTypes", TEXTS),
        ("OtlpExtras", TEXTS),
        ("Events", EVENTS),
        ("Links", LINKS),
        ("Duplicates", pa.bool_()),
        ("Undecodable", pa.bool_()),
    ]
)
_EMPTY: Mapping[str, object] = {
    "ReceivedAt": NOW,
    "RequestDigest": "sha256:" + "0" * 64,
    "Principal": "{}",
    "Timestamp": NOW - 10**9,
    "Duration": 10**8,
    "TraceId": "0af7651916cd43dd8448eb211c80319c",
    "SpanId": "b7ad6b7169203331",
    "SpanKind": "Internal",
    "StatusCode": "Unset",
    "Duplicates": False,
    "Undecodable": False,
}


def batch(*rows: Mapping[str, object]) -> Batch:
    """A batch of records; attribute maps are dicts, everything else as in the table."""
    columns: dict[str, list[object]] = {name: [] for name in SCHEMA.names}
    for row in rows:
        assert set(row) <= set(columns), set(row) - set(columns)
        for name, values in columns.items():
            values.append(_cell(SCHEMA.field(name).type, row.get(name, _EMPTY.get(name))))
    return Batch.of(pa.table(columns, schema=SCHEMA))


def spans(*attributes: Mapping[str, str]) -> Batch:
    """A batch of records that differ in their span attributes."""
    return batch(*({"SpanAttributes": each} for each in attributes))


def with_texts(batch: Batch, **columns: str | Sequence[str]) -> Batch:
    """Set text columns, to one text for all or one for each."""
    return batch.with_columns(
        {
            name: pa.array([value] * len(batch) if isinstance(value, str) else value, pa.string())
            for name, value in columns.items()
        }
    )


def history(*tools: Tool, applied_at: int = 0) -> History:
    """A registry of these tools, in force since a time."""
    registry = Registry({}, {tool.name: tool for tool in tools}, (), {}, (), "sha256:1", "sha256:2")
    return History((Version(applied_at, registry),))


def _cell(type: pa.DataType, value: object) -> object:
    if value is None:
        return [] if pa.types.is_nested(type) else ""
    if pa.types.is_map(type):
        assert isinstance(value, Mapping)
        return list(value.items())
    if pa.types.is_list(type):
        assert isinstance(value, Sequence)
        return [_struct(type.value_type, item) for item in value]
    return value


def _struct(type: pa.StructType, item: Mapping[str, object]) -> dict[str, object]:
    return {
        field.name: _cell(field.type, item.get(field.name, _EMPTY.get(field.name)))
        for field in type
    }
