"""Roles of a ClickHouse server: what they may do, read from their statements and tried out.

The embedded engine has no roles, but its one user can be given a role's grants by a users file; so
what the rights on columns come to is tried in processes of their own, by ClickHouse's own checks.
"""

import json
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path

import pytest

from auditspan.semconv.columns import COLUMNS, GROUPS, UNSEALED
from auditspan.storage.engine import Engine, open_server
from auditspan.storage.errors import StatementRefused
from auditspan.storage.migrations import migrate
from auditspan.storage.render import Target
from auditspan.storage.role_views import ACCESSES, Access, role_database
from auditspan.storage.roles import ROLES, readable_columns, role_statements
from tests.migrated import migrated_store

_DENIED = 497
_RUN = """
import json, re, sys
from chdb.state.sqlitelike import Connection
store, config, statements = json.load(sys.stdin)
handle = Connection(f"{store}?config-file={config}")
codes = {}
for sql in statements:
    try:
        handle.query(sql, "TabSeparated")
        codes[sql] = 0
    except Exception as error:
        codes[sql] = int(re.search(r"Code: (\\d+)", str(error))[1])
print(json.dumps(codes))
"""
_CONFIG = '<clickhouse><users_config from_env="USERS"/></clickhouse>'
_USERS = """<clickhouse><profiles><default/></profiles><quotas><default/></quotas><users><default>
<no_password/><networks><ip>::/0</ip></networks><profile>default</profile><quota>default</quota>
<grants>{grants}</grants></default></users></clickhouse>"""


@pytest.mark.parametrize("cluster", ["", "prod"])
def test_every_statement_parses(store: Engine, cluster: str) -> None:
    """By the engine's own parser; and on a cluster all of them are for all nodes."""
    for statement in role_statements(Target("auditspan", cluster)):
        assert "{" not in statement
        assert ("ON CLUSTER `prod`" in statement) == bool(cluster), statement
        store.raw("SELECT formatQuery({q:String})", params={"q": statement})


def _grants(role: str) -> list[str]:
    texts = role_statements(Target("auditspan"))
    return [s for s in texts if s.startswith("GRANT") and f"auditspan_{role}" in _holders(s)]


def _holders(grant: str) -> list[str]:
    return re.findall(r"\w+", grant.rpartition("TO ")[2])


def test_roles_are_as_narrow_as_they_say() -> None:
    """No role but the migrator's may drop, only the eraser updates, only repair deletes."""
    by_role = {role: " ".join(_grants(role)) for role in ROLES}
    assert all(by_role.values())
    assert "DELETE" in by_role.pop("repair")
    assert "ALTER UPDATE" in by_role.pop("eraser")
    assert "DROP" in by_role.pop("migrator")
    for role, text in by_role.items():
        assert not [word for word in ("DELETE", "UPDATE", "DROP", "ALTER") if word in text], role
    for access in ACCESSES:
        assert set(re.findall(r"GRANT (\w+)", by_role[access])) == {"SELECT"}
        assert "auditspan.*" not in by_role[access]


def test_a_readers_rights_are_on_what_is_no_content() -> None:
    """On the columns of `audit_records` that a reader's views read, and no other."""
    whole = {column.name for column in COLUMNS if not column.content and not column.shown}
    granted = set(readable_columns("audit_records", "reader"))
    assert {name for name in granted if not name.startswith("Reader")} == whole
    assert not granted & {column.name for column in COLUMNS if column.content}
    assert readable_columns("access_log", "reader") == ()
    assert not set(UNSEALED) & set(readable_columns("audit_records", "investigator"))


def test_the_eraser_overwrites_what_can_be_erased() -> None:
    """Every erasable column and the salts, and nothing of the core; elsewhere only what quotes."""
    updates = {
        found[2]: {name.strip() for name in found[1].split(",")}
        for grant in _grants("eraser")
        if (found := re.search(r"UPDATE\(([^)]*)\)\s+ON auditspan\.(\w+)", grant))
    }
    erasable = {c for group in GROUPS if group.erasable for c in group.columns} | {*UNSEALED}
    assert updates.pop("audit_records") == erasable
    assert updates.pop("access_log") == {"Statement", "StatementHash", "Params", "Since", "Until"}
    assert updates.pop("dead_letters") == {"Reason", "RequestDigest"}
    assert not updates
    deletes = [grant for grant in _grants("eraser") if "DELETE" in grant]
    assert [grant.split(" ON ")[1].split()[0] for grant in deletes] == ["auditspan.held_records"]


def test_reading_is_capped_and_fixed() -> None:
    """Nobody may raise a limit, take it away with 0, or write."""
    texts = role_statements(Target("auditspan"))
    [profile] = [text for text in texts if "SETTINGS PROFILE" in text]
    assert "readonly = 1 CONST" in profile
    for name in ("max_execution_time", "max_memory_usage", "max_result_bytes", "max_threads"):
        assert re.search(rf"{name} = (\d+) MIN 1 MAX \1 CHANGEABLE_IN_READONLY", profile), name
    assert "TO auditspan_reader, auditspan_investigator" in profile
    policies = [text for text in texts if "ROW POLICY" in text]
    assert len(policies) == 2
    assert any("'store.read'" in text and text.endswith("TO auditspan_reader") for text in policies)


@pytest.fixture(scope="module")
def stopped(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A migrated store that no process holds, with a row in every table."""
    path = tmp_path_factory.mktemp("roles") / "store"
    engine = migrated_store(path)
    engine.command("INSERT INTO audit_records (RecordId, ToolArguments) VALUES ('r1', 'x')")
    engine.command("INSERT INTO reviews (ReviewId, RecordId) VALUES ('v1', 'r1')")
    engine.close()
    yield path


def _tried(store: Path, folder: Path, role: str, statements: list[str]) -> Mapping[str, int]:
    """Error codes of statements under a role's grants, 0 for those that ran."""
    grants = (f"<query>{grant.rpartition('TO ')[0]}</query>" for grant in _grants(role))
    (folder / "config.xml").write_text(_CONFIG)
    (folder / "users.xml").write_text(_USERS.format(grants="\n".join(grants)))
    done = subprocess.run(
        [sys.executable, "-c", _RUN],
        input=json.dumps([str(store), str(folder / "config.xml"), statements]),
        env={"USERS": str(folder / "users.xml"), "PATH": ""},
        capture_output=True,
        text=True,
        timeout=100,
    )
    assert done.returncode == 0, done.stderr[-2000:]
    codes: Mapping[str, int] = json.loads(done.stdout)
    return codes


@pytest.mark.parametrize("access", ACCESSES)
def test_a_role_reads_its_views_and_nothing_else(
    stopped: Path, tmp_path: Path, access: Access
) -> None:
    """Its rights are enough for every view, not for content, salts, another's views, or writes."""
    own, other = role_database("auditspan", access), role_database("auditspan", _other(access))
    views = [*_VIEWS, *(["access_log"] if access == "investigator" else [])]
    allowed = [f"SELECT * FROM {own}.{view}" for view in views]
    content = "ToolArguments SpanAttributes ResourceAttributes StatusMessage Events Rationale"
    refused = [
        *(f"SELECT {name} FROM auditspan.audit_records" for name in ("*", *UNSEALED)),
        f"SELECT count() FROM {other}.audit",
        f"SELECT count() FROM {other}.otel_traces",
        "SELECT count() FROM auditspan.schema_migrations",
        "SELECT Body FROM auditspan.audit_log_entries",
        "INSERT INTO auditspan.audit_records (RecordId) VALUES ('x')",
        "ALTER TABLE auditspan.audit_records DELETE WHERE 1",
        "ALTER TABLE auditspan.audit_records UPDATE Summary = '' WHERE 1",
        f"DROP VIEW {own}.audit",
        f"CREATE VIEW {own}.mine AS SELECT * FROM auditspan.audit_records",
        "CREATE TABLE auditspan.mine (a UInt8) ENGINE = Memory",
        "SELECT * FROM file('/etc/passwd', 'LineAsString')",
    ]
    by_name = [f"SELECT {name} FROM auditspan.audit_records" for name in content.split()]
    if access == "reader":
        refused += [*by_name, "SELECT * FROM auditspan.access_log"]
        refused += ["SELECT Comment FROM auditspan.reviews"]
    else:
        allowed += by_name
    codes = _tried(stopped, tmp_path, access, [*allowed, *refused])
    assert {sql: codes[sql] for sql in allowed} == dict.fromkeys(allowed, 0)
    assert {sql: codes[sql] for sql in refused} == dict.fromkeys(refused, _DENIED)


_VIEWS = (
    *("audit", "audit_reviewed", "audit_stored", "audit_chain", "audit_conversations"),
    "audit_repeats",
    *("otel_traces", "otel_traces_trace_id_ts", "agents", "tools", "grants", "registry_versions"),
    *("policy_versions", "detections", "reviews", "recertifications", "erasures", "early_expiries"),
    "dead_letters",
    *("audit_seals", "audit_checkpoints", "system_tables", "system_columns", "system_databases"),
    *("system_functions", "system_settings", "system_data_type_families", "system_parts"),
)


def _other(access: Access) -> Access:
    return "investigator" if access == "reader" else "reader"


def test_a_migrator_makes_the_schema_and_a_writer_does_not(stopped: Path, tmp_path: Path) -> None:
    """The rights of an upgrade are enough for the views, those of the collector for its rows."""
    view = "CREATE OR REPLACE VIEW auditspan_reader.audit SQL SECURITY INVOKER AS SELECT RecordId"
    statements = [
        f"{view} FROM auditspan.audit_records",
        "ALTER TABLE auditspan.audit_records ADD COLUMN IF NOT EXISTS Later String",
        "INSERT INTO auditspan.audit_records (RecordId) VALUES ('x')",
        "ALTER TABLE auditspan.audit_records DELETE WHERE RecordId = 'x'",
        "SELECT count() FROM auditspan_reader.agents",
        "DROP TABLE auditspan.audit_records",
    ]
    for folder in ("writer", "migrator"):
        (tmp_path / folder).mkdir()
    writer = _tried(stopped, tmp_path / "writer", "writer", statements)
    assert list(writer.values()) == [_DENIED, _DENIED, 0, _DENIED, 0, _DENIED]
    migrator = _tried(stopped, tmp_path / "migrator", "migrator", statements)
    assert list(migrator.values()) == [0, 0, 0, _DENIED, 0, _DENIED]


def test_an_eraser_can_do_what_the_engine_asks_of_it(stopped: Path, tmp_path: Path) -> None:
    """Every statement of erasures and holds, and no other change of any table."""
    wait = "SETTINGS mutations_sync = 2"
    allowed = [
        f"ALTER TABLE auditspan.audit_records UPDATE ToolArguments = '' WHERE 1 {wait}",
        f"ALTER TABLE auditspan.audit_records UPDATE Held = 0 WHERE 1 {wait}",
        "ALTER TABLE auditspan.access_log UPDATE Statement = '', StatementHash = '', "
        f"Params = map(), Since = '', Until = '' WHERE 1 {wait}",
        f"ALTER TABLE auditspan.dead_letters UPDATE Reason = '', RequestDigest = '' WHERE 1 {wait}",
        "INSERT INTO auditspan.erasure_certificates (ErasureId) VALUES ('e')",
        "INSERT INTO auditspan.held_records (Run, RecordId) SELECT 1, RecordId "
        "FROM auditspan.audit_records",
        f"ALTER TABLE auditspan.held_records DELETE WHERE Run != 2 {wait}",
        "SELECT count() FROM auditspan.erasures, auditspan.early_expiries",
    ]
    refused = [
        f"ALTER TABLE auditspan.audit_records UPDATE ExpiresOn = today() WHERE 1 {wait}",
        "ALTER TABLE auditspan.audit_records DELETE WHERE 1",
        "ALTER TABLE auditspan.erasure_certificates DELETE WHERE 1",
        "ALTER TABLE auditspan.access_log UPDATE Reader = 'nobody' WHERE 1",
        "ALTER TABLE auditspan.dead_letters UPDATE Bytes = 0 WHERE 1",
        "INSERT INTO auditspan.audit_records (RecordId) VALUES ('x')",
        "INSERT INTO auditspan.audit_seals (LogId) VALUES ('x')",
        "DROP TABLE auditspan.held_records",
    ]
    codes = _tried(stopped, tmp_path, "eraser", [*allowed, *refused])
    assert {sql: codes[sql] for sql in allowed} == dict.fromkeys(allowed, 0)
    assert {sql: codes[sql] for sql in refused} == dict.fromkeys(refused, _DENIED)


@pytest.fixture
def administered(tmp_path: Path) -> Iterator[tuple[str, Path]]:
    """A real server whose administrator has made the schema and the roles: URL, password file."""
    found = shutil.which("docker")
    if not found or subprocess.run([found, "info"], capture_output=True, timeout=20).returncode:
        pytest.skip("no Docker engine here: roles did not run on a real ClickHouse server")
    from testcontainers.core.container import DockerContainer
    from testcontainers.core.waiting_utils import wait_for_logs

    password = tmp_path / "password"
    password.write_text("of-a-test")
    password.chmod(0o600)
    image = DockerContainer("clickhouse/clickhouse-server:26.9").with_exposed_ports(8123)
    image.with_env("CLICKHOUSE_USER", "admin").with_env("CLICKHOUSE_PASSWORD", "of-a-test")
    with image.with_env("CLICKHOUSE_DEFAULT_ACCESS_MANAGEMENT", "1") as container:
        wait_for_logs(container, "Ready for connections|Logging trace", timeout=120)
        address = f"{container.get_container_host_ip()}:{container.get_exposed_port(8123)}"
        yield f"http://{address}", password


@pytest.mark.server
def test_roles_hold_on_a_real_server(administered: tuple[str, Path]) -> None:
    """Made twice without an error; a reader sees records and no content, under fixed limits."""
    url, password = administered
    admin = open_server(url, "admin", password)
    migrate(admin)
    for statement in 2 * role_statements(Target("auditspan")):
        admin.command(statement)
    admin.command(
        "INSERT INTO audit_records (RecordId, Operation, ToolArguments) VALUES "
        "('r1', 'execute_tool', 'secret'), ('r2', 'store.read', '')"
    )
    for access in ACCESSES:
        admin.command(f"CREATE USER {access} IDENTIFIED WITH sha256_password BY 'of-a-test'")
        admin.command(f"GRANT auditspan_{access} TO {access}")
    reader = open_server(url, "reader", password)
    assert reader.raw("SELECT RecordId FROM auditspan_reader.audit") == b"r1\n"
    assert reader.raw("SELECT RecordId FROM auditspan.audit_records") == b"r1\n"
    for sql in (
        "SELECT ToolArguments FROM auditspan.audit_records",
        "SELECT * FROM auditspan_investigator.audit",
        "SELECT 1 SETTINGS max_execution_time = 0",
        "SELECT 1 SETTINGS max_memory_usage = 100000000000",
        "SELECT 1 SETTINGS readonly = 0",
        "SELECT * FROM url('http://127.0.0.1:9/', 'CSV', 'a String')",
        "CREATE TABLE auditspan.mine (a UInt8) ENGINE = Memory",
    ):
        with pytest.raises(StatementRefused):
            reader.raw(sql)
    assert reader.raw("SELECT 1 SETTINGS max_execution_time = 5") == b"1\n"
    investigator = open_server(url, "investigator", password)
    sql = "SELECT ToolArguments FROM auditspan_investigator.audit WHERE RecordId = 'r1'"
    assert investigator.raw(sql) == b"secret\n"
    for engine in (admin, reader, investigator):
        engine.close()
