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
        ("SELECT max(COLUMNS('^RiskLevel$')) FROM audit", "audit_reviewed"),
        ("SELECT maxIf(COLUMNS('^RiskLevel$'), 1) FROM audit", "audit_reviewed"),
        ("SELECT count(* EXCEPT (AgentId)) FROM audit", "audit_reviewed"),
        ("SELECT count(*), COUNT(*) AS n, countIf(*, 1) FROM audit", "audit_stored"),
        ("SELECT AgentId FROM audit, (SELECT count(*) AS count) AS n", "audit_stored"),
        ("WITH tuple(*) AS t SELECT t FROM (SELECT t FROM audit)", "audit_reviewed"),
        ("WITH tuple(*) AS t, c AS (SELECT t FROM audit) SELECT t FROM c", "audit_reviewed"),
        ("WITH tuple(a.*) AS t SELECT t FROM audit AS a UNION ALL SELECT t", "audit_reviewed"),
        ("SELECT toString(tuple(*)) AS t, (SELECT max(t) FROM audit)", "audit_reviewed"),
        ("SELECT AgentId FROM audit_chain", "audit_chain"),
    ],
)
def test_the_view_that_is_read(store: Engine, sql: str, view: str) -> None:
    """By every name in the statement, wherever it stands; `*` takes the columns of reviews too."""
    made = prepared(store, Statement(sql))
    assert f'"auditspan_reader"."{view}" AS ' in made.sql
    assert made.tables in (("audit",), ("audit_chain",))


def test_what_columns_without_names_give(store: Engine) -> None:
    """A pattern finds computed columns in an aggregate, and from a WITH around the relation."""
    for sql, line in (
        ("SELECT max(COLUMNS('^RiskLevel$')) = '' FROM audit", b"1\n"),
        (
            "WITH tuple(COLUMNS('^Risk')) AS t SELECT n FROM (SELECT t AS n FROM audit)",
            b"('')\n" * 6,
        ),
    ):
        assert execute(store, Statement(sql)).body == line


@pytest.mark.parametrize(
    "sql",
    [
        "SELECT (SELECT count() FROM audit AS a WHERE audit.Severity > 6) FROM audit",
        "SELECT audit.Severity FROM audit AS a WHERE 6 IN (SELECT count() FROM audit)",
        "SELECT (SELECT max(audit_stored.Severity) FROM audit) FROM audit_stored",
    ],
)
def test_a_relation_is_known_by_its_own_name(store: Engine, sql: str) -> None:
    """Beside its alias, to columns of its own query before those of one around it."""
    plain = sql.replace("FROM audit", "FROM auditspan_reader.audit")
    assert execute(store, Statement(sql)).body == store.raw(plain, "TabSeparated")


_OWN = "(SELECT AgentId, 'x' AS own FROM audit) AS audit_reviewed"


@pytest.mark.parametrize(
    "sql",
    [
        f"SELECT a.ReviewedBy, audit_reviewed.own FROM audit AS a CROSS JOIN {_OWN}",
        f"SELECT a.*, audit_reviewed.* FROM audit AS a JOIN {_OWN} USING (AgentId)",
        f"SELECT ReviewedBy FROM {_OWN} JOIN audit ON audit.AgentId = audit_reviewed.AgentId",
        "SELECT ReviewedBy, audit_reviewed.Owner FROM audit JOIN agents AS audit_reviewed "
        "ON audit_reviewed.AgentId = audit.AgentId WHERE audit.Severity > 0",
        "SELECT own, (SELECT count() FROM audit WHERE ReviewedBy != audit_reviewed.own) "
        f"FROM {_OWN}",
    ],
)
def test_a_relation_of_the_reader_may_have_the_name_of_a_view(store: Engine, sql: str) -> None:
    """Of one that is read for `audit` and was not named: it is another one to the reader."""
    other = execute(store, Statement(sql.replace("audit_reviewed", "other")))
    assert execute(store, Statement(sql)).body == other.body
    assert prepared(store, Statement(sql)).tables[0] == "audit"


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
