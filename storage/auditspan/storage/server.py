"""A ClickHouse server over HTTP."""

import io
import logging
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path

import clickhouse_connect
import pyarrow as pa
from clickhouse_connect.driver.client import Client
from clickhouse_connect.driver.exceptions import DatabaseError, OperationalError
from clickhouse_connect.driver.exceptions import Error as ClientError

from auditspan.storage import errors
from auditspan.storage.address import address
from auditspan.storage.config import StoreConfig
from auditspan.storage.engine import Session, Settings
from auditspan.storage.statement import output_format
from auditspan.storage.values import Params, moment

# Whoever waits for a server would have a line of it each second; errors say it all.
logging.getLogger("clickhouse_connect").setLevel(logging.ERROR)
_OF_TRANSPORT = (OperationalError, DatabaseError)
"""What the client raises, exactly these, when it cannot reach a server. Without a code of the
server's it says nothing about the statement: a name is not resolved, a certificate not trusted, or
a proxy answers for the server."""
# An insert is one block, and so one part, however large it is, and done when it returns.
_INSERT: dict[str, str | int] = {
    "async_insert": 0,
    "insert_deduplicate": 0,
    # Blocks name their columns. To look for defaults in them, the reader of blocks would work out
    # all computed columns of the table, half of what a small insert costs.
    "input_format_defaults_for_omitted_fields": 0,
    "min_insert_block_size_rows": 1_048_576,
    "min_insert_block_size_bytes": 4_000_000_000,
}


class ServerEngine:
    """A server; see `Engine`."""

    kind = "server"

    def __init__(self, config: StoreConfig) -> None:
        self.config = config
        self._address = address(config.url)
        with _translated(config.url):
            self._client = self._connect()
            self._client.database = config.database

    def _connect(self) -> Client:
        secure = self._address.scheme == "https"
        return clickhouse_connect.get_client(
            interface="https" if secure else "http",
            host=self._address.hostname or "localhost",
            port=self._address.port or (8443 if secure else 8123),
            username=self.config.user,
            password=_password(self.config.password_file),
            database="__default__",
            verify=self.config.verify_tls,
            ca_cert=str(self.config.ca_file) if self.config.ca_file else None,
            connect_timeout=min(10, self.config.timeout),
            send_receive_timeout=self.config.timeout,
            query_retries=0,
            autogenerate_session_id=False,
            compress=False,
        )

    def arrow(
        self, sql: str, params: Params | None = None, settings: Settings | None = None
    ) -> pa.Table:
        with _translated(self.config.url):
            return self._client.query_arrow(
                sql, parameters=_bound(params), settings=self._settable(settings), use_strings=True
            )

    def raw(
        self,
        sql: str,
        fmt: str = "TabSeparated",
        params: Params | None = None,
        settings: Settings | None = None,
    ) -> bytes:
        # The client appends a FORMAT, and a statement may have only one.
        appended = None if output_format(sql, "") else fmt
        with _translated(self.config.url):
            return self._client.raw_query(
                sql, parameters=_bound(params), settings=self._settable(settings), fmt=appended
            )

    def command(self, sql: str, params: Params | None = None) -> None:
        with _translated(self.config.url):
            # The database may not be there yet when the first migration runs.
            self._client.command(
                sql,
                parameters=_bound(params),
                use_database=not sql.startswith("CREATE DATABASE"),
            )

    def insert(self, table: str, rows: pa.Table, query_id: str = "") -> None:
        sink = io.BytesIO()
        with pa.ipc.new_stream(sink, rows.schema) as writer:
            writer.write_table(rows.combine_chunks())
        settings: dict[str, str | int] = {**_INSERT, **({"query_id": query_id} if query_id else {})}
        with _translated(self.config.url):
            self._client.raw_insert(
                table, rows.column_names, sink.getvalue(), settings=settings, fmt="ArrowStream"
            )

    @contextmanager
    def session(self, settings: Settings | None = None) -> Iterator[Session]:
        yield ServerSession(self, dict(settings or {}))

    def _settable(self, settings: Settings | None) -> dict[str, str | int]:
        """Without what the server has fixed, as it does for a user who may only read."""
        known = self._client.server_settings
        fixed = {name for name, setting in known.items() if setting.readonly}
        return {name: value for name, value in (settings or {}).items() if name not in fixed}

    def close(self) -> None:
        self._client.close()


class ServerSession:
    """Settings that go along with each request; see `Session`."""

    def __init__(self, engine: ServerEngine, settings: Settings) -> None:
        self._engine = engine
        self._settings = settings
        self.rows: int | None = None

    def raw(self, sql: str, fmt: str, params: Params | None = None) -> bytes:
        return self._engine.raw(sql, fmt, params, self._settings)


def _bound(params: Params | None) -> dict[str, object]:
    """Values for clickhouse-connect, which would cut a time to whole seconds."""
    return {
        name: moment(value) if isinstance(value, datetime) else value
        for name, value in (params or {}).items()
    }


def _password(file: Path | None) -> str:
    if file is None:
        return ""
    try:
        mode = stat.S_IMODE(file.stat().st_mode)
        text = file.read_text().strip()
    except OSError as error:
        raise errors.StoreError(f"storage.password_file: cannot read {file}: {error}") from error
    if mode & 0o077:
        raise errors.StoreError(
            f"storage.password_file: {file} has mode {mode:04o}, others may read it; chmod 600 it"
        )
    return text


@contextmanager
def _translated(url: str) -> Iterator[None]:
    try:
        yield
    except ClientError as error:
        code = error.code or errors.code_in(str(error))
        if not code and type(error) in _OF_TRANSPORT:
            raise errors.StoreUnavailable(f"store {url}: {_reason(error)}") from error
        raise errors.of_engine(error, code) from error
    except OSError as error:
        raise errors.StoreUnavailable(f"store {url}: {error}") from error


def _reason(error: Exception) -> str:
    """Why there is no answer of ClickHouse; the client wraps it in sentences of its own."""
    cause = error.__cause__
    return str(getattr(cause, "reason", None) or cause or error)
