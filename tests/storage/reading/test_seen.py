"""A statement is checked once for a catalog."""

from dataclasses import replace

import pytest

from auditspan.storage.errors import StatementRefused
from auditspan.storage.reading.check import checked
from auditspan.storage.reading.seen import SeenStatements
from tests.storage.reading.test_check import CATALOG

SQL = "SELECT AgentId FROM audit WHERE UserId = {user:String}"


def test_the_second_time_is_the_first() -> None:
    """What was made is the same, and is what a check makes."""
    seen = SeenStatements()
    made = seen.checked(SQL, CATALOG)
    assert made == checked(SQL, CATALOG)
    assert seen.checked(SQL, replace(CATALOG)) is made


def test_another_catalog_is_another_check() -> None:
    """A view that is gone is not found in what was made before."""
    seen = SeenStatements()
    seen.checked(SQL, CATALOG)
    with pytest.raises(StatementRefused, match="there is no column"):
        seen.checked(SQL, replace(CATALOG, relations={}))
    assert seen.checked(SQL, CATALOG) == checked(SQL, CATALOG)


def test_a_role_does_not_get_what_was_made_for_another() -> None:
    """The views of each are its own."""
    seen = SeenStatements()
    seen.checked(SQL, CATALOG)
    database = "auditspan_investigator"
    other = replace(CATALOG, database=database, names=frozenset({"auditspan", database}))
    assert '"auditspan_investigator"."audit"' in seen.checked(SQL, other).sql


def test_a_refusal_is_one_each_time() -> None:
    """Nothing is kept of it."""
    seen = SeenStatements()
    for _ in range(2):
        with pytest.raises(StatementRefused, match="there is no column"):
            seen.checked("SELECT Nothing FROM audit", CATALOG)


def test_the_oldest_are_forgotten() -> None:
    """So are long ones; both are checked again."""
    seen = SeenStatements(most=2)
    first, second, third = (f"{SQL} LIMIT {number}" for number in (1, 2, 3))
    made = {sql: seen.checked(sql, CATALOG) for sql in (first, second)}
    assert seen.checked(first, CATALOG) is made[first]
    seen.checked(third, CATALOG)
    assert seen.checked(first, CATALOG) is made[first]
    assert seen.checked(second, CATALOG) is not made[second]
    long = SQL + " " * 20_000
    assert seen.checked(long, CATALOG) is not seen.checked(long, CATALOG)
