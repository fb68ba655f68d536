"""Parametrised reads of our own programs: reports, the CLI, the collector's checks."""

from collections.abc import Mapping
from typing import Any

import pyarrow as pa

from auditspan.storage.engine import Engine
from auditspan.storage.read_settings import FIXED
from auditspan.storage.values import Params

_SETTINGS: Mapping[str, str | int] = {
    **FIXED,
    "output_format_arrow_string_as_string": 1,
    "output_format_arrow_compression_method": "none",
    "readonly": 1,
}


class Reader:
    """Reads a store on read-only connections; many may read while one writes."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    def arrow(self, sql: str, params: Params | None = None) -> pa.Table:
        """The result of a SELECT with `{name:Type}` parameters."""
        with self._engine.session(_SETTINGS) as session:
            return pa.ipc.open_stream(session.raw(sql, "ArrowStream", params)).read_all()

    def rows(self, sql: str, params: Params | None = None) -> list[dict[str, Any]]:
        """The same as rows; for answers of a size that people read."""
        rows: list[dict[str, Any]] = self.arrow(sql, params).to_pylist()
        return rows
