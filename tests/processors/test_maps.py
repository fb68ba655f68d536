"""Map columns, against what a dict per row would say."""

import numpy as np
import pyarrow as pa
from hypothesis import given
from hypothesis import strategies as st

from auditspan.processors.maps import (
    MapView,
    build_map,
    drop_keys,
    map_value,
    map_values,
    merge_maps,
    rename_keys,
    replace_items,
)

TEXTS = pa.map_(pa.string(), pa.string())
ROWS = st.lists(st.one_of(st.none(), st.dictionaries(st.sampled_from("abcd"), st.text(max_size=4))))


def column(rows: list[dict[str, str] | None]) -> pa.MapArray:
    """A map column that is a slice of a longer one."""
    cells = [None if row is None else list(row.items()) for row in rows]
    return pa.array([[("a", "before")], *cells, [("b", "after")]], TEXTS).slice(1, len(rows))


def dicts(array: pa.MapArray) -> list[dict[str, str]]:
    """The rows as dicts; null is an empty one."""
    array.validate(full=True)
    return [dict(row or []) for row in array.to_pylist()]


@given(ROWS)
def test_values_of_a_key(rows: list[dict[str, str] | None]) -> None:
    """A key gives its value on each row that has it, and null elsewhere."""
    assert map_value(column(rows), "a").to_pylist() == [(row or {}).get("a") for row in rows]
    many = map_values(column(rows), ["b", "never"])
    assert many["b"].to_pylist() == [(row or {}).get("b") for row in rows]
    assert many["never"].to_pylist() == [None] * len(rows)


@given(ROWS)
def test_renamed_keys(rows: list[dict[str, str] | None]) -> None:
    """Only the named keys change, and no value moves."""
    expected = [{"z" if k == "a" else k: v for k, v in (row or {}).items()} for row in rows]
    assert dicts(rename_keys(column(rows), {"a": "z", "never": "y"})) == expected


@given(ROWS)
def test_dropped_keys(rows: list[dict[str, str] | None]) -> None:
    """Dropped keys are gone, the rest stays on its row."""
    expected = [{k: v for k, v in (row or {}).items() if k not in "ac"} for row in rows]
    assert dicts(drop_keys(column(rows), ["a", "c", "never"])) == expected


@given(ROWS)
def test_replaced_items(rows: list[dict[str, str] | None]) -> None:
    """Values at chosen entries change, the others do not."""
    view = MapView.of(column(rows))
    entries = view.entries("b")
    new = pa.array([f"new{n}" for n in range(len(entries))], pa.string())
    count = iter(range(len(entries)))
    expected = [
        {k: f"new{next(count)}" if k == "b" else v for k, v in (row or {}).items()} for row in rows
    ]
    assert dicts(replace_items(column(rows), entries, new)) == expected


@given(ROWS)
def test_a_map_built_from_columns_holds_what_is_not_null(rows: list[dict[str, str] | None]) -> None:
    """Taking a column apart by key and building it again gives the same rows."""
    values = map_values(column(rows), list("abcd"))
    assert dicts(build_map(values, len(rows))) == [row or {} for row in rows]


def test_a_map_built_from_nothing_is_empty() -> None:
    """Without values every row has an empty map."""
    assert dicts(build_map({}, 2)) == [{}, {}]


def test_keys_of_a_built_map_keep_their_order() -> None:
    """Each row lists its keys in the order in which they were given."""
    built = build_map({"z": pa.array(["1", None]), "a": pa.array(["2", "3"])}, 2)
    assert built.to_pylist() == [[("z", "1"), ("a", "2")], [("a", "3")]]


def test_numbers_become_text() -> None:
    """A value that is no text is spelled out."""
    assert dicts(build_map({"n": pa.array([7, None])}, 2)) == [{"n": "7"}, {}]


@given(ROWS)
def test_merged_maps(rows: list[dict[str, str] | None]) -> None:
    """Both columns' entries stand on the same row."""
    other = pa.array([[("x", str(n))] for n in range(len(rows))], TEXTS)
    merged = dicts(merge_maps(column(rows), other))
    assert merged == [{**(row or {}), "x": str(n)} for n, row in enumerate(rows)]


def test_rows_that_have_a_key() -> None:
    """An empty value counts as having the key."""
    view = MapView.of(column([{"a": ""}, {}, None]))
    assert view.has("a").tolist() == [True, False, False]
    assert view.has("never").dtype == np.bool_
