"""Group commit: requests that arrive during one fsync share the next one.

`submit` returns after the frame is on disk. Writing and syncing run on one worker thread, so that
the event loop never waits for the disk; a segment that is due is closed in between.
"""

import asyncio
import contextlib
import logging
from collections.abc import Awaitable, Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Final

from auditspan.wire.errors import WireError
from auditspan.wire.spool import SpoolWriter

LOG = logging.getLogger("auditspan.collector.front")

_LOOK_SECONDS: Final = 0.1
"""How often the age of an open segment is looked at."""

Closed = Callable[[str], Awaitable[None]]
"""Told the batch id of every closed segment."""


@dataclass(slots=True)
class _Waiting:
    frame: bytes
    spans: int
    done: "asyncio.Future[None]"


class Committer:
    """Puts frames into the spool, durably."""

    def __init__(self, writer: SpoolWriter, closed: Closed) -> None:
        self._writer = writer
        self._closed = closed
        self._waiting: list[_Waiting] = []
        self._wake = asyncio.Event()
        self._disk = ThreadPoolExecutor(1, thread_name_prefix="spool")
        self._task: asyncio.Task[None] | None = None
        self._stopping = False

    def start(self) -> None:
        """Begin to write; call it inside the event loop."""
        self._task = asyncio.create_task(self._run())

    async def submit(self, frame: bytes, spans: int) -> None:
        """Return once the frame is on disk. Raises `SpoolFull`, `SpoolFailed`: nothing is kept."""
        waiting = _Waiting(frame, spans, asyncio.get_running_loop().create_future())
        self._waiting.append(waiting)
        self._wake.set()
        await waiting.done

    async def close(self) -> None:
        """Write what waits, and close the last segment."""
        self._stopping = True
        self._wake.set()
        if self._task is not None:
            await self._task
        self._disk.shutdown()

    async def _run(self) -> None:
        loop = asyncio.get_running_loop()
        while True:
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._wake.wait(), _LOOK_SECONDS)
            self._wake.clear()
            group, self._waiting = self._waiting, []
            last = self._stopping and not self._waiting
            done, batches = await loop.run_in_executor(self._disk, self._write, group, last)
            for waiting, error in zip(group, done, strict=True):
                _answer(waiting, error)
            for batch_id in batches:
                await self._closed(batch_id)
            if last:
                return

    def _write(self, group: list[_Waiting], last: bool) -> tuple[list[WireError | None], list[str]]:
        """Append, sync, close what is due. On the worker thread."""
        done: list[WireError | None] = []
        batches: list[str] = []
        for waiting in group:
            done.append(self._append(waiting))
        # One that failed is told so; the others need the sync.
        if group and not all(done):
            try:
                self._writer.sync()
            except WireError as error:
                done = [found or error for found in done]
        try:
            if last or self._writer.due():
                name = self._writer.roll()
                batches += [name] if name else []
        except WireError as error:
            LOG.error("segment cannot be closed now: %s", error)
        return done, batches

    def _append(self, waiting: _Waiting) -> WireError | None:
        try:
            self._writer.append(waiting.frame, waiting.spans)
        except WireError as error:
            return error
        return None


def _answer(waiting: _Waiting, error: WireError | None) -> None:
    if waiting.done.done():
        return
    if error is None:
        waiting.done.set_result(None)
    else:
        waiting.done.set_exception(error)
