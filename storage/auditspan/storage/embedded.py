"""ClickHouse inside this process (chDB): one process a store, one store a process."""

import fcntl
import os
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import cast
from urllib.parse import urlencode

import chdb
import clickhouse_connect
import pyarrow as pa
from chdb.state.sqlitelike import Connection
from clickhouse_connect.driver.exceptions import Error as ClientError

from auditspan.storage import errors
from auditspan.storage.cold_volume import claim
from auditspan.storage.config import StoreConfig
from auditspan.storage.engine import Session, Settings
from auditspan.storage.uses import Uses
from auditspan.storage.values import Params, text

_MEMORY = ":memory:"

_CONFIG = Path(__file__).with_name("engine_config")
_USERS = "AUDITSPAN_ENGINE_USERS"
_COLD = "AUDITSPAN_ENGINE_COLD"

# chDB drops an insert that it has no memory for and says nothing. It needs more for one large
# piece than for the same bytes in small ones.
_PIECE_BYTES = 1 << 20

# For every connection that is not a reader's: results are Arrow, times are UTC, an insert is
# one block (and so one part) however large, and runs when it is called.
_SESSION: Settings = {
    "session_timezone": "UTC",
    "async_insert": 0,
    "insert_deduplicate": 0,
    # Blocks name their columns. To look for defaults in them, the reader of blocks would work out
    # all computed columns of the table, half of what a small insert costs.
    "input_format_defaults_for_omitted_fields": 0,
    "min_insert_block_size_rows": 1_048_576,
    "min_insert_block_size_bytes": 4_000_000_000,
    "output_format_arrow_string_as_string": 1,
    "output_format_arrow_compression_method": "none",
}


class EmbeddedEngine:
    """The embedded engine; see `Engine`."""

    kind = "embedded"

    def __init__(self, config: StoreConfig) -> None:
        if config.path is None:
            raise errors.StoreError("embedded store: no path given")
        self.config = config
        cold = None
        if str(config.path) != _MEMORY:
            _own_folder(config.path)
            cold = claim(config.path, config.cold.path if config.cold else None)
        options = _options(config, cold)
        self._dsn = _connection_string(config, options)
        with _translated(config.path):
            self._client = clickhouse_connect.get_client(
                interface="chdb",
                path=str(config.path),
                settings=dict(_SESSION),
                chdb_options=options,
            )
        self._bulk = Connection(self._dsn)
        self._uses = Uses()
        self._bulk_lock = threading.Lock()
        self._lock = threading.Lock()
        with _translated(config.path):
            self._client.command(f"CREATE DATABASE IF NOT EXISTS {config.database} ENGINE = Atomic")
            self._client.database = config.database
            _prepare(self._bulk, config.database, _SESSION)

    def arrow(
        self, sql: str, params: Params | None = None, settings: Settings | None = None
    ) -> pa.Table:
        with self._statement():
            return self._client.query_arrow(
                sql, parameters=dict(params or {}), settings=dict(settings or {}), use_strings=True
            )

    def raw(
        self,
        sql: str,
        fmt: str = "TabSeparated",
        params: Params | None = None,
        settings: Settings | None = None,
    ) -> bytes:
        with self._statement():
            return self._client.raw_query(
                sql, parameters=dict(params or {}), settings=dict(settings or {}), fmt=fmt
            )

    def command(self, sql: str, params: Params | None = None) -> None:
        with self._statement():
            self._client.command(sql, parameters=dict(params or {}))

    def insert(self, table: str, rows: pa.Table, query_id: str = "") -> None:
        del query_id  # an embedded insert ends with its process
        names = ", ".join(f"`{name}`" for name in rows.column_names)
        with self._uses.one(), self._bulk_lock, _translated(self.config.path):
            stream = self._bulk.send_insert(f"INSERT INTO {table} ({names})", "ArrowStream")
            with stream:
                _send(rows, stream.append)
                stream.finish()

    @contextmanager
    def session(self, settings: Settings | None = None) -> Iterator[Session]:
        with self._uses.one(), self._handle() as handle:
            with _translated(self.config.path):
                _prepare(handle, self.config.database, {"session_timezone": "UTC"})
                for name, value in (settings or {}).items():
                    handle.query(f"SET {name} = {_quoted(value)}", "TabSeparated")
            yield EmbeddedSession(handle, self.config.path)

    @contextmanager
    def _handle(self) -> Iterator[Connection]:
        with _translated(self.config.path):
            handle = Connection(self._dsn)
        try:
            yield handle
        finally:
            handle.close()

    @contextmanager
    def _statement(self) -> Iterator[None]:
        """One statement at a time on the handle, and none that finds what a failed one left.

        chDB keeps the bytes that a statement had written when it failed, and puts them in front of
        the next result of the same handle (seen in 4.3.0); one more statement takes them away.
        """
        with self._uses.one(), self._lock, _translated(self.config.path):
            try:
                yield
            except Exception:
                self._client.raw_query("SELECT 1", fmt="TabSeparated")
                raise

    def close(self) -> None:
        if self._uses.over():
            self._bulk.close()
            self._client.close()


class EmbeddedSession:
    """One handle; see `Session`."""

    def __init__(self, handle: Connection, path: Path | None) -> None:
        self._handle = handle
        self._path = path
        self.rows: int | None = None

    def raw(self, sql: str, fmt: str, params: Params | None = None) -> bytes:
        with _translated(self._path):
            texts = {name: text(value) for name, value in (params or {}).items()}
            result = self._handle.query(sql, fmt, params=texts)
            self.rows = 0 if result is None else int(result.rows_read())
            return b"" if result is None else cast(bytes, result.bytes())


def _options(config: StoreConfig, cold: Path | None) -> dict[str, str]:
    # ClickHouse takes the place of its users file from the environment; a change of ours in it is
    # of no harm to others, and the file cannot be named relative to the other one.
    os.environ[_USERS] = str(_CONFIG / "users.xml")
    if cold:
        os.environ[_COLD] = f"{cold}/"
    return {
        "config-file": str(_CONFIG / ("config_cold.xml" if cold else "config.xml")),
        "max_server_memory_usage": str(config.max_memory),
        "max_memory_usage": str(config.max_memory * 3 // 4),
        "mark_cache_size": str(config.mark_cache),
        "background_pool_size": str(config.background_threads),
    }


def _connection_string(config: StoreConfig, options: Mapping[str, str]) -> str:
    pairs = urlencode(options)  # as clickhouse-connect writes them
    path = str(config.path)
    return f"{path if path == _MEMORY else Path(path).resolve()}?{pairs}"


def _own_folder(path: Path) -> None:
    """Make the folder before chDB does, which would let others list it."""
    path.mkdir(mode=0o700, parents=True, exist_ok=True)
    path.chmod(0o700)


def _prepare(handle: Connection, database: str, settings: Settings) -> None:
    handle.query(f"USE {database}", "TabSeparated")
    for name, value in settings.items():
        handle.query(f"SET {name} = {_quoted(value)}", "TabSeparated")


def _quoted(value: str | int) -> str:
    return "'" + str(value).replace("\\", "\\\\").replace("'", "\\'") + "'"


class _Pieces:
    """A file that hands on what is written to it: the whole stream is never in memory.

    Arrow writes each buffer of each column by itself. To hand one on wakes the engine up, so small
    ones wait for others.
    """

    closed = False

    def __init__(self, append: Callable[[memoryview | bytearray], None]) -> None:
        self._append = append
        self._small = bytearray()

    def write(self, data: pa.Buffer) -> int:
        """Hand it on in pieces, or keep it for the next."""
        whole = memoryview(data)
        if len(self._small) + len(whole) > _PIECE_BYTES:
            self.hand_on()
        if len(whole) > _PIECE_BYTES:
            for at in range(0, len(whole), _PIECE_BYTES):
                self._append(whole[at : at + _PIECE_BYTES])
        else:
            self._small += whole
        return len(whole)

    def hand_on(self) -> None:
        """What waits."""
        if self._small:
            self._append(self._small)
            self._small = bytearray()


def _send(rows: pa.Table, append: Callable[[memoryview | bytearray], None]) -> None:
    """Give a table as an Arrow stream; its record batches become one block (`_SESSION`)."""
    pieces = _Pieces(append)
    with pa.ipc.new_stream(pa.PythonFile(pieces, "w"), rows.schema) as writer:
        writer.write_table(rows)
    pieces.hand_on()


@contextmanager
def _translated(path: Path | None) -> Iterator[None]:
    """Errors of chDB and of clickhouse-connect become ours."""
    try:
        yield
    except ClientError as error:
        raise _of(error, error.code or 0, path) from error
    except RuntimeError as error:
        raise _of(error, errors.code_in(str(error)), path) from error
    except chdb.ChdbError as error:
        raise _of(error, errors.code_in(str(error)), path) from error


def _of(error: Exception, code: int, path: Path | None) -> errors.StoreError:
    text = str(error)
    if "Error initializing EmbeddedServer" in text or code == 76:
        holder = _holder(path)
        if holder:
            return errors.StoreLocked(
                f"store {path}: held by {holder}; query it through the running collector, "
                "or stop that process first",
                code,
            )
    return errors.of_engine(error, code)


def _holder(path: Path | None) -> str:
    """Who has the lock on the engine's status file, in its own words; empty if nobody has."""
    status = Path(str(path)) / "status"
    try:
        with status.open("rb") as file:
            try:
                fcntl.flock(file, fcntl.LOCK_SH | fcntl.LOCK_NB)
            except OSError:
                words = file.read(200).decode("utf-8", "replace").split("\n")
                return (
                    " ".join(word for word in words if word.startswith("PID")).lower() or "another"
                )
    except OSError:
        return ""
    return ""
