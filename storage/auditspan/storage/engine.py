"""One interface over both engines: ClickHouse in this process (chDB) and a ClickHouse server.

Both speak through clickhouse-connect. Two things go to chDB itself: inserts, because
clickhouse-connect writes them to a file in the temporary folder first, and sessions, because
`readonly` cannot be taken back on a handle and a new client costs ten times a new handle.
"""

from collections.abc import Mapping
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Protocol

import pyarrow as pa

from auditspan.storage import memory
from auditspan.storage.config import StoreConfig
from auditspan.storage.values import Params
from auditspan.storage.whole_import import uninterrupted

Settings = Mapping[str, str | int]


class Session(Protocol):
    """A connection of its own, whose settings die with it."""

    rows: int | None
    """Rows of the last result; None if the engine does not say."""

    def raw(self, sql: str, fmt: str, params: Params | None = None) -> bytes:
        """Run a statement; `fmt` is for results of statements that name no format themselves."""
        ...


class Engine(Protocol):
    """What the rest of storage asks of ClickHouse. Safe to use from several threads."""

    @property
    def kind(self) -> str:
        """`embedded` or `server`."""
        ...

    @property
    def config(self) -> StoreConfig:
        """What it was opened with."""
        ...

    def arrow(
        self, sql: str, params: Params | None = None, settings: Settings | None = None
    ) -> pa.Table:
        """Run a query and give its result as an Arrow table."""
        ...

    def raw(
        self,
        sql: str,
        fmt: str = "TabSeparated",
        params: Params | None = None,
        settings: Settings | None = None,
    ) -> bytes:
        """Run a query and give the bytes of its result in a format of ClickHouse."""
        ...

    def command(self, sql: str, params: Params | None = None) -> None:
        """Run a statement that has no result."""
        ...

    def insert(self, table: str, rows: pa.Table, query_id: str = "") -> None:
        """Insert rows by column name as one block, so that they become one part of a partition."""
        ...

    def session(self, settings: Settings | None = None) -> AbstractContextManager[Session]:
        """Open a connection of its own with these settings; they cannot be taken back there."""
        ...

    def close(self) -> None:
        """Let go of the store; what another thread still asks keeps it, until the process ends."""
        ...


def open_engine(config: StoreConfig) -> Engine:
    """Open the store that the configuration names."""
    # Here, so that a client of a server never loads the 555 MB of the embedded engine.
    if config.path is None:
        from auditspan.storage.server import ServerEngine

        return ServerEngine(config)
    return _embedded(config)


def open_embedded(path: Path) -> Engine:
    """Open the embedded store in a folder with default limits."""
    return open_engine(StoreConfig(path=path))


def open_memory() -> Engine:
    """An engine with no store, which decodes in front of a ClickHouse server."""
    return _embedded(StoreConfig(path=Path(":memory:")))


def _embedded(config: StoreConfig) -> Engine:
    if memory.keep_for_engine():
        pa.set_memory_pool(pa.system_memory_pool())
    with uninterrupted():
        from auditspan.storage.embedded import EmbeddedEngine

    return EmbeddedEngine(config)


def open_server(url: str, user: str = "default", password_file: Path | None = None) -> Engine:
    """Open a ClickHouse server."""
    return open_engine(StoreConfig(url=url, user=user, password_file=password_file))
