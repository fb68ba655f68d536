"""What a reader and an investigator may ask."""

from pathlib import Path

import pytest

from auditspan.storage import migrations
from auditspan.storage.config import StoreConfig
from auditspan.storage.engine import Engine, open_engine
from auditspan.storage.migrations import known, migrate
from auditspan.storage.reading.allowed import lists
from auditspan.storage.role_views import (
    ACCESSES,
    CAPPED,
    Access,
    audit_columns,
    role_database,
)
from auditspan.storage.views import synchronise

_NAMES = {
    "audit",
    "audit_chain",
    "audit_conversations",
    "audit_duplicates",
    "audit_repeats",
    "audit_reviewed",
    "audit_stored",
    "otel_traces",
    "otel_traces_trace_id_ts",
    "agents",
    "tools",
    "grants",
    "registry_versions",
    "policy_versions",
    "detections",
    "reviews",
    "recertifications",
    "audit_seals",
    "audit_checkpoints",
    "erasures",
    "early_expiries",
    "dead_letters",
    "dead_letter_ends",
}


@pytest.mark.parametrize("access", ACCESSES)
def test_a_role_has_its_views(migrated: Engine, access: Access) -> None:
    """The same names for both, but only an investigator sees who read what."""
    database = role_database("auditspan", access)
    sql = "SELECT name FROM system.tables WHERE database = {d:String}"
    names = set(migrated.raw(sql, params={"d": database}).decode().split())
    assert names - {n for n in names if n.startswith("system_")} == _NAMES | (
        {"access_log"} if access == "investigator" else set()
    )
    for name in names:
        migrated.raw(f"SELECT * FROM {database}.{name}")


def test_a_reader_sees_no_content_and_nobody_salts() -> None:
    """The columns of `audit`."""
    reader, investigator = audit_columns("reader"), audit_columns("investigator")
    assert set(reader) < set(investigator)
    assert {"ToolArguments", "ToolResult", "SpanAttributes"} <= set(investigator) - set(reader)
    assert not {"RecordSalt", "GroupSalts", "Redacted"} & set(investigator)


def _asked(engine: Engine, access: Access, sql: str) -> list[str]:
    """What a client's question about the schema gives, from the role's views."""
    views = sql.replace("system.", f"{role_database('auditspan', access)}.system_")
    return engine.raw(views, "TSVRaw").decode().splitlines()


# As clickhouse-connect 1.12, Grafana's plugin 4.20, DBeaver and ClickHouse's JDBC drivers ask.
_QUESTIONS = (
    "SELECT name, value, readonly FROM system.settings LIMIT 10000",
    "SELECT name FROM system.databases ORDER BY name",
    "SELECT name FROM system.tables WHERE database = 'auditspan' ORDER BY name",
    "SELECT name, type, table FROM system.columns",
    "SELECT name, type, table FROM system.columns WHERE database = 'auditspan' AND table = 'audit'",
    "SELECT name, is_aggregate, case_insensitive, alias_to, origin, description, syntax, arguments,"
    " returned_value, examples, categories FROM system.functions LIMIT 10000",
    "SELECT name as TABLE_NAME, engine as TABLE_TYPE, database as TABLE_SCHEM, comment as REMARKS,"
    " * FROM system.tables WHERE database = 'auditspan' and name = 'audit'",
    "SELECT t.database, t.name, if(t.is_temporary = 1, concat('Temporary', t.engine), t.engine),"
    " t.comment, d.engine FROM system.tables AS t JOIN system.databases AS d ON t.database = d.name"
    " WHERE t.database LIKE '%' AND t.name LIKE '%'",
    "SELECT database, table, name, type, numeric_scale, numeric_precision_radix, comment,"
    " default_expression, character_octet_length, position FROM system.columns"
    " WHERE database LIKE '%' AND table LIKE 'audit' ORDER BY position",
    "SELECT name, case_insensitive, alias_to FROM system.data_type_families",
    "SELECT name, engine FROM system.tables WHERE database = currentDatabase() AND name = 'audit'",
)
_EMPTY = (
    "SELECT database, name, primary_key FROM system.tables WHERE primary_key != ''",
    "SELECT table, sum(bytes_on_disk), sum(rows), max(modification_time) FROM system.parts "
    "WHERE active AND database = 'auditspan' GROUP BY table",
)


@pytest.mark.parametrize("access", ACCESSES)
def test_clients_get_answers_about_our_views_alone(migrated: Engine, access: Access) -> None:
    """What they ask to show a schema is answered; no base table, no path, no other database."""
    for sql in _QUESTIONS:
        assert _asked(migrated, access, sql), sql
    for sql in _EMPTY:
        assert not _asked(migrated, access, sql), sql
    for view in ("tables", "columns", "databases"):
        [database] = _asked(migrated, access, f"SELECT DISTINCT database FROM system.{view}")
        assert database == "auditspan"
        shown = "\n".join(_asked(migrated, access, f"SELECT * FROM system.{view}"))
        assert not [
            word for word in ("audit_records", "system_", "/store", "Salt") if word in shown
        ]
    named = set(_asked(migrated, access, "SELECT name FROM system.tables"))
    assert named == _NAMES | ({"access_log"} if access == "investigator" else set())


def test_settings_are_those_that_may_be_sent(migrated: Engine) -> None:
    """As ones that can be changed: clients drop, or refuse to send, what they read as fixed."""
    rows = _asked(migrated, "reader", "SELECT name, readonly FROM system.settings")
    assert set(rows) == {f"{name}\t0" for name in {*CAPPED, *lists().settings}}
    assert "max_result_rows\t0" in rows
    assert "allow_ddl\t0" not in rows


def test_a_store_of_an_earlier_version_gets_the_views(
    store: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With what it held, at the first start; a second start finds nothing to do."""
    first = known()[:2]
    with monkeypatch.context() as earlier:
        earlier.setattr(migrations, "known", lambda: first)
        earlier.setattr(migrations, "synchronise", lambda engine: False)
        migrate(store)
        store.command("CREATE VIEW audit AS SELECT RecordId FROM audit_records")
        store.command(
            "INSERT INTO audit_records (RecordId, RecordKind, SpanAttributes) "
            "SELECT toString(number), 'action', map('audit.ticket.id', 'T-1') FROM numbers(2)"
        )
    migrate(store)
    for access in ACCESSES:
        database = role_database("auditspan", access)
        sql = f"SELECT DISTINCT Ticket FROM {database}.audit"
        assert store.raw(sql) == b"T-1\n"
        assert store.raw(f"SELECT count() FROM {database}.otel_traces") == b"2\n"
    assert not synchronise(store)


def test_the_databases_follow_the_configured_name(tmp_path: Path) -> None:
    """Two stores in one server, or another name in a configuration, keep apart."""
    engine = open_engine(StoreConfig(path=tmp_path / "store", database="trail"))
    migrate(engine)
    assert engine.raw("SELECT count() FROM trail_reader.audit") == b"0\n"
    assert engine.raw("SELECT name FROM trail_reader.system_databases") == b"trail\n"
    assert engine.raw("EXISTS DATABASE auditspan_reader") == b"0\n"
    engine.close()
