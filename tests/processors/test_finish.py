"""The table that is inserted."""

import re
from uuid import UUID

import numpy as np
import pyarrow as pa
import pytest

from auditspan.processors.errors import ColumnInvalid
from auditspan.processors.finish import RANDOM_BYTES, arrow_type, finish, record_ids
from auditspan.processors.maps import MapView
from auditspan.semconv.attributes import SCHEMA_VERSION
from auditspan.semconv.columns import COLUMNS
from tests.processors.samples import NOW, TIME, batch, spans

PHYSICAL = [
    column
    for column in COLUMNS
    if column.kind == "physical" and column.source not in ("seal", "erasure")
]
"""What is there before the seal."""


def random(count: int) -> bytes:
    """Bytes that are the same in every run."""
    return np.random.default_rng(7).bytes(RANDOM_BYTES * count)


def test_exactly_the_physical_columns_in_order() -> None:
    """Nothing that a stage used on the way is inserted, nothing is missing, nothing is null."""
    table = finish(spans({"a": "1"}, {}), "i-1-00000001", random(2))
    assert table.column_names == [column.name for column in PHYSICAL]
    assert [field.type for field in table.schema] == [arrow_type(c.name, c.type) for c in PHYSICAL]
    assert sum(column.null_count for column in table.columns) == 0
    table.validate(full=True)


def test_what_the_stages_left() -> None:
    """Batch id, kind, findings, and derived values by their keys, are put in their columns."""
    records = spans({}, {}).flag("late", np.array([True, False]))
    records = records.with_derived({"audit.x": pa.array([None, "v"])})
    table = finish(records, "i-1-00000001", random(2))
    assert table.column("BatchId").to_pylist() == ["i-1-00000001"] * 2
    assert table.column("RecordKind").to_pylist() == ["action"] * 2
    assert table.column("Findings").to_pylist() == [["late"], []]
    assert table.column("Derived").to_pylist() == [
        [("audit.schema.version", SCHEMA_VERSION)],
        [("audit.schema.version", SCHEMA_VERSION), ("audit.x", "v")],
    ]


def test_null_becomes_empty() -> None:
    """ClickHouse's columns have no null: text, numbers, lists and maps alike."""
    columns = {
        "ToolName": pa.array(["t", None]),
        "InputTokens": pa.array([None, 3], pa.uint64()),
        "DataSubjectIds": pa.array([None, ["x"]], pa.list_(pa.string())),
        "SpanAttributes": pa.array([None, [("a", "1")]], pa.map_(pa.string(), pa.string())),
    }
    table = finish(spans({}, {}).with_columns(columns), "b", random(2))
    assert table.column("ToolName").to_pylist() == ["t", ""]
    assert table.column("InputTokens").to_pylist() == [0, 3]
    assert table.column("DataSubjectIds").to_pylist() == [[], ["x"]]
    assert table.column("SpanAttributes").to_pylist() == [[], [("a", "1")]]


def test_record_ids_are_uuids_of_the_time_of_receipt() -> None:
    """Version 7, the right variant, the milliseconds in front, random behind."""
    times = pa.array([NOW, NOW + 1_999_999, NOW + 10**12], TIME)
    texts = record_ids(times, random(3)).to_pylist()
    ids = [UUID(text) for text in texts]
    assert [str(uuid) for uuid in ids] == texts
    assert {uuid.version for uuid in ids} == {7}
    assert {uuid.variant for uuid in ids} == {"specified in RFC 4122"}
    assert [uuid.int >> 80 for uuid in ids] == [
        NOW // 10**6,
        NOW // 10**6 + 1,
        NOW // 10**6 + 10**6,
    ]
    assert texts == sorted(texts)
    assert re.fullmatch(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", texts[0])


def test_every_random_bit_is_used() -> None:
    """Two random texts that differ in one bit give two ids, but for the six fixed bits."""
    time = pa.array([NOW], TIME)
    zero = bytes(RANDOM_BYTES)
    ids = {record_ids(time, zero)[0].as_py()}
    for bit in range(RANDOM_BYTES * 8):
        flipped = (1 << bit).to_bytes(RANDOM_BYTES, "big")
        ids.add(record_ids(time, flipped)[0].as_py())
    assert len(ids) == 1 + RANDOM_BYTES * 8 - 6


@pytest.mark.parametrize("count", [0, 1, 3])
def test_random_must_fit(count: int) -> None:
    """Too few bytes would repeat ids."""
    with pytest.raises(ValueError, match="expected 20"):
        finish(spans({}, {}), "b", random(count))


def test_an_unknown_type_is_refused() -> None:
    """A column of the registry that no stage could fill stops at once."""
    with pytest.raises(ColumnInvalid, match="column X has type Nope"):
        arrow_type("X", "Nope")


def test_an_empty_batch() -> None:
    """The table has its columns all the same."""
    table = finish(batch(), "b", b"")
    assert table.num_rows == 0
    assert table.column_names == [column.name for column in PHYSICAL]


def test_maps_stay_readable() -> None:
    """What is inserted can be opened like any map."""
    table = finish(spans({"a": "1"}), "b", random(1))
    view = MapView.of(table.column("SpanAttributes").chunk(0))
    assert view.value("a").to_pylist() == ["1"]


def test_an_intent_without_an_end_is_a_decision() -> None:
    """The word of the guard that wrote it; what says anything else is an action."""
    batch = spans({"audit.call.intent": "true"}, {"audit.call.intent": "1"}, {})
    kinds = finish(batch, "i-1-00000001", random(3)).column("RecordKind").to_pylist()
    assert kinds == ["decision", "action", "action"]
