"""Periods are read as people write them, and refused when they cannot be."""

from datetime import UTC, datetime

import pytest

from auditspan.reports.errors import BadFilter
from auditspan.reports.period import EARLIEST, LATEST, moment, period

NOW = datetime(2026, 11, 25, 14, 30, tzinfo=UTC)  # a Wednesday


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("7d", datetime(2026, 11, 18, 14, 30, tzinfo=UTC)),
        ("90m", datetime(2026, 11, 25, 13, 0, tzinfo=UTC)),
        ("2026-11-01", datetime(2026, 11, 1, tzinfo=UTC)),
        ("2026-11-01T08:00:00+02:00", datetime(2026, 11, 1, 6, tzinfo=UTC)),
        ("2026-11-01T08:00:00Z", datetime(2026, 11, 1, 8, tzinfo=UTC)),
        ("today", datetime(2026, 11, 25, tzinfo=UTC)),
        ("yesterday", datetime(2026, 11, 24, tzinfo=UTC)),
        ("last-tuesday", datetime(2026, 11, 24, tzinfo=UTC)),
        ("last-wednesday", datetime(2026, 11, 18, tzinfo=UTC)),
        ("999999w", EARLIEST),
        ("99999w", EARLIEST),
        ("0001-01-01T00:00:00+14:00", EARLIEST),
        ("1900-01-01", EARLIEST),
        ("2500-01-01", LATEST),
        ("9999-12-31T23:59:59-14:00", LATEST),
    ],
)
def test_a_moment_is_read(text: str, expected: datetime) -> None:
    """Each form that the help text names gives the moment it says."""
    assert moment(text, NOW) == expected


@pytest.mark.parametrize("text", ["", "soon", "7", "2026-13-01", "last-sunnyday", "7y", "-7d"])
def test_what_is_no_time_is_refused(text: str) -> None:
    """The error shows what came and what is expected."""
    with pytest.raises(BadFilter, match="expected 2026-11-25"):
        moment(text, NOW)


def test_without_ends_a_period_is_everything() -> None:
    """No since and no until leave nothing out."""
    whole = period(None, None, NOW)
    assert (whole.since, whole.until) == (EARLIEST, LATEST)


def test_an_empty_period_is_refused() -> None:
    """A period that can hold nothing would answer every question with nothing."""
    with pytest.raises(BadFilter, match="is not before"):
        period("today", "yesterday", NOW)
