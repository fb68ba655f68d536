"""Distinct combinations."""

import numpy as np
import pyarrow as pa

from auditspan.processors.combine import Coded, combine


def test_a_combination_is_found_once() -> None:
    """Joined back, every record has its own values again."""
    names = pa.array(["a", "b", "a", None, "a"])
    numbers = np.asarray([1, 1, 1, 2, -5])
    distinct = combine(Coded.of(names), Coded.of_numbers(numbers))
    assert sorted(distinct.rows, key=str) == [("a", -5), ("a", 1), ("b", 1), (None, 2)]
    back = [distinct.rows[code] for code in distinct.codes]
    assert back == list(zip(names.to_pylist(), numbers.tolist(), strict=True))


def test_many_wide_columns_do_not_overflow() -> None:
    """Eight columns of a thousand values would be 10^24 combinations."""
    size = 1000
    columns = [Coded(list(range(size)), np.arange(size)[::step]) for step in (1, -1) * 4]
    distinct = combine(*columns)
    assert len(distinct.rows) == size
    assert all(row == (row[0], size - 1 - row[0]) * 4 for row in distinct.rows)


def test_values_that_become_equal_are_one() -> None:
    """So that a combination over them stays distinct."""
    lengths = Coded.of(pa.array(["a", "bb", "c", "a"])).mapped(len)
    assert lengths.values == [1, 2]
    assert lengths.codes.tolist() == [0, 1, 0, 0]
    assert lengths.texts(["one", "two"]).to_pylist() == ["one", "two", "one", "one"]


def test_no_records_are_no_combinations() -> None:
    """An empty batch passes."""
    empty = Coded.of(pa.array([], pa.string()))
    assert combine(empty, empty.mapped(len)).rows == []
