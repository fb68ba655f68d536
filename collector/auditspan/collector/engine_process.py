"""Front's side of the engine process: start it, talk to it, start it again when it ends.

What the engine has not finished lies in the spool, so its death loses nothing and a new one goes
on where the old one was.
"""

import asyncio
import logging
import os
import sys
import time
from asyncio.subprocess import PIPE, Process
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Final

from auditspan.collector.engine.messages import (
    Answered,
    Finish,
    GaveUp,
    GoOn,
    Message,
    Pause,
    Ready,
    SegmentClosed,
    Start,
    Warned,
    decode,
    encode,
)
from auditspan.collector.errors import EngineFailed

LOG = logging.getLogger("auditspan.collector.engine_process")

_KEPT_ENVIRONMENT: Final = ("PATH", "LANG", "LC_ALL", "TMPDIR", "VIRTUAL_ENV")
"""Everything else of the environment stays outside: SQL can read the engine's environment."""

_START_SECONDS: Final = 60.0
_END_SECONDS: Final = 5.0
"""For a process that closed its output to end by itself."""
_BACKOFF: Final = (0.5, 1.0, 2.0, 5.0, 10.0)
_LINE_LIMIT: Final = 64 << 20
_STEADY_SECONDS: Final = 60.0


@dataclass(slots=True)
class EngineProcess:
    """The one engine of a collector."""

    start: Start
    on_message: Callable[[Message], None]
    process: Process | None = None
    ready: asyncio.Event = field(default_factory=asyncio.Event)
    trouble: str = ""
    """Why the engine is not ready, in its own words or ours; empty if nothing is known."""
    stopping: bool = False
    gave_up: asyncio.Event = field(default_factory=asyncio.Event)
    """The engine ended, and another one would end as well; `trouble` says why."""

    async def run(self) -> None:
        """Keep an engine running until `stop`."""
        failures = 0
        while not self.stopping:
            began = time.monotonic()
            try:
                await self._once()
            except EngineFailed as error:
                if self._stops() or self.gave_up.is_set():
                    return
                failures = 0 if time.monotonic() - began > _STEADY_SECONDS else failures
                delay = _BACKOFF[min(failures, len(_BACKOFF) - 1)]
                failures += 1
                self.trouble = self.trouble or str(error)
                LOG.error("%s; nothing is lost, next try in %.1f s", error, delay)
                await asyncio.sleep(delay)

    async def closed(self, name: str) -> None:
        """Tell the engine of a closed segment; a lost message is made good at its next start."""
        if self.ready.is_set() and not await self._send(SegmentClosed(name)):
            LOG.warning("the engine is gone, segment %s waits in the spool", name)

    async def answer(self, number: int, answer: dict[str, Any]) -> None:
        """Answer a question of the engine; one that is gone asks again when it is back."""
        await self._send(Answered(number, answer))

    async def pause(self, name: str) -> bool:
        """Ask the engine to hold still, which says `Paused`; False if it is not ready."""
        return self.ready.is_set() and await self._send(Pause(name))

    async def go_on(self) -> None:
        """End a pause."""
        await self._send(GoOn())

    async def _send(self, message: Message) -> bool:
        if self.process is None or self.process.stdin is None:
            return False
        try:
            self.process.stdin.write(encode(message))
            await self.process.stdin.drain()
        except (BrokenPipeError, ConnectionResetError):
            return False
        return True

    async def stop(self, seconds: float) -> None:
        """Let the engine finish what is in the spool, for so long; then it ends."""
        self.stopping = True
        if self.process is None or self.process.returncode is not None:
            return
        # Its input stays open: it may have to ask for signatures before it is done.
        await self._send(Finish())
        try:
            await asyncio.wait_for(self.process.wait(), seconds)
        except TimeoutError:
            LOG.warning("the engine did not finish in %g s and is ended", seconds)
            self.process.kill()
            await self.process.wait()

    def _stops(self) -> bool:
        """Asked anew after each wait: `stop` runs in between."""
        return self.stopping

    async def _once(self) -> None:
        environment = {key: os.environ[key] for key in _KEPT_ENVIRONMENT if key in os.environ}
        self.process = await asyncio.create_subprocess_exec(
            sys.executable,
            # Without -P the folder we were started in would be a place of modules, and so readable.
            "-P",
            "-m",
            "auditspan.collector.engine",
            stdin=PIPE,
            stdout=PIPE,
            env={**environment, "TZ": "UTC", "PYTHONUNBUFFERED": "1"},
            limit=_LINE_LIMIT,
            # A Ctrl-C is for front, which lets the engine finish.
            start_new_session=True,
        )
        assert self.process.stdin is not None and self.process.stdout is not None
        try:
            self.process.stdin.write(encode(self.start))
            await self.process.stdin.drain()
            await self._listen(self.process.stdout)
        except (OSError, TimeoutError) as error:
            raise EngineFailed(f"the engine stopped talking ({type(error).__name__})") from error
        except ValueError as error:
            raise EngineFailed(f"the engine said what is no message: {error}") from error
        finally:
            self.ready.clear()
            code = await self._ended(self.process)
        raise EngineFailed(f"the engine ended with code {code}")

    async def _ended(self, process: Process) -> int:
        """The exit code of a process that ends or is to end; one that does not is killed.

        Not killed at once: a signal to a child that has just ended takes its exit code away.
        """
        assert process.stdin is not None
        process.stdin.close()
        if not self.stopping:
            try:
                return await asyncio.wait_for(process.wait(), _END_SECONDS)
            except TimeoutError:
                process.kill()
        return await process.wait()

    async def _listen(self, stdout: asyncio.StreamReader) -> None:
        timeout: float | None = _START_SECONDS
        while line := await asyncio.wait_for(stdout.readline(), timeout):
            message = decode(line)
            if isinstance(message, Ready):
                self.ready.set()
                self.trouble, timeout = "", None
            elif isinstance(message, GaveUp):
                self.trouble = message.reason
                self.gave_up.set()
            elif isinstance(message, Warned) and not self.ready.is_set():
                self.trouble = message.message
            self._tell(message)

    def _tell(self, message: Message) -> None:
        try:
            self.on_message(message)
        except Exception:
            LOG.exception("a %s of the engine could not be taken", type(message).__name__)
