"""Backups of a running collector: the engine holds still, a snapshot is taken, the engine goes on.

The command line writes the backup of the snapshot, which it reads on the same machine. When it has
ended, well or not, the snapshot is removed: hard links keep what is erased meanwhile.
"""

import asyncio
import contextlib
import fcntl
import logging
import os
import secrets
import time
from collections.abc import Coroutine
from dataclasses import dataclass, field
from typing import Final, Literal

from pydantic import JsonValue

from auditspan.collector.backup.kinds import made
from auditspan.collector.backup.manifest import Taken
from auditspan.collector.backup.snapshot import LOCK, PLACE, drop, drop_all, frozen_of, take
from auditspan.collector.control.errors import ControlUnavailable, NotFound
from auditspan.collector.control.fields import Fields
from auditspan.collector.control.journal import Journal
from auditspan.collector.control.records import Party, Why, rfc3339
from auditspan.collector.control.two_persons import require
from auditspan.collector.data_dir import DataDir
from auditspan.collector.engine.messages import LONGEST_PAUSE, Paused
from auditspan.collector.engine_process import EngineProcess
from auditspan.collector.signing import Signing
from auditspan.identity.caller import Caller
from auditspan.identity.roles import Action

LOG = logging.getLogger("auditspan.collector")

_PAUSE_SECONDS: Final = 50.0
_LOOK_SECONDS: Final = 10.0
_SAY_SECONDS: Final = 10.0
"""How often the engine is told that it is still copied."""
_SILENT: Final = LONGEST_PAUSE / 2
"""Seconds without such a word from which on the engine may have gone on."""


@dataclass(slots=True)
class Backups:
    """At most one snapshot at a time."""

    data: DataDir
    engine: EngineProcess
    signing: Signing | None
    journal: Journal
    look_seconds: float = _LOOK_SECONDS
    """How long a snapshot may be without a reader."""
    pause_seconds: float = _PAUSE_SECONDS
    """How long the engine is waited for."""
    say_seconds: float = _SAY_SECONDS
    current: str = ""
    given_up: set[str] = field(default_factory=set)
    """Snapshots for which the engine may still hold still, and freeze what nobody reads."""
    waiting: "asyncio.Future[Paused] | None" = None
    watching: set["asyncio.Task[None]"] = field(default_factory=set)

    def __post_init__(self) -> None:
        drop_all(self.data)

    async def begin(self, caller: Caller, *, secrets_too: bool) -> Fields:
        """Take a snapshot. Raises ControlForbidden, ControlUnavailable."""
        require(caller, Action.LOG_KEYS)
        if self.current:
            raise ControlUnavailable("a backup is under way: try again after its end")
        id = self.current = secrets.token_hex(8)
        try:
            # No change of the registry without its record in the spool, and none on its way.
            async with self.journal.one:
                paused = await self._taken(id, secrets_too=secrets_too)
        except BaseException:
            self.given_up.add(id)
            await self._drop(id)
            raise
        self._keep(self._watch(id))
        return {"id": id, "tables": dict(paused.tables)}

    async def end(self, id: str, says: Fields, why: Why, caller: Caller) -> Fields:
        """Remove a snapshot; of a backup that was made, `says` is sealed. Raises NotFound."""
        require(caller, Action.LOG_KEYS)
        if id != self.current:
            raise NotFound(f"backup {id!r}: there is none under way")
        await self._drop(id)
        if says:
            body: dict[str, JsonValue] = dict(says)
            record = made(body, why, Party.of(caller), self.journal.now_ns())
            await self.journal.write(record)
        return {}

    def on_paused(self, message: Paused) -> None:
        """The engine holds still, or says why not."""
        if message.name in self.given_up:
            # Too late: hard links keep what is erased.
            self._keep(asyncio.to_thread(drop, self.data, message.name))
        elif self.waiting is not None and not self.waiting.done() and message.name == self.current:
            self.waiting.set_result(message)

    async def _taken(self, id: str, *, secrets_too: bool) -> Paused:
        self.waiting = asyncio.get_running_loop().create_future()
        if not await self.engine.pause(id):
            raise ControlUnavailable("the engine is not ready: try again")
        try:
            paused = await asyncio.wait_for(self.waiting, self.pause_seconds)
            if paused.refused:
                raise ControlUnavailable(f"the engine cannot pause now: {paused.refused}")
            if self.signing is not None:
                # Notes of what is signed are on their way to their files.
                await asyncio.gather(*self.signing.tasks, return_exceptions=True)
            taken = self._described(paused, secrets_too=secrets_too)
            frozen = frozen_of(paused.name, paused.tables) if paused.tables else None
            await self._copied(id, asyncio.to_thread(take, self.data, id, taken, frozen))
        except TimeoutError as error:
            raise ControlUnavailable("the engine does not pause: is the store down?") from error
        except OSError as error:
            raise ControlUnavailable(f"no snapshot can be taken: {error}") from error
        finally:
            await self.engine.go_on()
        return paused

    async def _copied(self, id: str, copying: Coroutine[None, None, object]) -> None:
        """Copy while the engine holds still, however long that takes."""
        task, said, longest = asyncio.create_task(copying), time.monotonic(), 0.0
        while not task.done():
            await asyncio.wait([task], timeout=self.say_seconds)
            longest = max(longest, time.monotonic() - said)
            if not task.done():
                await self.engine.pause(id)
                said = time.monotonic()
        await task
        if longest > _SILENT:
            raise ControlUnavailable(
                f"nothing was said to the engine for {longest:.0f} s, so it may not have held "
                "still: try again"
            )

    def _keep(self, work: Coroutine[None, None, None]) -> None:
        task = asyncio.create_task(work)
        self.watching.add(task)
        task.add_done_callback(self.watching.discard)

    def _described(self, paused: Paused, *, secrets_too: bool) -> Taken:
        kind: Literal["embedded", "server"] = "embedded" if paused.tables else "server"
        return Taken(
            instance=self.data.instance,
            taken_at=rfc3339(self.journal.now_ns()),
            running=True,
            store=kind,
            migrations={int(number): sum for number, sum in paused.migrations.items()},
            log=paused.log,
            size=paused.size,
            secrets=secrets_too,
        )

    async def _watch(self, id: str) -> None:
        """Until it has ended; one whose reader is gone is ended."""
        while self.current == id:
            await asyncio.sleep(self.look_seconds)
            if self.current == id and self._unread(id):
                LOG.warning("backup %s: nobody reads its snapshot any more, it is removed", id)
                await self._drop(id)

    def _unread(self, id: str) -> bool:
        try:
            held = os.open(self.data.root / PLACE / id / LOCK, os.O_RDONLY | os.O_CLOEXEC)
        except OSError:
            return True
        try:
            fcntl.flock(held, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return False
        finally:
            os.close(held)
        return True

    async def _drop(self, id: str) -> None:
        self.current = ""
        with contextlib.suppress(OSError):
            await asyncio.to_thread(drop, self.data, id)
