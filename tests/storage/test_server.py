"""The server path, over HTTP: always against the tests' own endpoint, and a real ClickHouse server
where Docker can run one."""

import os
import subprocess
import sys
from collections.abc import Callable

import pyarrow as pa
import pytest

from auditspan.storage.engine import Engine
from auditspan.storage.errors import StatementRefused, StoreLocked
from auditspan.storage.lock import migration_lock
from auditspan.storage.lock_holder import is_gone, this_process, words
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


def test_batches_are_written_counted_and_repaired(migrated_server: Engine, batch: BatchOf) -> None:
    """As in the embedded store."""
    rows = batch(100, "i-1-1", SpanAttributes=[[("k", "é\t\n")]] * 100)
    assert write(migrated_server, rows, "i-1-1").inserted
    assert not write(migrated_server, rows, "i-1-1").inserted
    migrated_server.insert("audit_records", rows.slice(0, 1))
    assert write(migrated_server, rows, "i-1-1").repaired
    assert count(migrated_server, "i-1-1") == 100
    got = migrated_server.arrow("SELECT DISTINCT SpanAttributes FROM audit_records")
    assert got.to_pylist() == [{"SpanAttributes": [("k", "é\t\n")]}]


def test_two_cannot_migrate_at_once(migrated_server: Engine) -> None:
    """The second is told who does."""
    migrated_server.command(
        "CREATE TABLE schema_lock (x UInt8) ENGINE = Memory COMMENT 'process 1 on a'"
    )
    with pytest.raises(StoreLocked, match="process 1 on a"), migration_lock(migrated_server):
        pass
    migrated_server.command("DROP TABLE schema_lock")
    with migration_lock(migrated_server):
        assert migrated_server.raw("EXISTS TABLE schema_lock") == b"1\n"
    assert migrated_server.raw("EXISTS TABLE schema_lock") == b"0\n"


def _locked_by(server: Engine, comment: str) -> None:
    server.command(f"CREATE TABLE schema_lock (x UInt8) ENGINE = Memory COMMENT '{comment}'")


def test_a_lock_that_could_not_be_let_go_of_holds_up_nobody(migrated_server: Engine) -> None:
    """A process that was killed, or lost the server, while it held it; also this one itself."""
    holder = [sys.executable, "-c", "from auditspan.storage.lock_holder import *\n"]
    holder[-1] += "print(this_process())"
    gone = subprocess.run(holder, capture_output=True, text=True, check=True).stdout.strip()
    for comment in (gone, this_process()):
        _locked_by(migrated_server, comment)
        with migration_lock(migrated_server):
            pass
        assert migrated_server.raw("EXISTS TABLE schema_lock") == b"0\n"


def test_a_living_process_keeps_its_lock(migrated_server: Engine) -> None:
    """Here, and one that cannot be seen from here: on another machine or in another container."""
    code = "from auditspan.storage.lock_holder import *\nprint(this_process(), flush=True)\ninput()"
    with subprocess.Popen(
        [sys.executable, "-c", code], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as living:
        assert living.stdout is not None
        assert living.stdin is not None
        here = living.stdout.readline().strip()
        machine, namespace, pid, began = here.rpartition("[")[2].rstrip("]").split("/")
        elsewhere = f"process 1 on b [{machine}/{int(namespace) + 1}/{pid}/{began}]"
        for comment in (here, elsewhere, f"process 1 on b [0-0/{namespace}/1/1]", "process 1 on b"):
            _locked_by(migrated_server, comment)
            with pytest.raises(StoreLocked, match=f"{words(comment)} is"):
                migration_lock(migrated_server).__enter__()
            migrated_server.command("DROP TABLE schema_lock")
        living.stdin.close()


def test_another_start_of_a_process_number_is_another_process() -> None:
    """A number that is used again does not keep a lock."""
    assert not is_gone("process 1 on a")
    own = this_process()
    assert is_gone(own)
    place, _, began = own.rstrip("]").rpartition("/")
    other = place.rpartition("/")[0] + f"/{os.getppid()}"
    assert is_gone(f"{other}/{int(began) + 1}]")


def test_readers_read_with_parameters(migrated_server: Engine) -> None:
    """Texts and lists come back as they went in."""
    text = "it's \t\n\\n é"
    sql = "SELECT {t:String} AS t, {l:Array(String)} AS l"
    (row,) = Reader(migrated_server).rows(sql, {"t": text, "l": [text]})
    assert row == {"t": text, "l": [text]}


def test_an_error_has_the_servers_number(migrated_server: Engine) -> None:
    """And is permanent if the statement is at fault."""
    with pytest.raises(StatementRefused) as error:
        migrated_server.raw("SELECT * FROM nothing_here")
    assert error.value.code == 60


def test_a_reader_may_name_a_format(migrated_server: Engine) -> None:
    """A statement's own FORMAT holds, and without one the reader's default."""
    named = Statement("SELECT 1 AS a FORMAT JSONEachRow", format="TabSeparated")
    assert execute(migrated_server, named).body.strip() == b'{"a":1}'
    assert execute(migrated_server, Statement("SELECT 1 AS a")).body == b"1\n"
