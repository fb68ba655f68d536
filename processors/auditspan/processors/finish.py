"""The last stage before the seal: exactly the physical columns of `audit_records` but the seal's
own, in order, as Arrow types that ClickHouse takes.

Record ids are UUIDv7 (RFC 9562 §5.7) of the time of receipt. Attributes that the collector attached
and that have no column become the map `Derived`.
"""

from collections.abc import Mapping

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from auditspan.processors.attributes import Attributes
from auditspan.processors.batch import Batch, finding_lists, mask_of
from auditspan.processors.errors import ColumnInvalid
from auditspan.processors.lists import empty
from auditspan.processors.maps import build_map
from auditspan.processors.texts import constant, where
from auditspan.semconv.attributes import AUDIT_SCHEMA_VERSION, SCHEMA_VERSION
from auditspan.semconv.columns import PHYSICAL

_TEXT_MAP = pa.map_(pa.string(), pa.string())
_TIME = pa.timestamp("ns", tz="UTC")
_EVENTS = pa.list_(
    pa.struct([("Timestamp", _TIME), ("Name", pa.string()), ("Attributes", _TEXT_MAP)])
)
_LINKS = pa.list_(
    pa.struct(
        [
            ("TraceId", pa.string()),
            ("SpanId", pa.string()),
            ("TraceState", pa.string()),
            ("Attributes", _TEXT_MAP),
        ]
    )
)
_TYPES: Mapping[str, pa.DataType] = {
    "String": pa.string(),
    "UInt8": pa.uint8(),
    "UInt32": pa.uint32(),
    "UInt64": pa.uint64(),
    "Int64": pa.int64(),
    "Float64": pa.float64(),
    "Bool": pa.bool_(),
    "Date32": pa.date32(),
    "DateTime64(9,'UTC')": _TIME,
    "Array(String)": pa.list_(pa.string()),
    "Map(String,String)": _TEXT_MAP,
    "FixedString(16)": pa.binary(16),
    "Map(String,FixedString(16))": pa.map_(pa.string(), pa.binary(16)),
    "Map(String,FixedString(32))": pa.map_(pa.string(), pa.binary(32)),
}
_LATER = ("seal", "erasure")
"""Who fills the columns that are not there yet."""

RANDOM_BYTES = 10
"""Bytes of randomness that a record id takes."""


def finish(batch: Batch, batch_id: str, random: bytes) -> pa.Table:
    """The table to insert. `random` holds `RANDOM_BYTES` for each record."""
    version = constant(SCHEMA_VERSION, len(batch))
    batch = batch.with_derived({AUDIT_SCHEMA_VERSION: version})
    own: dict[str, pa.Array] = {
        "RecordId": record_ids(batch.column("ReceivedAt"), random),
        "BatchId": constant(batch_id, len(batch)),
        "Findings": finding_lists(batch.findings),
        # In order: so the engine need not sort it to seal it.
        "Derived": build_map(dict(sorted(batch.derived.items())), len(batch)),
    }
    if batch.table.schema.get_field_index("RecordKind") < 0:
        own["RecordKind"] = _kinds(batch)
    columns = [column for column in PHYSICAL if column.source not in _LATER]
    fields = [pa.field(column.name, arrow_type(column.name, column.type)) for column in columns]
    arrays = [own[field.name] if field.name in own else _fitted(batch, field) for field in fields]
    return pa.Table.from_arrays(arrays, schema=pa.schema(fields))


def _kinds(batch: Batch) -> pa.Array:
    """An intent without an end is a decision that has no action."""
    intent = mask_of(pc.equal(Attributes.of(batch).text("audit.call.intent"), "true"))
    return where(intent, constant("decision", len(batch)), constant("action", len(batch)))


def arrow_type(name: str, clickhouse: str) -> pa.DataType:
    """The Arrow type for a ClickHouse type; LowCardinality travels as plain text."""
    if name in ("Events", "Links"):
        return _EVENTS if name == "Events" else _LINKS
    plain = clickhouse.replace(" ", "").replace("LowCardinality(String)", "String")
    if plain not in _TYPES:
        raise ColumnInvalid(f"column {name} has type {clickhouse}, expected one of {list(_TYPES)}")
    return _TYPES[plain]


def record_ids(received_at: pa.Array, random: bytes) -> pa.Array:
    """UUIDv7 texts: 48 bits of milliseconds, version, 74 random bits, variant."""
    count = len(received_at)
    if len(random) != RANDOM_BYTES * count:
        raise ValueError(f"random has {len(random)} bytes, expected {RANDOM_BYTES * count}")
    nanoseconds = received_at.cast(pa.int64()).to_numpy(zero_copy_only=False)
    raw = np.empty((count, 16), dtype=np.uint8)
    raw[:, :6] = (nanoseconds // 1_000_000).astype(">u8").view(np.uint8).reshape(count, 8)[:, 2:]
    raw[:, 6:] = np.frombuffer(random, dtype=np.uint8).reshape(count, RANDOM_BYTES)
    raw[:, 6] = (raw[:, 6] & 0x0F) | 0x70
    raw[:, 8] = (raw[:, 8] & 0x3F) | 0x80
    return _uuid_texts(raw)


def _uuid_texts(raw: np.ndarray[tuple[int, int], np.dtype[np.uint8]]) -> pa.Array:
    digits = np.frombuffer(b"0123456789abcdef", dtype=np.uint8)
    hexes = np.empty((len(raw), 32), dtype=np.uint8)
    hexes[:, 0::2], hexes[:, 1::2] = digits[raw >> 4], digits[raw & 15]
    texts = np.full((len(raw), 36), ord("-"), dtype=np.uint8)
    source = 0
    for start, end in ((0, 8), (9, 13), (14, 18), (19, 23), (24, 36)):
        texts[:, start:end] = hexes[:, source : source + end - start]
        source += end - start
    offsets = np.arange(len(raw) + 1, dtype=np.int32) * 36
    buffers = [None, pa.py_buffer(offsets), pa.py_buffer(texts)]
    return pa.Array.from_buffers(pa.string(), len(raw), buffers)


def _fitted(batch: Batch, field: pa.Field) -> pa.Array:
    if batch.table.schema.get_field_index(field.name) < 0:
        return _nothing(field.type, len(batch))
    array = batch.column(field.name)
    if array.type != field.type:
        array = array.cast(field.type)
    if array.null_count:
        array = pc.if_else(array.is_valid(), array, _nothing(field.type, len(batch)))
    return array


def _nothing(type: pa.DataType, length: int) -> pa.Array:
    """ "", 0, false, or an empty list or map on every record: ClickHouse has no null there."""
    if pa.types.is_nested(type):
        return empty(type, length)
    return pa.repeat(_zero(type), length)


def _zero(type: pa.DataType) -> pa.Scalar:
    if pa.types.is_string(type):
        return pa.scalar("", type)
    # A date counts days in 32 bits, everything else is cast from 64.
    return pa.scalar(0, pa.int32() if pa.types.is_date(type) else pa.int64()).cast(type)
