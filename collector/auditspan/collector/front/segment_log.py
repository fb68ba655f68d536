"""The spool with its memory: a segment is closed only after its requests stand in the recent log.

A request counts as written when a sync behind it succeeded, and as failed when the first one behind
it did not. Used from one thread at a time.
"""

import logging
from collections.abc import Callable

from auditspan.collector.front.recent_log import RecentLog, Row
from auditspan.wire.errors import WireError
from auditspan.wire.spool import SpoolWriter

LOG = logging.getLogger("auditspan.collector.front")


class SegmentLog:
    """Writes frames and remembers requests."""

    def __init__(self, writer: SpoolWriter, now_ns: Callable[[], int]) -> None:
        self._writer = writer
        self._now_ns = now_ns
        self._recent = RecentLog(writer.folder)
        self._errors: list[WireError | None] = []
        self._batches: list[str] = []
        self._unsynced: list[Row] = []
        self._durable = 0
        self._rows: list[Row] = []
        self.day: int | None = None
        """UTC day of the open segment, None without one."""

    def append(self, frame: bytes, spans: int, day: int, row: Row | None) -> None:
        """Write a frame; `taken` says what became of it."""
        try:
            self._writer.append(frame, spans)
        except WireError as error:
            self._errors.append(error)
            return
        self.day = day
        self._errors.append(None)
        if row is not None:
            self._unsynced.append(row)

    def sync(self) -> None:
        """Make durable what was appended."""
        if None not in self._errors[self._durable :]:
            self._durable = len(self._errors)
            return
        try:
            self._writer.sync()
        except WireError as error:
            self._fail(error)
        else:
            self._rows += self._unsynced
            self._settle()

    def roll(self) -> None:
        """Close the segment, after what is needed to know its requests again is on disk."""
        self.sync()
        self._remember()
        try:
            while (name := self._writer.roll()) is not None:
                self._batches.append(name)
            self.day = None
        except WireError as error:
            # What was synced is a batch all the same, and named by the next call.
            self.day = None
            LOG.error("a segment cannot be closed now: %s", error)

    def abandon(self, frames: int, error: WireError) -> None:
        """After a fault amid so many frames: those without a sync behind them are not kept."""
        self._writer.drop()
        self._errors += [error] * (frames - len(self._errors))
        self._fail(error)

    def taken(self) -> tuple[list[WireError | None], list[str]]:
        """What became of the frames since the last call, and the batches that were closed."""
        errors, batches = self._errors, self._batches
        self._errors, self._batches, self._durable = [], [], 0
        return errors, batches

    def _remember(self) -> None:
        try:
            self._recent.append(self._rows, self._now_ns())
        except OSError as error:
            # The answer is out, and a record that may come twice is better than none.
            LOG.error("recent log: %s: repeats may be stored twice", error.strerror)
        self._rows = []

    def _fail(self, error: WireError) -> None:
        tail = self._errors[self._durable :]
        self._errors[self._durable :] = [found or error for found in tail]
        # The segment ended with what was synced of it.
        self._remember()
        self.day = None
        self._settle()

    def _settle(self) -> None:
        self._durable = len(self._errors)
        self._unsynced = []
