"""What entries of a log say about records."""

import json

from hypothesis import given
from hypothesis import strategies as st

from auditspan.integrity.control_entry import Kind
from auditspan.reports.verification.bodies import Said

_RANGES = st.lists(
    st.tuples(st.sampled_from(["a", "b"]), st.integers(-3, 30), st.integers(-3, 30)), max_size=12
)


@given(st.lists(_RANGES, max_size=4))
def test_ranges_of_early_expiry(entries: list[list[tuple[str, int, int]]]) -> None:
    """Whatever their order, and whether they overlap: what is in one of them, and nothing else."""
    said = Said()
    for ranges in entries:
        parts = [{"log": log, "start": start, "end": end} for log, start, end in ranges]
        said.take(Kind.EARLY_EXPIRY, json.dumps({"expired": parts}))
    whole = [each for ranges in entries for each in ranges]
    for log in "abc":
        for index in range(35):
            expected = any(log == name and start <= index < end for name, start, end in whole)
            assert said.expired_early(log, index) == expected, (log, index, whole)


def test_bodies_that_say_nothing() -> None:
    """No JSON, or not of that shape."""
    said = Said()
    for body in ("", "[]", "{", '{"expired": 7}', '{"expired": [7, {}, {"log": "a"}]}'):
        said.take(Kind.EARLY_EXPIRY, body)
        said.take(Kind.ERASE, body)
    assert not said.expired_early("a", 0)
    assert said.erased("a", 0) == set()
