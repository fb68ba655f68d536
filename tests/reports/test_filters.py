"""Filters become conditions whose values travel as parameters only."""

import pytest

from auditspan.reports.errors import BadFilter
from auditspan.reports.filters import NAMES, where
from auditspan.reports.period import Period


def test_a_value_never_becomes_sql() -> None:
    """Whatever is searched for, the statement stays the same."""
    hostile = "x'; DROP TABLE audit_records --"
    plain, attack = where({"agent": "a"}, Period()), where({"agent": hostile}, Period())
    assert plain.sql == attack.sql
    assert attack.params["agent"] == [hostile]


def test_several_values_are_alternatives() -> None:
    """A list of values stays one parameter."""
    assert where({"tool": ["a", "b"]}, Period()).params["tool"] == ["a", "b"]


def test_an_absent_filter_adds_nothing() -> None:
    """None, an empty text and an empty list mean: not asked."""
    nothing = where({"agent": None, "tool": "", "user": []}, Period())
    assert nothing.sql == where({}, Period()).sql


def test_an_unknown_filter_names_the_nearest() -> None:
    """A slip of the keyboard is told what was meant."""
    with pytest.raises(BadFilter, match="did you mean 'agent'"):
        where({"agnet": "x"}, Period())


@pytest.mark.parametrize("value", ["0", "11", "high", "-1", "5.5"])
def test_a_severity_out_of_range_is_refused(value: str) -> None:
    """Severity is 1 to 10 and nothing else."""
    with pytest.raises(BadFilter, match="from 1 to 10"):
        where({"severity": value}, Period())


def test_every_filter_uses_its_own_parameter() -> None:
    """A condition without its parameter would filter nothing."""
    for name in NAMES:
        value = "5" if name == "severity" else "x"
        condition = where({name: value}, Period())
        assert "{" + name + ":" in condition.sql and name in condition.params


def test_a_target_is_looked_for_by_its_ids() -> None:
    """A text may be an id or a type before it, and either may hold colons."""
    asked = where({"target": ["R7", "db:main:orders"]}, Period()).params
    assert asked["target"] == ["R7", "db:main:orders"]
    assert asked["target_ids"] == ["R7", "db:main:orders", "main:orders", "orders"]
