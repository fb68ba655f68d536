"""A record that no store could take is put aside; the others go on."""

import pyarrow as pa

from auditspan.collector.engine.large_records import fitting


def test_only_what_is_too_large_is_taken_out() -> None:
    """Order and content of the others stay."""
    table = pa.table({"a": ["x", "y" * 5_000, "z"], "b": [1, 2, 3]})
    small, large = fitting(table, limit=1_000)
    assert small.to_pylist() == [{"a": "x", "b": 1}, {"a": "z", "b": 3}]
    assert list(large) == [1] and large[1] > 5_000


def test_a_batch_within_the_limit_is_left_as_it_is() -> None:
    """No record is looked at."""
    table = pa.table({"a": ["x"]})
    assert fitting(table, 1_000) == (table, {})
