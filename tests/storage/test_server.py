"""The server path, over HTTP: always against the tests' own endpoint, and a real ClickHouse server
where Docker can run one."""

from collections.abc import Callable

import pyarrow as pa
import pytest

from auditspan.storage.engine import Engine
from auditspan.storage.errors import StatementRefused, StoreLocked
from auditspan.storage.lock import migration_lock
from auditspan.storage.migrations import applied, known, migrate
from auditspan.storage.query import Statement, execute
from auditspan.storage.reader import Reader
from auditspan.storage.writer import count, write

BatchOf = Callable[..., pa.Table]


def test_a_server_is_migrated_once(server: Engine) -> None:
    """From an empty server to the whole schema, and nothing the second time."""
    assert migrate(server) == tuple(m.number for m in known())
    assert migrate(server) == ()
    assert applied(server) == {m.number: m.checksum for m in known()}
    assert server.raw("EXISTS TABLE schema_lock") == b"0\n"


def test_batches_are_written_counted_and_repaired(server: Engine, batch: BatchOf) -> None:
    """As in the embedded store."""
    migrate(server)
    rows = batch(100, "i-1-1", SpanAttributes=[[("k", "é\t\n")]] * 100)
    assert write(server, rows, "i-1-1").inserted
    assert not write(server, rows, "i-1-1").inserted
    server.insert("audit_records", rows.slice(0, 1))
    assert write(server, rows, "i-1-1").repaired
    assert count(server, "i-1-1") == 100
    got = server.arrow("SELECT DISTINCT SpanAttributes FROM audit_records")
    assert got.to_pylist() == [{"SpanAttributes": [("k", "é\t\n")]}]


def test_two_cannot_migrate_at_once(server: Engine) -> None:
    """The second is told who does."""
    migrate(server)
    server.command("CREATE TABLE schema_lock (x UInt8) ENGINE = Memory COMMENT 'process 1 on a'")
    with pytest.raises(StoreLocked, match="process 1 on a"), migration_lock(server):
        pass
    server.command("DROP TABLE schema_lock")
    with migration_lock(server):
        assert server.raw("EXISTS TABLE schema_lock") == b"1\n"
    assert server.raw("EXISTS TABLE schema_lock") == b"0\n"


def test_readers_read_with_parameters(server: Engine) -> None:
    """Texts and lists come back as they went in."""
    migrate(server)
    text = "it's \t\n\\n é"
    sql = "SELECT {t:String} AS t, {l:Array(String)} AS l"
    (row,) = Reader(server).rows(sql, {"t": text, "l": [text]})
    assert row == {"t": text, "l": [text]}


def test_an_error_has_the_servers_number(server: Engine) -> None:
    """And is permanent if the statement is at fault."""
    migrate(server)
    with pytest.raises(StatementRefused) as error:
        server.raw("SELECT * FROM nothing_here")
    assert error.value.code == 60


def test_a_reader_may_name_a_format(server: Engine) -> None:
    """A statement's own FORMAT holds, and without one the reader's default."""
    migrate(server)
    named = Statement("SELECT 1 AS a FORMAT JSONEachRow", format="TabSeparated")
    assert execute(server, named).body.strip() == b'{"a":1}'
    assert execute(server, Statement("SELECT 1 AS a")).body == b"1\n"
