"""How many keys a batch has is not its senders' choice, and nothing they said is lost."""

import json

import pyarrow as pa

from auditspan.processors.batch import Batch
from auditspan.processors.key_bounds import FINDING, OVERFLOW, key_bounds
from tests.processors.samples import batch, spans


def keys(found: Batch, column: str) -> set[str]:
    """The different keys of a map column."""
    return set(found.column(column).keys.to_pylist())


def test_rare_keys_become_one_value() -> None:
    """The frequent ones stay, of equals the first; order and values too, and who has it is told."""
    given = spans({"a": "1", "x": "2", "b": "3"}, {"a": "4"}, {"y": "ü\n", "a": "5", "z": "6"})
    found = key_bounds(given, 3)
    assert [dict(row) for row in found.column("SpanAttributes").to_pylist()] == [
        {"a": "1", "x": "2", OVERFLOW: json.dumps({"b": "3"})},
        {"a": "4"},
        {"a": "5", OVERFLOW: json.dumps({"y": "ü\n", "z": "6"}, ensure_ascii=False)},
    ]
    assert found.has(FINDING).tolist() == [True, False, True]
    assert len(keys(found, "SpanAttributes")) == 3
    assert found.column("SpanAttributes").type == given.column("SpanAttributes").type


def test_within_the_number_nothing_changes() -> None:
    """Neither a small batch nor one of many records with few keys."""
    given = spans(*({"a": "1", "b": str(at)} for at in range(50)))
    assert key_bounds(given, 2) is given
    empty = Batch.of(given.table.slice(0, 0))
    assert key_bounds(empty, 2) is empty


def test_what_stages_read_is_not_crowded_out() -> None:
    """However rare it is."""
    flood = [{f"k{at}": "1"} for at in (1, 1, 2, 2, 3, 3)]
    found = key_bounds(spans(*flood, {"audit.guard.outcome": "allow"}), 3)
    assert dict(found.column("SpanAttributes").to_pylist()[-1]) == {"audit.guard.outcome": "allow"}


def test_a_sender_cannot_take_the_name() -> None:
    """Its own value of that name stands among the others, and not in their place."""
    given = spans({OVERFLOW: "mine", "a": "1"}, {"a": "2", "b": "3"}, {"c": "4", "a": "5"})
    found = key_bounds(given, 3)
    first, *_ = (dict(row) for row in found.column("SpanAttributes").to_pylist())
    assert json.loads(first[OVERFLOW]) == {OVERFLOW: "mine"}
    assert found.has(FINDING).tolist()[0]


def test_every_map_is_bounded() -> None:
    """Of resources, types and extras, and of events and links within their lists."""
    names = [f"k{at}" for at in range(9)]
    rows = [
        {
            "ResourceAttributes": {name: "r"},
            "AttributeTypes": {name: "int"},
            "OtlpExtras": {name: "o"},
            "Events": [{"Name": "e1", "Attributes": {}}, {"Name": "e2", "Attributes": {name: "v"}}],
            "Links": [{"TraceId": "t", "Attributes": {name: "l"}}] if at else [],
        }
        for at, name in enumerate(names)
    ]
    given = batch(*rows)
    found = key_bounds(given, 4)
    for column in ("ResourceAttributes", "AttributeTypes", "OtlpExtras"):
        assert len(keys(found, column)) == 4
        assert _all(found.column(column)) == _all(given.column(column))
    for column in ("Events", "Links"):
        lists = found.column(column)
        before = given.column(column)
        assert len(set(lists.flatten().field("Attributes").keys.to_pylist())) == 4
        assert lists.type == before.type
        assert [len(row) for row in lists.to_pylist()] == [len(row) for row in before.to_pylist()]
        assert _all(lists.flatten().field("Attributes")) == _all(
            before.flatten().field("Attributes")
        )
        names = [event.get("Name") for row in lists.to_pylist() for event in row]
        assert names == [event.get("Name") for row in before.to_pylist() for event in row]
    assert found.has(FINDING).tolist() == [False] * 3 + [True] * 6


def _all(column: pa.MapArray) -> list[dict[str, object]]:
    """Each row's values by their own keys."""
    rows = []
    for row in column.to_pylist():
        whole = dict(row)
        rows.append(whole | json.loads(whole.pop(OVERFLOW, "{}")))
    return [{key: value for key, value in row.items() if key != OVERFLOW} for row in rows]
