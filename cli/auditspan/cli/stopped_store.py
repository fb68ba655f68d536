"""The embedded store of a stopped collector, read in this process."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pyarrow as pa

from auditspan.cli.errors import NoStore
from auditspan.storage.engine import open_embedded
from auditspan.storage.errors import StatementRefused
from auditspan.storage.query import Statement, execute
from auditspan.storage.values import text

_UNKNOWN_TABLE = 60


class StoppedStore:
    """Reads a folder whose lock the caller holds."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._engine = open_embedded(folder)

    def arrow(self, sql: str, params: Mapping[str, Any] | None = None) -> pa.Table:
        """Run one statement."""
        texts = {name: text(value) for name, value in (params or {}).items()}
        try:
            body = execute(self._engine, Statement(sql, "ArrowStream", texts)).body
        except StatementRefused as error:
            if error.code == _UNKNOWN_TABLE and "audit_records" in str(error):
                raise NoStore(
                    f"{self._folder} holds no records yet; start the collector with `auditspan up`"
                ) from error
            raise
        return pa.ipc.open_stream(body).read_all()

    def close(self) -> None:
        """Let go of the store."""
        self._engine.close()
