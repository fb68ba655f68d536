"""What holds of an engine whichever way it is opened."""

import stat
import subprocess
import sys
import threading
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from importlib.resources import files
from pathlib import Path
from xml.etree.ElementTree import fromstring

import pyarrow as pa
import pytest
from pydantic import ValidationError

from auditspan.storage.config import StoreConfig
from auditspan.storage.engine import Engine, open_engine, open_server
from auditspan.storage.errors import (
    StatementRefused,
    StoreError,
    StoreFull,
    StoreUnavailable,
    of_engine,
)
from auditspan.storage.reader import Reader

_SLOW = "SELECT sum(1 - sleepEachRow(0.2)) FROM numbers(10) SETTINGS max_block_size = 1"


def test_the_store_folder_is_ours_alone_and_time_is_utc(store: Engine) -> None:
    """Whatever the umask and the machine's time zone are."""
    assert store.config.path is not None
    assert stat.S_IMODE(store.config.path.stat().st_mode) == 0o700
    assert store.raw("SELECT timezone(), toString(toDateTime(0))") == b"UTC\t1970-01-01 00:00:00\n"


def test_memory_is_capped(store: Engine) -> None:
    """The engine's own defaults would take most of the machine."""
    sql = "SELECT name, value FROM system.server_settings WHERE name IN ({names:Array(String)})"
    names = ["max_server_memory_usage", "mark_cache_size"]
    rows = Reader(store).rows(sql.replace("IN (", "IN ").replace("})", "}"), {"names": names})
    caps = {row["name"]: int(row["value"]) for row in rows}
    assert caps == {"max_server_memory_usage": 800_000_000, "mark_cache_size": 128_000_000}
    with pytest.raises(StoreFull) as full:
        store.raw("SELECT groupArray(number) FROM numbers(200000000)")
    assert full.value.retryable


def test_a_failed_statement_leaves_nothing_in_front_of_the_next_result(store: Engine) -> None:
    """The bytes it had written by then belong to nobody else's answer."""
    for _ in range(3):
        with pytest.raises(StatementRefused):
            store.raw("SELECT throwIf(number = 200000) FROM numbers(300000)")
        assert store.raw("SELECT 7") == b"7\n"


def test_what_a_row_leaves_out_has_the_default_of_the_table(store: Engine) -> None:
    """Though the reader of rows is told to leave defaults alone, for speed."""
    store.command("CREATE TABLE t (A String, B String DEFAULT 'b', C UInt8) ENGINE = Memory")
    store.insert("t", pa.table({"A": ["a"]}))
    assert store.raw("SELECT * FROM t") == b"a\tb\t0\n"


def test_a_second_process_is_told_who_holds_the_store(store: Engine, tmp_path: Path) -> None:
    """The error names the process, and what to do instead."""
    code = (
        "import sys; from pathlib import Path\n"
        "from auditspan.storage.engine import open_embedded\n"
        "from auditspan.storage.errors import StoreLocked\n"
        "try: open_embedded(Path(sys.argv[1]))\n"
        "except StoreLocked as error: print(error)\n"
    )
    command = [sys.executable, "-c", code, str(store.config.path)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=True)
    assert "held by pid" in done.stdout
    assert "running collector" in done.stdout


def test_parameters_come_back_as_they_went_in(store: Engine) -> None:
    """Texts with every awkward character, lists, times to the microsecond."""
    text = "it's \"x\"\t\n\\n {a:b} \\' é 漢 \0"
    at = datetime(2026, 11, 25, 12, 30, 1, 123456, UTC)
    (row,) = Reader(store).rows(
        "SELECT {t:String} AS t, {l:Array(String)} AS l, {d:DateTime64(9, 'UTC')} AS d, {n:Int8} n",
        {"t": text, "l": [text, "b"], "d": at, "n": -3},
    )
    assert row["t"] == text
    assert row["l"] == [text, "b"]
    assert row["d"].to_pydatetime() == at
    assert row["n"] == -3


def test_a_reader_cannot_write(store: Engine) -> None:
    """Its connections are read-only."""
    store.command("CREATE TABLE t (n UInt8) ENGINE = MergeTree ORDER BY n")
    with pytest.raises(StatementRefused):
        Reader(store).arrow("INSERT INTO t VALUES (1)")
    assert store.raw("SELECT count() FROM t") == b"0\n"


def test_an_unreachable_server_is_worth_another_try() -> None:
    """Nobody listens on port 1."""
    with pytest.raises(StoreUnavailable) as error:
        open_server("http://127.0.0.1:1")
    assert error.value.retryable


class _Gateway(BaseHTTPRequestHandler):
    """A proxy in front of a server that is down."""

    def do_POST(self) -> None:
        self.send_error(502, "Bad Gateway")

    do_GET = do_POST

    def log_message(self, format: str, *args: object) -> None:
        """Nothing."""


@pytest.mark.parametrize("scheme", ["http", "https"])
def test_what_answers_for_a_server_is_worth_another_try(scheme: str) -> None:
    """A proxy that cannot reach it, and one without TLS: neither has seen the statement."""
    gateway = ThreadingHTTPServer(("127.0.0.1", 0), _Gateway)
    threading.Thread(target=gateway.serve_forever, daemon=True).start()
    try:
        url = f"{scheme}://127.0.0.1:{gateway.server_port}"
        with pytest.raises(StoreUnavailable, match=f"store {url}: ") as refused:
            open_server(url)
        assert refused.value.retryable
    finally:
        gateway.shutdown()
        gateway.server_close()


def test_a_password_that_others_can_read_is_refused(tmp_path: Path) -> None:
    """Before anything is sent."""
    path = tmp_path / "password"
    path.write_text("secret")
    path.chmod(0o644)
    with pytest.raises(StoreError, match="chmod 600") as error:
        open_server("http://127.0.0.1:1", password_file=path)
    assert "secret" not in str(error.value)


@pytest.mark.parametrize(
    "keys",
    [
        {},
        {"path": "/x", "url": "http://h"},
        {"url": "http://user:password@h:8123"},
        {"path": "/x", "database": "a b"},
        {"path": "/x", "databse": "a"},
    ],
)
def test_a_wrong_configuration_is_refused(keys: dict[str, str]) -> None:
    """One of path and URL, no secrets in the URL, names that need no quotes, no unknown key."""
    with pytest.raises(ValidationError):
        StoreConfig.model_validate(keys)


@pytest.mark.parametrize(
    ("text", "code", "kind"),
    [
        ("Code: 252. DB::Exception: Too many parts", 252, StoreUnavailable),
        ("Code: 243. DB::Exception: Cannot reserve", 243, StoreFull),
        ("Code: 1001. std::exception: No space left on device", 1001, StoreFull),
        ("Code: 60. DB::Exception: Unknown table", 60, StatementRefused),
        ("Connection refused", 0, StoreUnavailable),
    ],
)
def test_errors_say_whether_to_try_again(text: str, code: int, kind: type[StoreError]) -> None:
    """By ClickHouse's number, and by words where it has none."""
    error = of_engine(RuntimeError(text), code)
    assert type(error) is kind
    assert error.retryable == issubclass(kind, StoreUnavailable)


def test_many_readers_read_while_one_writes(store: Engine) -> None:
    """Each reader has a connection of its own."""
    from concurrent.futures import ThreadPoolExecutor

    store.command("CREATE TABLE t (n UInt64) ENGINE = MergeTree ORDER BY n")
    rows = pa.table({"n": pa.array(range(1000), pa.uint64())})
    reader = Reader(store)
    with ThreadPoolExecutor(4) as pool:
        writes = [pool.submit(store.insert, "t", rows) for _ in range(10)]
        reads = [pool.submit(reader.rows, "SELECT count() % 1000 AS n FROM t") for _ in range(20)]
        assert all(read.result()[0]["n"] == 0 for read in reads)
        assert [write.result() for write in writes] == [None] * 10
    assert store.raw("SELECT count() FROM t") == b"10000\n"


def test_a_stopped_store_opens_again_with_its_data(tmp_path: Path) -> None:
    """Closing lets go of the folder."""
    config = StoreConfig(path=tmp_path / "store")
    for expected in (b"1\n", b"2\n"):
        engine = open_engine(config)
        engine.command("CREATE TABLE IF NOT EXISTS t (n UInt8) ENGINE = MergeTree ORDER BY n")
        engine.command("INSERT INTO t VALUES (1)")
        assert engine.raw("SELECT count() FROM t") == expected
        engine.close()


def test_a_store_is_not_closed_under_a_statement(store: Engine) -> None:
    """It has its answer, the process lives, and who closes the store then has it closed."""
    began, answers = threading.Event(), list[bytes]()

    def ask() -> None:
        with store.session() as session:
            began.set()
            answers.append(session.raw(_SLOW, "TabSeparated"))

    asking = threading.Thread(target=ask)
    asking.start()
    began.wait()
    store.close()
    assert store.raw("SELECT 7") == b"7\n" and asking.is_alive()
    asking.join()
    assert answers == [b"10\n"]
    store.close()
    with pytest.raises(StoreError, match="the store is closed"), store.session():
        pass


def test_a_cold_volume_changes_nothing_else_of_the_engine() -> None:
    """What one configuration file says, the other one says too, but for the volumes."""
    folder = files("auditspan.storage") / "engine_config"
    plain, cold = (
        {child.tag: (child.text, child.attrib) for child in fromstring((folder / name).read_text())}
        for name in ("config.xml", "config_cold.xml")
    )
    del cold["storage_configuration"]
    assert cold == plain
