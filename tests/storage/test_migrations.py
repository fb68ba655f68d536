"""The schema comes up to date once, and data and older versions survive it."""

import re
from collections.abc import Callable
from dataclasses import dataclass

import pyarrow as pa
import pytest

from auditspan.storage import columns, migrations
from auditspan.storage.engine import Engine
from auditspan.storage.errors import SchemaMismatch
from auditspan.storage.migrations import Migration, applied, known, migrate
from auditspan.storage.render import Target, statements
from auditspan.storage.views import all_views, synchronise
from auditspan.storage.writer import write

BatchOf = Callable[..., pa.Table]
_VIEWS = {
    "audit",
    "audit_chain",
    "audit_conversations",
    "audit_duplicates",
    "audit_repeats",
    "audit_reviewed",
    "audit_stored",
    "otel_traces",
    "otel_traces_trace_id_ts",
}


@dataclass(frozen=True, slots=True)
class _Alias:
    name: str
    type: str
    expression: str
    kind: str = "alias"
    attribute: str = ""
    asserted_by: str = "client"
    group: str = "maps"
    content: bool = True
    shown: str = ""


def test_migrations_are_numbered_without_gaps() -> None:
    """A number tells the order and belongs to one file."""
    assert [migration.number for migration in known()] == list(range(1, len(known()) + 1))


def test_each_is_applied_once_and_recorded(store: Engine) -> None:
    """The second run has nothing to do."""
    assert migrate(store) == tuple(m.number for m in known())
    assert migrate(store) == ()
    assert applied(store) == {m.number: m.checksum for m in known()}


def test_a_crash_half_way_is_repaired_by_the_next_run(store: Engine) -> None:
    """Statements can be run again, so that what was done already is no error."""
    target = Target.of(store)
    for statement in statements(known()[1].text, target)[:3]:
        store.command(statement)
    assert migrate(store) == tuple(m.number for m in known())


def test_an_edited_migration_is_refused(migrated: Engine) -> None:
    """The store would not be what the text says."""
    migrated.command("ALTER TABLE schema_migrations DELETE WHERE Number = 1")
    migrated.command(
        "INSERT INTO schema_migrations (Number, Name, Checksum) VALUES (1, 'records', 'other')"
    )
    with pytest.raises(SchemaMismatch, match="migration 1"):
        migrate(migrated)


def _with_a_newer_one(monkeypatch: pytest.MonkeyPatch) -> Migration:
    newest = known()[-1].number + 1
    text = "ALTER TABLE {both audit_records} ADD COLUMN IF NOT EXISTS Fresh String DEFAULT 'x';\n"
    migration = Migration(newest, "fresh", text)
    ours = (*known(), migration)
    monkeypatch.setattr(migrations, "known", lambda: ours)
    return migration


def test_rows_survive_a_newer_migration_and_an_older_writer_goes_on(
    migrated: Engine, batch: BatchOf, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Migrations only add, so a version that knows nothing of them reads and writes as before."""
    write(migrated, batch(3, "i-1-1"), "i-1-1")
    with monkeypatch.context() as newer:
        migration = _with_a_newer_one(newer)
        assert migrate(migrated) == (migration.number,)
    assert migrate(migrated) == ()
    assert write(migrated, batch(4, "i-1-2"), "i-1-2").rows == 4
    assert migrated.raw("SELECT count(), any(Fresh) FROM audit_records") == b"7\tx\n"


def test_rows_of_before_a_change_of_storage_merge_with_later_ones(
    store: Engine, batch: BatchOf, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Migration 13 stores texts in another form; parts of both become one, with the same rows."""
    ours = known()
    with monkeypatch.context() as patched:
        patched.setattr(migrations, "known", lambda: ours[:12])
        migrate(store)
        write(store, batch(50, "i-1-1"), "i-1-1")
    rows = "SELECT * FROM audit_records WHERE BatchId = 'i-1-1' ORDER BY RecordId"
    before = store.raw(rows, "RowBinary")
    assert migrate(store) == tuple(migration.number for migration in ours[12:])
    write(store, batch(50, "i-1-2"), "i-1-2")
    store.command("OPTIMIZE TABLE audit_records FINAL")
    parts = "SELECT count(), sum(rows) FROM system.parts WHERE table = 'audit_records' AND active"
    assert store.raw(parts) == b"1\t100\n"
    assert store.raw(rows, "RowBinary") == before != b""


def test_an_older_version_leaves_a_newer_versions_views(
    migrated: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    """They may name columns that the older one does not know."""
    with monkeypatch.context() as newer:
        _with_a_newer_one(newer)
        migrate(migrated)
        migrated.command("CREATE OR REPLACE VIEW audit AS SELECT Fresh FROM audit_records")
    migrated.command("ALTER TABLE schema_migrations DELETE WHERE Number = 0")
    migrate(migrated)
    assert migrated.raw("DESCRIBE audit").startswith(b"Fresh\t")


def test_alias_columns_follow_the_registry(migrated: Engine, batch: BatchOf) -> None:
    """They come, they change, and they read from the maps of rows that were there before."""
    write(migrated, batch(1, "i-1-1", SpanAttributes=[[("audit.ticket.id", "T-1")]]), "i-1-1")
    fresh = [*columns.of_registry(), _Alias("Fresh", "String", "SpanAttributes['audit.ticket.id']")]
    assert synchronise(migrated, fresh)
    assert migrated.raw("SELECT Fresh FROM audit") == b"T-1\n"
    assert not synchronise(migrated, fresh)
    changed = [*columns.of_registry(), _Alias("Fresh", "String", "upper('t')")]
    assert synchronise(migrated, changed)
    assert migrated.raw("SELECT Fresh FROM audit_records") == b"T\n"
    assert migrated.raw("SELECT Fresh FROM auditspan_investigator.audit") == b"T\n"


def test_the_views_are_there(migrated: Engine) -> None:
    """And every one can be read."""
    sql = "SELECT name FROM system.tables WHERE database = currentDatabase() AND engine = 'View'"
    assert set(migrated.raw(sql).decode().split()) == _VIEWS
    for view in _VIEWS:
        migrated.raw(f"SELECT * FROM {view}")


def test_otel_traces_has_the_exporters_columns(migrated: Engine) -> None:
    """Names and order of the OpenTelemetry Collector's exporter; times say their zone."""
    sql = "SELECT name, type FROM system.columns WHERE database = currentDatabase() "
    sql += "AND table = 'otel_traces' ORDER BY position"
    rows = migrated.arrow(sql).to_pylist()
    text_map = "Map(LowCardinality(String), String)"
    time = "DateTime64(9, 'UTC')"
    assert {row["name"]: row["type"] for row in rows} == {
        "Timestamp": time,
        "TraceId": "String",
        "SpanId": "String",
        "ParentSpanId": "String",
        "TraceState": "String",
        "SpanName": "LowCardinality(String)",
        "SpanKind": "LowCardinality(String)",
        "ServiceName": "LowCardinality(String)",
        "ResourceAttributes": text_map,
        "ScopeName": "String",
        "ScopeVersion": "String",
        "SpanAttributes": text_map,
        "Duration": "UInt64",
        "StatusCode": "LowCardinality(String)",
        "StatusMessage": "String",
        "Events.Timestamp": f"Array({time})",
        "Events.Name": "Array(LowCardinality(String))",
        "Events.Attributes": f"Array({text_map})",
        "Links.TraceId": "Array(String)",
        "Links.SpanId": "Array(String)",
        "Links.TraceState": "Array(String)",
        "Links.Attributes": f"Array({text_map})",
    }


def test_a_foreign_span_is_completed_by_its_trace(migrated: Engine, batch: BatchOf) -> None:
    """In the view and marked derived; the row itself stays as it came."""
    rows = batch(
        3,
        "i-1-1",
        AgentId=["", "booking", ""],
        AgentProvenance=["", "verified", ""],
        UserId=["", "u1", ""],
        UserProvenance=["", "verified", ""],
        TraceId=["t1", "t1", "t2"],
    )
    write(migrated, rows, "i-1-1")
    sql = "SELECT AgentId, AgentProvenance, UserId, UserProvenance, Completed FROM audit_chain "
    got = migrated.raw(sql + "ORDER BY RecordId")
    assert got.decode().split("\n")[:3] == [
        "booking\tderived\tu1\tderived\t1",
        "booking\tverified\tu1\tverified\t0",
        "\t\t\t\t0",
    ]
    assert migrated.raw("SELECT countIf(AgentId = '') FROM audit_records") == b"2\n"


def test_repeated_spans_are_told_by_content(migrated: Engine, batch: BatchOf) -> None:
    """The same span twice, and one span id with two contents."""
    rows = batch(4, "i-1-1", SpanId=["a", "a", "b", "b"], SpanName=["x", "x", "x", "y"])
    write(migrated, rows, "i-1-1")
    sql = "SELECT SpanId, Records, Contents FROM audit_repeats ORDER BY SpanId"
    assert migrated.raw(sql) == b"a\t2\t1\nb\t2\t2\n"


def test_no_erasable_column_stands_in_a_key(migrated: Engine) -> None:
    """A mutation of a key column is refused, so such a column could never be erased."""
    sql = (
        "SELECT name FROM system.columns WHERE table = 'audit_records' "
        "AND database = currentDatabase() AND (is_in_sorting_key OR is_in_partition_key)"
    )
    keys = set(migrated.raw(sql).decode().split())
    assert keys == {"AgentId", "Timestamp", "TraceId", "ReceivedAt", "RetentionClass"}


def test_parts_are_on_disk_before_their_sources_go(migrated: Engine) -> None:
    """Every table of ours has the settings that ClickHouse leaves out by default."""
    sql = (
        "SELECT name, engine_full FROM system.tables "
        "WHERE database = currentDatabase() AND engine LIKE '%MergeTree'"
    )
    for row in migrated.arrow(sql).to_pylist():
        for setting in (
            "fsync_after_insert = 1",
            "fsync_part_directory = 1",
            "min_rows_to_fsync_after_merge = 1",
            "old_parts_lifetime = 480",
        ):
            assert setting in row["engine_full"], row["name"]


def test_a_cluster_gets_replicated_tables_behind_distributed_ones() -> None:
    """The same text, rendered for a cluster."""
    target = Target("auditspan", "prod")
    text = "CREATE TABLE IF NOT EXISTS {local t} (n UInt8) ENGINE = {engine} ORDER BY n;\n"
    text += "ALTER TABLE {both t} ADD COLUMN IF NOT EXISTS m UInt8;\n"
    assert statements(text, target) == [
        "CREATE TABLE IF NOT EXISTS t_local ON CLUSTER `prod` (n UInt8) "
        "ENGINE = ReplicatedMergeTree ORDER BY n",
        "CREATE TABLE IF NOT EXISTS t ON CLUSTER `prod` AS t_local "
        "ENGINE = Distributed(`prod`, auditspan, t_local, rand())",
        "ALTER TABLE t_local ON CLUSTER `prod` ADD COLUMN IF NOT EXISTS m UInt8",
        "ALTER TABLE t ON CLUSTER `prod` ADD COLUMN IF NOT EXISTS m UInt8",
    ]
    assert target.table("audit_records") == "audit_records_local"


@pytest.mark.parametrize("cluster", ["", "prod"])
def test_every_statement_of_ours_parses(store: Engine, cluster: str) -> None:
    """Also those that an embedded engine cannot run: for clusters."""
    target = Target("auditspan", cluster)
    texts = [s for migration in known() for s in statements(migration.text, target)]
    texts += [s for text in all_views(target) for s in statements(text, target)]
    for statement in texts:
        assert not re.search(r"\{[a-z]", statement)
        store.raw("SELECT formatQuery({q:String})", params={"q": statement})
    assert any("GLOBAL LEFT JOIN" in statement for statement in texts) == bool(cluster)


def test_the_table_has_the_registrys_physical_columns(migrated: Engine) -> None:
    """Names, order and types; a registry with another one needs a migration."""
    registered = [c for c in columns.of_registry() if c.kind == "physical"]
    if not registered:
        pytest.skip("the registry has no columns yet")
    sql = (
        "SELECT name, type FROM system.columns WHERE table = 'audit_records' "
        "AND database = currentDatabase() AND default_kind = '' ORDER BY position"
    )
    stored = [(row["name"], row["type"]) for row in migrated.arrow(sql).to_pylist()]
    assert stored[:4] == [(column.name, column.type) for column in registered[:4]]
    assert {name for name, _ in stored} == {column.name for column in registered}
