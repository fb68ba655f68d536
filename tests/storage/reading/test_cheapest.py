"""A statement on `audit` runs on the view with the fewest columns that has all it names."""

import re

import pytest

from auditspan.storage.engine import Engine
from auditspan.storage.query import Statement, execute, prepared
from auditspan.storage.role_views import ACCESSES, REVIEW_COLUMNS, Access, audit_columns

_COMPUTED = "DelegationId"
"""Computed, and rare enough not to stand in `audit_stored`."""


@pytest.mark.parametrize(
    ("sql", "view"),
    [
        ("SELECT count() FROM audit", "audit_stored"),
        ("SELECT AgentId, ApprovalId FROM audit AS a WHERE a.ToolName = 'x'", "audit_stored"),
        (f"SELECT {_COMPUTED} FROM audit", "audit"),
        (f"SELECT AgentId FROM audit ORDER BY length({_COMPUTED})", "audit"),
        (f"SELECT {_COMPUTED}.size FROM audit", "audit"),
        (f"SELECT count() FROM audit AS a JOIN audit AS b USING ({_COMPUTED})", "audit"),
        (f"WITH c AS (SELECT 1 AS n) SELECT n FROM c, audit WHERE {_COMPUTED} = ''", "audit"),
        ("SELECT ReviewedBy FROM audit", "audit_reviewed"),
        ("SELECT * FROM audit", "audit_reviewed"),
        ("SELECT COLUMNS('Delegation') FROM audit", "audit_reviewed"),
        ("SELECT AgentId FROM audit_chain", "audit_chain"),
    ],
)
def test_the_view_that_is_read(store: Engine, sql: str, view: str) -> None:
    """By every name in the statement, wherever it stands; `*` takes the columns of reviews too."""
    made = prepared(store, Statement(sql))
    assert f'"auditspan_reader"."{view}" AS ' in made.sql
    assert made.tables in (("audit",), ("audit_chain",))


@pytest.mark.parametrize("access", ACCESSES)
def test_the_view_has_the_column(store: Engine, access: Access) -> None:
    """Each alone, whichever view has it, and all of them together."""
    columns = (*audit_columns(access), *REVIEW_COLUMNS)
    for column in columns:
        made = prepared(store, Statement(f"SELECT `{column}` FROM audit"), access)
        assert column in _columns(store, f"auditspan_{access}", made.sql), column
    named = ", ".join(f"`{column}`" for column in columns)
    answer = execute(store, Statement(f"SELECT {named} FROM audit", "JSONEachRow"), access=access)
    assert answer.body.count(b"\n") == 6


def _columns(store: Engine, database: str, sql: str) -> set[str]:
    """Of the one view that a statement reads."""
    view = re.findall(f'"{database}"."(\\w+)"', sql)
    assert len(view) == 1
    found = store.raw(
        "SELECT name FROM system.columns "
        "WHERE database = {database:String} AND table = {view:String}",
        "TSVRaw",
        {"database": database, "view": view[0]},
    )
    return set(found.decode().split())
