"""Hours, weekdays and business hours."""

from datetime import UTC, datetime, time

import pytest

from auditspan.policy import Calendar
from auditspan.policy.calendar import Moment


def ns(text: str) -> int:
    """Unix nanoseconds of a time in UTC."""
    return int(datetime.fromisoformat(text).replace(tzinfo=UTC).timestamp()) * 10**9


@pytest.mark.parametrize(
    ("at", "expected"),
    [
        ("2026-01-05T08:59:59", Moment(8, "monday", False)),
        ("2026-01-05T09:00:00", Moment(9, "monday", True)),
        ("2026-01-05T16:59:59", Moment(16, "monday", True)),
        ("2026-01-05T17:00:00", Moment(17, "monday", False)),
        ("2026-01-10T12:00:00", Moment(12, "saturday", False)),
        ("1969-12-31T23:59:59", Moment(23, "wednesday", False)),
    ],
)
def test_utc_by_default(at: str, expected: Moment) -> None:
    """Monday to Friday, nine to five; the end is not inside."""
    assert Calendar().moment(ns(at)) == expected


def test_a_zone_with_its_summer_time() -> None:
    """Both sides of the change in Berlin."""
    berlin = Calendar("Europe/Berlin", time(8, 30), time(18), ("saturday", "sunday"))
    assert berlin.moment(ns("2026-03-28T07:30:00")) == Moment(8, "saturday", True)
    assert berlin.moment(ns("2026-03-29T06:30:00")) == Moment(8, "sunday", True)
    assert berlin.moment(ns("2026-03-29T06:29:59")) == Moment(8, "sunday", False)


@pytest.mark.parametrize("zone", ["Mars/Olympus", "", "../etc/passwd", "/etc/passwd"])
def test_unknown_zones_are_refused(zone: str) -> None:
    """The message says what is expected."""
    with pytest.raises(ValueError, match="expected an IANA name"):
        Calendar(zone)


def test_unknown_days_are_refused() -> None:
    """Days are spelled in English and lower case."""
    with pytest.raises(ValueError, match=r"days has \['Montag'\]"):
        Calendar(days=("Montag",))
