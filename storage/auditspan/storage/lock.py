"""One migration at a time.

Embedded: one process holds the store, so a lock inside the process is enough. Server: creating a
table is atomic there, so the table `schema_lock` is the lock, its comment says who holds it, and
dropping it lets go. A lock of a process that is gone, or older than ten minutes, was left behind:
it is renamed away first, which only one of several can do. On a cluster the lock is on the server
that the URL names; migrate through one of them.
"""

import secrets
import threading
from collections.abc import Iterator
from contextlib import contextmanager

from auditspan.storage.engine import Engine
from auditspan.storage.errors import StatementRefused, StoreLocked
from auditspan.storage.lock_holder import is_gone, this_process, words

_TABLE_ALREADY_EXISTS = 57
_UNKNOWN_TABLE = 60
_STALE_SECONDS = 600

_in_process = threading.Lock()


@contextmanager
def migration_lock(engine: Engine) -> Iterator[None]:
    """Hold the lock, or raise `StoreLocked` naming who holds it."""
    if not _in_process.acquire(timeout=60):
        raise StoreLocked("schema: another thread of this process is migrating the store")
    try:
        if engine.kind == "embedded":
            yield
        else:
            with _server_lock(engine):
                yield
    finally:
        _in_process.release()


@contextmanager
def _server_lock(engine: Engine) -> Iterator[None]:
    _steal_if_stale(engine)
    holder = this_process()
    try:
        engine.command(f"CREATE TABLE schema_lock (x UInt8) ENGINE = Memory COMMENT '{holder}'")
    except StatementRefused as error:
        if error.code != _TABLE_ALREADY_EXISTS:
            raise
        who = words(_holder(engine)) or "somebody who has just finished"
        raise StoreLocked(
            f"schema: {who} is migrating the store, try again when it is done"
        ) from error
    try:
        yield
    finally:
        engine.command("DROP TABLE IF EXISTS schema_lock SYNC")


def _holder(engine: Engine, table: str = "schema_lock", older_than: int = -1) -> str:
    return (
        engine.raw(
            "SELECT comment FROM system.tables WHERE database = currentDatabase() "
            "AND name = {table:String} "
            "AND dateDiff('second', metadata_modification_time, now()) > {age:Int32}",
            "TSVRaw",
            {"table": table, "age": older_than},
        )
        .decode()
        .strip()
    )


def _steal_if_stale(engine: Engine) -> None:
    holder = _holder(engine)
    if not holder or not (is_gone(holder) or _holder(engine, older_than=_STALE_SECONDS)):
        return
    aside = f"schema_lock_{secrets.token_hex(4)}"
    try:
        engine.command(f"RENAME TABLE schema_lock TO {aside}")
    except StatementRefused as error:
        if error.code != _UNKNOWN_TABLE:
            raise
        return
    if _holder(engine, aside) != holder:
        # Meanwhile that one was let go of, and this is somebody else's.
        engine.command(f"RENAME TABLE {aside} TO schema_lock")
        return
    engine.command(f"DROP TABLE IF EXISTS {aside} SYNC")
