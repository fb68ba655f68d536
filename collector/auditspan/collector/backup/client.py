"""Backups as the command line asks for them, of a running collector or a stopped one."""

import asyncio
import fcntl
import os
import secrets
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from typing import Final, Protocol

from auditspan.collector.backup.errors import BackupInterrupted
from auditspan.collector.backup.kinds import made
from auditspan.collector.backup.manifest import Made, Taken
from auditspan.collector.backup.snapshot import (
    LOCK,
    PLACE,
    Snapshot,
    drop,
    drop_all,
    frozen_of,
    opened,
    take,
)
from auditspan.collector.backup.writing import Written
from auditspan.collector.control.fields import Fields
from auditspan.collector.control.journal import Journal
from auditspan.collector.control.records import Party, Why, rfc3339
from auditspan.collector.control.two_persons import require
from auditspan.collector.data_dir import SIGNER, DataDir
from auditspan.collector.signer.state import read_state
from auditspan.identity.caller import Caller
from auditspan.identity.roles import Action
from auditspan.storage.engine import open_embedded
from auditspan.storage.freezing import Frozen, freeze

Ask = Callable[[str, str, Fields | None], Fields]
_ENGINE_SECONDS: Final = 30.0
_LOCK_SECONDS: Final = 0.1


class BackupsClient(Protocol):
    """A snapshot for as long as it is read, and what became of it."""

    def begin(self, *, secrets_too: bool) -> Snapshot: ...
    def end(self, snapshot: Snapshot, written: Written | None, why: Why) -> None: ...


@dataclass(frozen=True, slots=True)
class LocalBackups:
    """Works on a folder whose lock this process holds."""

    data: DataDir
    journal: Journal
    caller: Caller

    def begin(self, *, secrets_too: bool) -> Snapshot:
        """Take a snapshot. Raises ControlForbidden, BackupInterrupted and what the store raises."""
        require(self.caller, Action.LOG_KEYS)
        drop_all(self.data)
        self._alone()
        id = secrets.token_hex(8)
        frozen = self._frozen(id)
        log, size = self._signed()
        taken = Taken(
            instance=self.data.instance,
            taken_at=rfc3339(time.time_ns()),
            running=False,
            store="embedded" if frozen else "server",
            migrations=dict(frozen.migrations) if frozen else {},
            log=log,
            size=size,
            secrets=secrets_too,
        )
        return take(self.data, id, taken, frozen)

    def end(self, snapshot: Snapshot, written: Written | None, why: Why) -> None:
        """Remove it; a record of a backup waits in the spool for the next start."""
        drop(self.data, snapshot.id)
        if written is not None:
            body = _says(written, snapshot)
            record = made(body, why, Party.of(self.caller), self.journal.now_ns())
            asyncio.run(self.journal.write(record))

    def _alone(self) -> None:
        """An engine whose front was killed may still be at work; no other begins while we lock."""
        folder, until = self.data.folder("run"), time.monotonic() + _ENGINE_SECONDS
        held = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        try:
            while not _locked(held):
                if time.monotonic() > until:
                    raise BackupInterrupted(
                        f"{self.data.root}: the engine of an earlier start still works on it: "
                        "try again"
                    )
                time.sleep(_LOCK_SECONDS)
        finally:
            os.close(held)

    def _frozen(self, id: str) -> Frozen | None:
        store = self.data.folder("store")
        if not any(store.iterdir()):
            return None
        with closing(open_embedded(store)) as engine:
            return freeze(engine, id)

    def _signed(self) -> tuple[str, int]:
        logs = read_state(self.data.root / SIGNER).logs
        return (logs[-1].origin, logs[-1].size) if logs else ("", 0)


@dataclass(frozen=True, slots=True)
class RemoteBackups:
    """Asks the collector that runs on a folder of this machine."""

    data: DataDir
    ask: Ask = field(repr=False)

    def begin(self, *, secrets_too: bool) -> Snapshot:
        """Take a snapshot. Raises what the collector says, and BackupInterrupted."""
        answer = self.ask("POST", "backups", {"secrets": secrets_too})
        id, tables = str(answer["id"]), answer["tables"]
        frozen = frozen_of(id, tables) if isinstance(tables, dict) and tables else None
        return opened(self.data, id, frozen)

    def end(self, snapshot: Snapshot, written: Written | None, why: Why) -> None:
        """Have it removed; a backup that was made is sealed."""
        body: Fields = {"why": why.model_dump(mode="json")}
        if written is not None:
            body["made"] = _says(written, snapshot)
        self.ask("POST", f"backups/{snapshot.id}/end", body)


@contextmanager
def reading(snapshot: Snapshot) -> Iterator[None]:
    """Keep a snapshot while it is read: one that nobody holds is removed."""
    held = os.open(snapshot.data.root / PLACE / snapshot.id / LOCK, os.O_RDONLY | os.O_CLOEXEC)
    try:
        fcntl.flock(held, fcntl.LOCK_SH)
        yield
    finally:
        os.close(held)


def _locked(descriptor: int) -> bool:
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def _says(written: Written, snapshot: Snapshot) -> Fields:
    return Made(
        id=written.digest,
        files=written.files,
        bytes=written.bytes,
        secrets=snapshot.taken.secrets,
    ).model_dump()
