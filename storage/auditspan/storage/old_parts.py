"""Remove the files of parts that mutations and merges replaced, which the engine keeps a while.

What was erased or has expired still lies in them. An embedded engine only: of a server, whoever
administers it decides when replaced parts go (eight minutes, unless set otherwise).
"""

import time
from collections.abc import Iterable
from typing import Final

from auditspan.storage.engine import Engine
from auditspan.storage.errors import ErasureIncomplete
from auditspan.storage.render import Target

LIFETIME: Final = 480
"""Seconds that replaced parts stay, as our tables are made (`render.py`)."""
_SECONDS: Final = 60.0
_OLD: Final = (
    "SELECT count() FROM system.parts WHERE database = currentDatabase() "
    "AND table = {table:String} AND NOT active"
)


def drop_old_parts(engine: Engine, tables: Iterable[str], seconds: float = _SECONDS) -> None:
    """Remove them and wait until their files are gone.

    Raises `ErasureIncomplete` if a reader still uses some after these seconds.
    """
    if engine.kind != "embedded":
        return
    for name in tables:
        table = Target.of(engine).table(name)
        engine.command(f"ALTER TABLE {table} MODIFY SETTING old_parts_lifetime = 0")
        try:
            _wait(engine, table, time.monotonic() + seconds)
        finally:
            engine.command(f"ALTER TABLE {table} MODIFY SETTING old_parts_lifetime = {LIFETIME}")


def _wait(engine: Engine, table: str, until: float) -> None:
    while True:
        # Dropping a partition, also one that is not there, makes the engine look for old parts.
        engine.command(f"ALTER TABLE {table} DROP PARTITION ID 'none'")
        if not int(engine.raw(_OLD, "TSV", {"table": table})):
            return
        if time.monotonic() > until:
            raise ErasureIncomplete(f"table {table}: old parts are still in use; it is tried again")
        time.sleep(0.2)
