"""What the engine's one user may not do, whoever asks: the wall behind the checked statement."""

import socket
from collections.abc import Iterator
from pathlib import Path

import pytest

from auditspan.storage.engine import Engine, Session
from auditspan.storage.errors import StatementRefused
from auditspan.storage.role_views import ACCESSES

_NOT_ENOUGH_PRIVILEGES = 497

OUTSIDE = (
    "SELECT * FROM url('http://{at}/x', 'CSV', 'a String')",
    "DESCRIBE TABLE url('http://{at}/x', 'CSV')",
    "EXPLAIN SELECT * FROM url('http://{at}/x', 'CSV', 'a String')",
    "INSERT INTO FUNCTION url('http://{at}/x', 'CSV', 'a UInt8') SELECT 1",
    "SELECT * FROM (SELECT * FROM url('http://{at}/x', 'CSV', 'a String'))",
    "SELECT (SELECT any(a) FROM url('http://{at}/x', 'CSV', 'a String'))",
    "SELECT 1 IN (SELECT a FROM url('http://{at}/x', 'CSV', 'a UInt8'))",
    "SELECT * FROM s3('http://{at}/bucket/x.csv', 'CSV', 'a String')",
    "DESCRIBE TABLE s3('http://{at}/bucket/x.csv', 'CSV')",
    "SELECT * FROM iceberg('http://{at}/bucket/x')",
    "SELECT * FROM deltaLake('http://{at}/bucket/x')",
    "SELECT * FROM hudi('http://{at}/bucket/x', 'a', 'b', 'Parquet', 'a String')",
    "SELECT * FROM remote('{at}', 'system.one')",
    "SELECT * FROM remoteSecure('{at}', 'system.one')",
    "SELECT * FROM mysql('{at}', 'd', 't', 'u', 'p')",
    "SELECT * FROM postgresql('{at}', 'd', 't', 'u', 'p')",
    "SELECT * FROM mongodb('{at}', 'd', 'c', 'u', 'p', 'a String')",
    "SELECT * FROM redis('{at}', 'k', 'k String, v String')",
    "SELECT * FROM sqlite('/tmp/x.db', 't')",
    "SELECT * FROM hdfs('hdfs://{at}/x', 'CSV', 'a String')",
    "SELECT * FROM jdbc('d', 's', 't')",
    "SELECT * FROM odbc('DSN=x', 's', 't')",
    "SELECT * FROM azureBlobStorage('DefaultEndpointsProtocol=http;AccountName=a;AccountKey=YQ==;"
    "BlobEndpoint=http://{at}/a', 'c', 'b', 'CSV', 'auto', 'a String')",
    "CREATE TABLE x (a String) ENGINE = URL('http://{at}/x', 'CSV')",
    "CREATE TABLE x (a String) ENGINE = S3('http://{at}/bucket/x', 'CSV')",
    "CREATE TABLE x (a String) ENGINE = MySQL('{at}', 'd', 't', 'u', 'p')",
    "CREATE TABLE x (a String) ENGINE = Kafka('{at}', 't', 'g', 'CSV')",
    "CREATE TABLE x (a String) ENGINE = File('CSV')",
    "CREATE TABLE x ENGINE = Executable('x.py', 'TSV')",
    "CREATE DATABASE x ENGINE = MySQL('{at}', 'd', 'u', 'p')",
)
OURS = (
    "INSERT INTO FUNCTION file('{file}', 'CSV', 'a UInt8') SELECT 1",
    "SYSTEM STOP MERGES {base}.audit_records",
    "SYSTEM STOP TTL MERGES {base}.audit_records",
    "SYSTEM STOP MOVES {base}.audit_records",
    "SYSTEM DROP MARK CACHE",
    "SYSTEM FLUSH LOGS",
    "SYSTEM RELOAD USERS",
    "SYSTEM UNFREEZE WITH NAME 'x'",
    "SYSTEM ENABLE FAILPOINT dummy_failpoint",
    "CREATE FUNCTION f AS (x) -> x",
    "CREATE NAMED COLLECTION c AS url = 'http://{at}'",
    "CREATE DICTIONARY d (a UInt8) PRIMARY KEY a SOURCE(NULL()) LAYOUT(FLAT()) LIFETIME(0)",
    "CREATE WORKLOAD w",
    "BACKUP TABLE {base}.audit_records TO File('{file}')",
    "RESTORE TABLE {base}.x FROM File('{file}')",
    "DROP DATABASE {base}",
    "CREATE USER u",
    "CREATE ROLE r",
    "GRANT SELECT ON *.* TO default",
    "SELECT addressToLine(1)",
)


@pytest.fixture
def listener() -> Iterator[socket.socket]:
    """Where a connection would arrive."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        server.setblocking(False)
        yield server


@pytest.mark.parametrize("settings", [{}, {"readonly": 1}, {"readonly": 2}])
def test_nobody_reaches_outside_or_changes_the_engine(
    migrated: Engine, listener: socket.socket, tmp_path: Path, settings: dict[str, int]
) -> None:
    """On a raw connection with no checker before it, nothing leaves and nothing is left behind."""
    host, port = listener.getsockname()
    places = {"at": f"{host}:{port}", "file": tmp_path / "left.csv", "base": "auditspan"}
    with migrated.session(settings) as session:
        refused = {sql: _code(session, sql.format(**places)) for sql in (*OUTSIDE, *OURS)}
    assert 0 not in refused.values(), [sql for sql, code in refused.items() if code == 0]
    if not settings:
        others = {sql: code for sql, code in refused.items() if code != _NOT_ENOUGH_PRIVILEGES}
        assert set(others) == _REFUSED_OTHERWISE
    with pytest.raises(BlockingIOError):
        listener.accept()
    assert not (tmp_path / "left.csv").exists()


_REFUSED_OTHERWISE = {
    "CREATE TABLE x ENGINE = Executable('x.py', 'TSV')",
    "RESTORE TABLE {base}.x FROM File('{file}')",
}
"""No folder of programs, no allowed place for backups."""


def _code(session: Session, sql: str) -> int:
    try:
        session.raw(sql, "TabSeparated")
    except StatementRefused as error:
        return error.code
    return 0


def test_no_program_is_run(store: Engine) -> None:
    """There is no folder that one could be put into."""
    with store.session() as session:
        assert _code(session, "SELECT * FROM executable('x.py', 'TSV', 'a String')")
    assert store.config.path is not None
    assert not (store.config.path / "user_scripts").exists()


def test_merges_go_on_whatever_is_said(store: Engine) -> None:
    """Without a table the engine skips those that it may not stop, which are all."""
    store.command("CREATE TABLE t (n UInt8) ENGINE = MergeTree ORDER BY n")
    with store.session({"readonly": 1}) as session:
        session.raw("SYSTEM STOP MERGES", "TabSeparated")
    for number in range(3):
        store.command(f"INSERT INTO t VALUES ({number})")
    store.command("OPTIMIZE TABLE t FINAL")
    count = "SELECT count() FROM system.parts WHERE table = 't' AND active"
    assert store.raw(count) == b"1\n"


def test_grants_are_what_is_written(store: Engine) -> None:
    """A right more or less is a decision."""
    got = {line for line in store.raw("SHOW GRANTS", "TSVRaw").decode().splitlines() if line}
    assert got == {
        "GRANT CHECK, SHOW, SELECT, INSERT, ALTER TABLE, CREATE DATABASE, CREATE TABLE, "
        "CREATE VIEW, DROP TABLE, DROP VIEW, TRUNCATE, OPTIMIZE ON *.* TO default",
        "GRANT FILE ON *.* TO default",
    }


@pytest.mark.parametrize("access", ACCESSES)
def test_a_reader_is_no_other_user(migrated: Engine, access: str) -> None:
    """The engine has one user: views, not rights, are what keeps base tables from readers."""
    with migrated.session({"readonly": 1}) as session:
        session.raw(f"SELECT * FROM auditspan_{access}.audit", "TabSeparated")
        session.raw("SELECT * FROM auditspan.audit_records", "TabSeparated")
