"""The background thread that brings segments to the collector and removes those that it has.

It sleeps until something was recorded, waits a moment for more, closes the segment and sends it.
What fails is sent again, unchanged, ever more seldom. What processes that are gone have left is
sent as well.
"""

import random
import sys
import threading
import time
from collections.abc import Callable
from contextlib import closing, suppress
from pathlib import Path
from typing import Final

from opentelemetry.instrumentation.utils import suppress_instrumentation

from auditspan.instrumentation.host import report, warn
from auditspan.instrumentation.send import Sender
from auditspan.instrumentation.spool import Spool

LINGER: Final = 0.5
"""Seconds that a span waits for company."""
ADOPT_EVERY: Final = 30.0
"""Seconds between two looks for what others left."""
FIRST_WAIT: Final = 0.5
LONGEST_WAIT: Final = 30.0
"""Seconds before a retry; doubled from the first to the longest."""
FAULT_WAIT: Final = 1.0
"""Seconds that the thread rests after a fault of our own."""


class Delivery:
    """Sends what stands in a spool. `start` makes the thread; `tend` is called before
    it sends, and before it removes what is sent."""

    def __init__(
        self,
        spool: Spool,
        sender: Callable[[], Sender],
        tend: Callable[[], None] = lambda: None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._spool = spool
        self._make_sender = sender
        self._tend = tend
        self._sender: Sender | None = None
        self._clock = clock
        self._recorded = threading.Event()
        self._full = threading.Event()
        self._stopping = threading.Event()
        self._sending = threading.Lock()
        self._failures = 0
        self._not_before = 0.0
        self._adopted_at = 0.0
        self._thread: threading.Thread | None = None

    def start(self) -> None:
        """Start sending in the background, unless the interpreter is ending.

        No thread runs then, and to start one would wait for it forever; the next process sends.
        """
        if sys.is_finalizing():
            return
        self._thread = threading.Thread(target=self._run, name="auditspan-delivery", daemon=True)
        with suppress(RuntimeError):  # from Python 3.12 on, none can be started any more
            self._thread.start()

    def notify(self, full: bool) -> None:
        """Something was recorded; `full` if a segment can be sent without waiting for more."""
        if not self._recorded.is_set():
            self._recorded.set()
        if full:
            self._full.set()

    def stop(self) -> None:
        """Send nothing more; does not wait for what is being sent."""
        self._stopping.set()
        self._recorded.set()
        self._full.set()

    def finish(self, seconds: float) -> bool:
        """Stop the thread and send what is there, for so long at most; whether nothing is left."""
        self.stop()
        end = self._clock() + seconds
        if not self._sending.acquire(timeout=max(seconds, 0.001)):
            return False
        try:
            self._not_before = 0.0
            self._spool.cut()
            with suppress_instrumentation():
                done = self._send_all(self._spool.folder, end) and self._adopt(end)
            self._close()
            return done
        finally:
            self._sending.release()

    def _run(self) -> None:
        with suppress_instrumentation():
            while not self._stopping.is_set():
                try:
                    self._round()
                except Exception as error:
                    self._stopping.wait(FAULT_WAIT)
                    report("delivery", error)
        with self._sending:
            self._close()

    def _close(self) -> None:
        sender, self._sender = self._sender, None
        if sender is not None:
            sender.close()

    def _round(self) -> None:
        """Wait for something to do, and do it."""
        if self._recorded.wait(self._until_next()):
            self._full.wait(LINGER)
        if self._stopping.is_set():
            return
        self._full.clear()
        self._recorded.clear()
        with self._sending:
            if self._stopping.is_set():
                return
            self._tend()
            self._spool.cut()
            self._send_all(self._spool.folder)
            if self._clock() >= self._adopted_at + ADOPT_EVERY or not self._adopted_at:
                self._adopted_at = self._clock()
                self._adopt()
                self._spool.measure()
        if wait := self._not_before - self._clock():
            self._stopping.wait(max(wait, 0.0))

    def _until_next(self) -> float:
        """Seconds to wait at most for something to be recorded."""
        if not self._adopted_at or self._not_before:
            return 0.0
        return max(self._adopted_at + ADOPT_EVERY - self._clock(), 1.0)

    def _adopt(self, end: float = float("inf")) -> bool:
        # Closed here, not when its frames are collected: it holds the lock of a folder.
        with closing(self._spool.orphans()) as folders:
            return all(self._send_all(folder, end) for folder in folders)

    def _send_all(self, folder: Path, end: float = float("inf")) -> bool:
        """Send the segments of a folder in order, until one has to wait; whether all are gone."""
        for segment in sorted(folder.glob("*.seg")):
            if self._clock() >= end or self._clock() < self._not_before:
                return False
            if not self._send(segment, end):
                return False
        return True

    def _send(self, segment: Path, end: float) -> bool:
        """Send one segment; whether it is out of the way."""
        if self._sender is None:
            self._sender = self._make_sender()
        outcome = self._sender.send(segment.read_bytes(), max(end - self._clock(), 0.01))
        if outcome.kind == "retry":
            self._back_off(outcome.wait)
            warn("delivery", "auditspan: the collector has no spans yet: %s", outcome.message)
            return False
        self._failures, self._not_before = 0, 0.0
        if outcome.kind == "refused":
            kept = segment.rename(segment.with_suffix(".bad"))
            warn("refused", "auditspan: spans refused: %s; kept in %s", outcome.message, kept)
        else:
            self._tend()
            self._spool.done(segment)
        return True

    def _back_off(self, asked: float) -> None:
        wait = min(FIRST_WAIT * 2**self._failures, LONGEST_WAIT)
        self._failures = min(self._failures + 1, 16)
        jitter = random.uniform(0.8, 1.2)  # noqa: S311 - so that not all agents come at once
        self._not_before = self._clock() + max(asked, wait * jitter)
