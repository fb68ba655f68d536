"""What the gate makes of a statement, and what it says of it."""

import pytest

from auditspan.storage.errors import StatementRefused
from auditspan.storage.reading.catalog import Catalog, Functions
from auditspan.storage.reading.check import checked

CATALOG = Catalog(
    "auditspan",
    "auditspan_reader",
    frozenset({"auditspan", "default", "auditspan_reader"}),
    {
        "audit": frozenset({"AgentId", "UserId", "Findings", "Events.Name", "Attributes"}),
        "audit_reviewed": frozenset({"AgentId", "UserId", "ReviewedBy"}),
        "agents": frozenset({"AgentId", "File"}),
        "system_settings": frozenset({"name", "value"}),
    },
    Functions(frozenset({"file", "hostName"}), frozenset({"hostname"})),
)
AUDIT = '"auditspan_reader"."audit"'


@pytest.mark.parametrize(
    ("sql", "made"),
    [
        ("select AgentId from audit", f'SELECT AgentId FROM {AUDIT} AS "audit"'),
        ("SELECT r.UserId FROM auditspan.audit r", f"SELECT r.UserId FROM {AUDIT} AS r"),
        ("SELECT 1 FROM audit_records", f'SELECT 1 FROM {AUDIT} AS "audit_records"'),
        ("SELECT audit.UserId FROM default.audit", f'SELECT audit.UserId FROM {AUDIT} AS "audit"'),
        (
            "SELECT auditspan.audit.UserId FROM `auditspan`.`audit`",
            f'SELECT audit.UserId FROM {AUDIT} AS "audit"',
        ),
        (
            "SELECT name FROM system.settings",
            'SELECT name FROM "auditspan_reader"."system_settings" AS "settings"',
        ),
        (
            "SELECT system.settings.name FROM system.settings s "
            "JOIN auditspan.audit a ON auditspan.audit.UserId = system.settings.value",
            'SELECT "s".name FROM "auditspan_reader"."system_settings" AS s '
            f'JOIN {AUDIT} AS a ON "a".UserId = "s".value',
        ),
        (
            "WITH c AS (SELECT UserId FROM audit) SELECT 1 FROM audit WHERE UserId IN c",
            f'WITH c AS (SELECT UserId FROM {AUDIT} AS "audit") SELECT 1 FROM {AUDIT} AS "audit" '
            "WHERE UserId IN (SELECT * FROM c)",
        ),
        (
            "SELECT ReviewedBy FROM audit",
            'SELECT ReviewedBy FROM "auditspan_reader"."audit_reviewed" AS "audit"',
        ),
        ("SELECT 'it''s' /* x */, /* y */ \"Events.Name\" FROM audit", None),
        ("DESC audit", "DESCRIBE TABLE `auditspan_reader`.`audit_reviewed`"),
        ("DESC agents", "DESCRIBE TABLE `auditspan_reader`.`agents`"),
        ("EXISTS auditspan.agents", "EXISTS TABLE `auditspan_reader`.`agents`"),
        ("EXISTS TABLE system.processes", "SELECT 0 AS result"),
        ("SHOW DATABASES", "SELECT 'auditspan' AS name"),
    ],
)
def test_what_runs_is_our_own(sql: str, made: str | None) -> None:
    """Names mean the role's views, and the columns keep the names that they were asked by."""
    wanted = made or f'SELECT \'it\\\'s\', "Events.Name" FROM {AUDIT} AS "audit"'
    assert checked(sql, CATALOG).sql == wanted


def test_what_runs_comes_out_unchanged_a_second_time() -> None:
    """Our own statement is a statement that readers may send."""
    once = checked("SELECT AgentId, count() FROM audit WHERE UserId = 'a' GROUP BY ALL", CATALOG)
    assert checked(once.sql, CATALOG).sql == once.sql


def test_format_and_settings_are_taken_off() -> None:
    """In either order, with or without a semicolon."""
    for sql in (
        "SELECT 1 FORMAT json SETTINGS max_threads = 1, extremes = true;",
        "SELECT 1 SETTINGS max_threads = 1, extremes = true FORMAT JSON ; ;",
    ):
        made = checked(sql, CATALOG)
        assert (made.sql, made.format) == ("SELECT 1", "JSON")
        assert made.settings == {"max_threads": "1", "extremes": "1"}


def test_it_says_what_is_read() -> None:
    """Views, columns, and values that are looked for, for the access log."""
    made = checked(
        "SELECT AgentId FROM audit AS a JOIN agents AS g USING (AgentId) WHERE a.UserId = 'alice' "
        "AND AgentId IN ('x', 'y') AND has(Findings, 'late') AND 'bob' = UserId "
        "AND Attributes['user.id'] = {u:String}",
        CATALOG,
    )
    assert made.kind == "select"
    assert made.tables == ("audit", "agents")
    assert set(made.columns) == {"AgentId", "UserId", "Findings", "Attributes"}
    found = {column: sorted(values) for column, values in made.literals.items()}
    assert found == {"UserId": ["alice", "bob"], "AgentId": ["x", "y"], "Findings": ["late"]}
    assert made.bound == {"Attributes['user.id']": ("u",)}
    assert made.params == {"u": "String"}


def test_all_columns_are_said_to_be_all() -> None:
    """`*` of a view, however it is written; not of a sub-select, and not `count(*)`."""
    for sql in (
        "SELECT * FROM audit",
        "SELECT a.* FROM audit AS a",
        "SELECT COLUMNS('a') FROM audit",
    ):
        assert "*" in checked(sql, CATALOG).columns
    for sql in ("SELECT count(*) FROM audit", "SELECT * FROM (SELECT UserId FROM audit)"):
        assert "*" not in checked(sql, CATALOG).columns


def test_a_probe_reads_no_view() -> None:
    """What clients ask before they ask anything."""
    assert checked("SELECT version(), timezone()", CATALOG).kind == "probe"
    assert checked("SHOW TABLES", CATALOG).kind == "probe"
    assert checked("DESCRIBE audit", CATALOG).kind == "describe"
    assert checked("EXISTS nothing", CATALOG).kind == "exists"


def test_a_filter_of_a_dashboard_becomes_a_condition() -> None:
    """Checked like any other, in place of a setting whose text the engine would parse."""
    made = checked(
        "SELECT count() FROM audit SETTINGS additional_table_filters={'audit':'UserId = \\'a\\''}",
        CATALOG,
    )
    assert made.sql == (
        'SELECT count() FROM (SELECT * FROM "auditspan_reader"."audit_reviewed" AS "audit" '
        "WHERE UserId = 'a') AS audit"
    )
    assert len(made.compared) == 2


@pytest.mark.parametrize(
    ("sql", "code", "words"),
    [
        ("", 62, "empty"),
        ("DROP TABLE audit", 164, "begins with drop"),
        ("SELECT 1; SELECT 2", 164, "more than one statement"),
        ("SELECT FROM WHERE", 62, "syntax"),
        ("SELECT 1 FROM nothing", 60, "no table 'nothing'"),
        ("SELECT 1 FROM agnts", 60, "did you mean agents"),
        ("SELECT 1 FROM other.audit", 81, "no database 'other'"),
        ("SELECT 1 FROM system.processes", 60, "no table 'system.processes'"),
        (
            "SELECT auditspan.audit.UserId FROM auditspan.audit a "
            "JOIN auditspan.audit b ON a.UserId = b.UserId",
            47,
            "no column 'audit'",
        ),
        ("SELECT AgntId FROM audit", 47, "did you mean AgentId"),
        ("SELECT file('x')", 497, r"file\(\) is not for readers"),
        ("SELECT HOSTNAME()", 497, r"HOSTNAME\(\) is not for readers"),
        ("SELECT uper('x')", 46, "did you mean upper"),
        ("SELECT 1 FROM url('x')", 497, "reaches outside the store"),
        ("SELECT CAST(1, 'Object')", 50, "no type"),
        ("SELECT 1 FORMAT Template", 73, "no format 'Template'"),
        ("SELECT 1 FORMAT JSN", 73, "did you mean JSON"),
        ("SELECT * FROM audit FINAL", 164, "FINAL"),
        ("SELECT 1 FROM audit PREWHERE 1", 164, "write WHERE"),
        ("SELECT 1 IN agents", 164, "a sub-select or a name of WITH"),
        ("SELECT {x:Identifier}", 164, "of a value"),
        ("WITH agents AS (SELECT 1) SELECT 1", 164, "name of a view"),
        ("SELECT 1 AS 'x'", 62, "double quotes"),
    ],
)
def test_a_refusal_says_why(sql: str, code: int, words: str) -> None:
    """With the code that clients know, and what to write instead where there is something."""
    with pytest.raises(StatementRefused, match=words) as refusal:
        checked(sql, CATALOG)
    assert refusal.value.code == code


@pytest.mark.parametrize(
    "sql",
    [
        "SELECT arrayMap(file, ['x'])",
        "SELECT arrayMap(hostName, ['x'])",
        "SELECT arrayMap(HOSTNAME, ['x'])",
        "SELECT arrayMap(file, ['x']), 1 AS file",
        "SELECT arrayMap(file, ['x']), arrayMap(file -> 1, [1])",
        "SELECT 1 FROM (SELECT 1 AS file) WHERE arrayMap(file, ['x']) = ['y']",
        "SELECT arrayMap(`file`, ['x'])",
    ],
)
def test_the_name_of_a_function_is_no_value(sql: str) -> None:
    """The engine takes it for the function, whatever else has that name elsewhere."""
    with pytest.raises(StatementRefused, match="names a function"):
        checked(sql, CATALOG)


def test_a_column_with_the_name_of_a_function_is_named_with_its_table() -> None:
    """`agents.File` cannot be a function; nor can `File`, which differs in case from `file`."""
    catalog = Catalog(
        "a", "a_reader", frozenset({"a", "a_reader"}), {"t": frozenset({"file"})}, CATALOG.refused
    )
    with pytest.raises(StatementRefused, match="write its table before it"):
        checked("SELECT file FROM t", catalog)
    assert checked("SELECT t.file FROM t", catalog).columns == ("file",)
    assert checked("SELECT File FROM agents", CATALOG).columns == ("File",)
