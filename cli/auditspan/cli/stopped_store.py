"""The embedded store of a stopped collector, read in this process."""

from collections.abc import Iterator, Mapping
from contextlib import closing, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pyarrow as pa

from auditspan.cli.errors import NoStore
from auditspan.collector.control.stopped import submitting
from auditspan.collector.query.outcome import OK
from auditspan.collector.query.stopped import StoppedReader, caller_on
from auditspan.storage.engine import open_embedded
from auditspan.storage.errors import of_engine
from auditspan.storage.query import Statement
from auditspan.storage.values import text

if TYPE_CHECKING:
    from auditspan.collector.control.service import Submit
    from auditspan.collector.data_dir import DataDir
    from auditspan.collector.query.claims import Claims
    from auditspan.identity.caller import Caller

_UNKNOWN_TABLES = frozenset({60, 81})


class StoppedStore:
    """Reads a folder whose lock the caller holds; every read is logged there."""

    def __init__(self, folder: Path, caller: "Caller", claims: "Claims", submit: "Submit") -> None:
        self._folder = folder
        self._engine = open_embedded(folder)
        self._reader = StoppedReader(self._engine, caller, claims, submit)

    def arrow(self, sql: str, params: Mapping[str, Any] | None = None) -> pa.Table:
        """Run one statement."""
        texts = {name: text(value) for name, value in (params or {}).items()}
        outcome = self._reader.read(Statement(sql, "ArrowStream", texts))
        if outcome.code == OK:
            return pa.ipc.open_stream(outcome.body).read_all()
        words = outcome.body.decode(errors="replace").strip()
        if outcome.code in _UNKNOWN_TABLES and self._empty():
            raise NoStore(
                f"{self._folder} holds no records yet; start the collector with `auditspan up`"
            )
        raise of_engine(RuntimeError(words), outcome.code)

    def _empty(self) -> bool:
        """Whether no collector has made its tables there yet."""
        sql = "SELECT count() FROM system.tables WHERE name = 'audit_records'"
        return self._engine.raw(sql).strip() == b"0"

    def close(self) -> None:
        """Let go of the store."""
        self._engine.close()


@contextmanager
def stopped_store(
    data: "DataDir", token_file: Path | None, claims: "Claims"
) -> Iterator[StoppedStore]:
    """The store of a folder, for whoever the token proves."""
    caller = caller_on(data, token_file)
    with (
        submitting(data) as submit,
        closing(StoppedStore(data.folder("store"), caller, claims, submit)) as store,
    ):
        yield store
