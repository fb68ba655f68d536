"""What readers must not get through is refused, and leaves no file, connection or setting."""

import socket
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from auditspan.storage.engine import Engine
from auditspan.storage.errors import StatementRefused, StoreError
from auditspan.storage.query import Answer, QueryLimits, Statement, execute
from tests.storage.reading.lists import Listed, listed

ATTACKS = listed("query_attacks.sql")
HOLES = [one for one in ATTACKS if "hole" in one.marks]
SECRET = "s3cret-of-the-operator"


@dataclass(frozen=True, slots=True)
class Host:
    """What an attack may try to reach."""

    canary: Path
    outfile: Path
    listener: socket.socket

    def aimed(self, sql: str) -> str:
        """The statement with these targets."""
        port = str(self.listener.getsockname()[1])
        sql = sql.replace("CANARY", str(self.canary)).replace(
            "OUTFILE '", f"OUTFILE '{self.outfile}"
        )
        sql = sql.replace(f"{self.outfile}OUTFILE", str(self.outfile))
        return sql.replace("'OUTFILE'", f"'{self.outfile}'").replace("PORT", port)

    def connections(self) -> int:
        """How many connections came since the last time."""
        found = 0
        while True:
            try:
                connection, _ = self.listener.accept()
            except BlockingIOError:
                return found
            connection.close()
            found += 1


@pytest.fixture(scope="module")
def host(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Host]:
    """A file with a secret, a path for another, and a socket that listens."""
    folder = tmp_path_factory.mktemp("host")
    (folder / "canary").write_text(SECRET)
    with socket.create_server(("127.0.0.1", 0)) as listener:
        listener.setblocking(False)
        yield Host(folder / "canary", folder / "written", listener)


def _state(store: Engine) -> bytes:
    """Settings of a new session and everything that has a name in the engine."""
    with store.session() as session:
        return b"".join(
            session.raw(sql, "TSVRaw")
            for sql in (
                "SELECT name, value FROM system.settings WHERE changed ORDER BY name",
                "SELECT currentDatabase()",
                "SELECT database, name, uuid FROM system.tables WHERE database NOT IN ('system')"
                " ORDER BY ALL",
                "SELECT name FROM system.functions WHERE origin != 'System'",
                "SELECT count() FROM auditspan.audit_records",
            )
        )


@pytest.fixture(scope="module")
def untouched(store: Engine) -> bytes:
    """The state before any attack."""
    return _state(store)


@pytest.mark.parametrize("one", ATTACKS, ids=lambda one: one.name)
def test_an_attack_is_refused_and_leaves_nothing(
    store: Engine, host: Host, untouched: bytes, one: Listed
) -> None:
    """Refused as the statement's own fault, with a code and a reason that give nothing away."""
    params = {"t": "audit_records", "d": "auditspan", "c": "RecordSalt", "s": "", "x": "1"}
    statement = Statement(host.aimed(one.sql), params=params)
    with pytest.raises(StatementRefused) as refusal:
        execute(store, statement, QueryLimits(seconds=5, memory=200_000_000))
    assert refusal.value.code
    assert SECRET not in str(refusal.value)
    assert host.canary.read_text() == SECRET
    assert sorted(path.name for path in host.canary.parent.iterdir()) == ["canary"]
    assert host.connections() == 0
    assert _state(store) == untouched


@pytest.mark.parametrize("one", HOLES, ids=lambda one: one.name)
def test_the_engine_alone_would_let_it_through(store: Engine, host: Host, one: Listed) -> None:
    """So that the list is about real holes: `readonly` stops none of these."""
    with store.session({"readonly": 1}) as session:
        session.raw(host.aimed(one.sql), "TabSeparated")
    host.outfile.unlink(missing_ok=True)
    host.connections()


SETTINGS = {
    "readonly = 0 is no setting": {"max_rows": "1"},
    "introspection": {"allow_introspection_functions": "1"},
    "language": {"dialect": "kusto"},
    "schema file": {"format_schema": "/etc/passwd"},
    "template": {"format_template_row": "/etc/passwd"},
    "filter of a table": {"additional_table_filters": "{'audit': '1'}"},
    "filter of results": {"additional_result_filter": "1"},
    "sql inside": {"session_timezone": "UTC'; SYSTEM SHUTDOWN; --"},
    "not a number": {"max_threads": "1; DROP TABLE x"},
    "number of another script": {"max_execution_time": "٣"},
    "beyond its bounds": {"max_block_size": "99999999999"},
    "a prefix of allowed ones": {"output_format_schema": "x"},
    "another word": {"date_time_output_format": "x' OR 1"},
}


@pytest.mark.parametrize("settings", SETTINGS.values(), ids=SETTINGS)
def test_a_setting_beside_the_statement_is_refused(store: Engine, settings: dict[str, str]) -> None:
    """The same list holds for settings in the URL."""
    with pytest.raises(StatementRefused, match="setting "):
        execute(store, Statement("SELECT 1", settings=settings))


@pytest.mark.parametrize("format", ["Template", "CSV FORMAT x", "DataFrame", "debug", "", "Null'"])
def test_a_format_beside_the_statement_is_refused(store: Engine, format: str) -> None:
    """The same list holds for the format in the URL."""
    with pytest.raises(StatementRefused, match="format") as refusal:
        execute(store, Statement("SELECT 1", format))
    assert refusal.value.code == 73


def test_a_value_of_a_parameter_is_never_read_as_sql(store: Engine, host: Host) -> None:
    """Whatever is in it, it is the value of its type."""
    evil = f"x') UNION ALL SELECT file('{host.canary}') --"
    answer = execute(store, Statement("SELECT {x:String}", "TSVRaw", {"x": evil}))
    assert answer.body.decode() == f"{evil}\n"


def test_a_session_of_one_statement_is_gone_with_the_next(store: Engine) -> None:
    """Settings and database of a statement stay on its own connection."""
    asked = Statement("SELECT 1 SETTINGS limit = 1, max_threads = 1", settings={"offset": "0"})
    execute(store, asked)
    rows = execute(store, Statement("SELECT number FROM numbers(3)")).body
    assert rows == b"0\n1\n2\n"


def test_caps_hold(store: Engine) -> None:
    """Nobody raises them: 0 means without limit to the engine, and the cap here."""
    limits = QueryLimits(seconds=1, memory=50_000_000, result_bytes=1_000_000)

    def run(sql: str, **settings: str) -> Answer:
        return execute(store, Statement(sql, settings=settings), limits)

    for sql, code in (
        ("SELECT count() FROM numbers(100000000000) WHERE cityHash64(number) = 1", 159),
        ("SELECT groupArray(number) FROM numbers(100000000)", 241),
        ("SELECT number FROM numbers(10000000)", 396),
        ("SELECT repeat('x', 1000000000)", 241),
    ):
        for settings in ({}, {"max_execution_time": "0", "max_memory_usage": "0"}):
            with pytest.raises(StoreError) as failure:
                run(sql, **settings)
            assert failure.value.code == code
