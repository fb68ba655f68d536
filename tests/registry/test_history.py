"""Which registry was in force when."""

import pytest

from auditspan.registry import History, Registry, Version


def registry(version: str) -> Registry:
    """A registry of which only the version matters."""
    return Registry({}, {}, (), {}, (), version, "")


HISTORY = History((Version(100, registry("one")), Version(200, registry("two"))))


def test_a_version_is_in_force_from_its_own_instant() -> None:
    """Before the first there is none; the instant itself belongs to the new version."""
    assert HISTORY.index([0, 99, 100, 199, 200, 10**19]) == [-1, -1, 0, 0, 1, 1]
    found = [HISTORY.at(ns) for ns in (99, 100, 200)]
    assert [one.version if one else None for one in found] == [None, "one", "two"]


def test_an_empty_history_has_nothing() -> None:
    """Without a registry every time is before the first."""
    assert History().at(5) is None
    assert History().index([5]) == [-1]


def test_a_version_goes_where_its_time_says() -> None:
    """Adding keeps the order, and of equal times the later one added wins."""
    grown = HISTORY.with_version(Version(150, registry("between")))
    assert grown.applied == (100, 150, 200)
    again = grown.with_version(Version(150, registry("again")))
    found = again.at(150)
    assert found is not None
    assert found.version == "again"


def test_disorder_is_refused() -> None:
    """A history out of order would answer wrongly."""
    with pytest.raises(ValueError, match="not in order"):
        History((HISTORY.versions[1], HISTORY.versions[0]))
