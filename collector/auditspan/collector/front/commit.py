"""Group commit: requests that arrive during one fsync share the next one.

A sender that waits for each answer has its own, at once. While several send at a time, syncs are
some milliseconds apart: each costs as much as taking a small request in.

`submit` returns after the frame is on disk. Writing and syncing run on one worker thread, so that
the event loop never waits for the disk. A segment is closed when it is due, and before a request of
another UTC day: the records of one batch are of one day (DESIGN §4).
"""

import asyncio
import contextlib
import logging
import time
from collections.abc import Awaitable, Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Final

from auditspan.collector.front.recent_log import Row
from auditspan.collector.front.segment_log import SegmentLog
from auditspan.wire.errors import SpoolFailed, WireError
from auditspan.wire.spool import SpoolWriter

LOG = logging.getLogger("auditspan.collector.front")

_LOOK_SECONDS: Final = 0.05
"""The shortest wait before a segment that could not be closed is tried again."""
_APART_SECONDS: Final = 0.004
"""From the beginning of one write to that of the next, while requests come together."""
_TELL_SECONDS: Final = 5.0
"""How long `close` waits for those who are told of batches; they find them in the spool, too."""
_NOT_WRITTEN: Final = "spool: not written, send it again"
_DAY: Final = 86_400_000_000_000

Closed = Callable[[str], Awaitable[None]]
"""Told the batch id of every closed segment."""


@dataclass(frozen=True, slots=True)
class _Waiting:
    frame: bytes
    spans: int
    received_at: int
    row: Row | None
    done: "asyncio.Future[None]"


class Committer:
    """Puts frames into the spool, durably."""

    def __init__(
        self, writer: SpoolWriter, closed: Closed, now_ns: Callable[[], int] = time.time_ns
    ) -> None:
        """The spool must be recovered. `closed` is told of one batch after the other."""
        self._spool = SegmentLog(writer, now_ns)
        self._writer = writer
        self._closed = closed
        self._now_ns = now_ns
        self._waiting: list[_Waiting] = []
        self._wake = asyncio.Event()
        self._batches: asyncio.Queue[str | None] = asyncio.Queue()
        self._disk = ThreadPoolExecutor(1, thread_name_prefix="spool")
        self._tasks: list[asyncio.Task[None]] = []
        self._stopping = False

    def start(self) -> None:
        """Begin to write; call it inside the event loop."""
        if not self._tasks:
            self._tasks = [asyncio.create_task(self._run()), asyncio.create_task(self._tell())]

    async def submit(
        self, frame: bytes, spans: int, received_at: int = 0, row: Row | None = None
    ) -> None:
        """Return once the frame is on disk. Raises `SpoolFull`, `SpoolFailed`: nothing is kept.

        The frame may be on disk if this is cancelled.
        """
        if self._stopping:
            raise SpoolFailed("spool: the collector is stopping, send it to the next one")
        done = asyncio.get_running_loop().create_future()
        at = received_at or self._now_ns()
        self._waiting.append(_Waiting(frame, spans, at, row, done))
        self._wake.set()
        await done

    async def close(self) -> None:
        """Write what waits, and close the last segment."""
        self._stopping = True
        self._wake.set()
        if self._tasks:
            writing, telling = self._tasks
            await writing
            self._batches.put_nowait(None)
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(telling, _TELL_SECONDS)
        self._disk.shutdown()

    async def _run(self) -> None:
        loop = asyncio.get_running_loop()
        group: list[_Waiting] = []
        began = 0.0
        while True:
            await self._something()
            if len(group) > 1 and not self._stopping:
                await asyncio.sleep(began + _APART_SECONDS - loop.time())
            last, began = self._stopping, loop.time()
            group, self._waiting = self._waiting, []
            # Nothing that the disk does may end this loop: whoever waits needs an answer.
            try:
                errors, batches = await loop.run_in_executor(self._disk, self._write, group, last)
            except Exception:
                LOG.exception("the spool cannot be written")
                self._spool.taken()
                errors, batches = [SpoolFailed(_NOT_WRITTEN)] * len(group), []
            for waiting, error in zip(group, errors, strict=True):
                _answer(waiting.done, error)
            for batch_id in batches:
                self._batches.put_nowait(batch_id)
            if last:
                return

    async def _something(self) -> None:
        """Wait until there is something to write or to close; without either, for ever."""
        due = self._writer.due_in()
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(None if due is None else max(due, _LOOK_SECONDS)):
                await self._wake.wait()
        self._wake.clear()

    async def _tell(self) -> None:
        """Somebody who is slow to listen must not keep senders waiting."""
        while (batch_id := await self._batches.get()) is not None:
            try:
                await self._closed(batch_id)
            except Exception:
                LOG.exception("batch %s: it waits in the spool", batch_id)

    def _write(self, group: list[_Waiting], last: bool) -> tuple[list[WireError | None], list[str]]:
        """Write a group, and say what became of it. On the worker thread."""
        try:
            self._put(group, last)
        except Exception:
            LOG.exception("the spool cannot be written")
            self._spool.abandon(len(group), SpoolFailed(_NOT_WRITTEN))
        return self._spool.taken()

    def _put(self, group: list[_Waiting], last: bool) -> None:
        """Append, close what is due, sync."""
        spool = self._spool
        for waiting in group:
            day = waiting.received_at // _DAY
            if spool.day not in (None, day) or self._writer.due(len(waiting.frame), waiting.spans):
                spool.roll()
            spool.append(waiting.frame, waiting.spans, day, waiting.row)
        spool.sync()
        if last or self._writer.due():
            spool.roll()


def _answer(done: "asyncio.Future[None]", error: WireError | None) -> None:
    if done.done():
        return
    if error is None:
        done.set_result(None)
    else:
        done.set_exception(error)
