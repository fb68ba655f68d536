"""Times of a filter: what a new one may have, and what is told of others."""

import pytest

from auditspan.collector.control.errors import ControlInvalid
from auditspan.collector.control.filter_times import LAST, expect_times, nanoseconds

_END = "2262-04-11T23:47:16.854775807Z"
"""The last time that the store has."""


@pytest.mark.parametrize(
    ("since", "until"),
    [
        ("", ""),
        ("2026-10-01", "2026-10-01T00:00:00.000000001Z"),
        ("", "1970-01-01T00:00:00.000000001Z"),
        ("1600-01-01", "2026-10-01"),
        (_END, ""),
        ("", _END),
    ],
)
def test_times_of_the_store_may_be_named(since: str, until: str) -> None:
    """To the last nanosecond, and a beginning before all there is."""
    expect_times(since, until)
    assert nanoseconds(_END) == LAST


@pytest.mark.parametrize(
    ("since", "until", "says"),
    [
        ("2262-04-11T23:47:16.854775808Z", "", "since=2262.* no time after 2262"),
        ("", "9999-12-31", "until=9999-12-31: the store has no time after .* or leave until out"),
        ("2300-01-01", "2400-01-01", "since=2300-01-01: the store has no time"),
        ("2026-10-02", "2026-10-01", "since=2026-10-02 is not before until=2026-10-01"),
        ("2026-10-01", "2026-10-01T02:00:00+02:00", "no act can fit"),
        ("", "1970-01-01", "since=1970-01-01 is not before until=1970-01-01"),
        ("", "0001-01-01T00:00:00+14:00", "no act can fit"),
    ],
)
def test_what_fits_nothing_or_something_else_is_refused(since: str, until: str, says: str) -> None:
    """A hold of nothing would be taken for one that keeps, and one until 2400 for one that ends."""
    with pytest.raises(ControlInvalid, match=says):
        expect_times(since, until)
