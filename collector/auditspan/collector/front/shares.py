"""One sender cannot stop the audit of all: shares of the spool, rates, and a disk that has room.

1. Below the free space that is kept for merges nothing is taken. 2. A principal sends no faster
than its rate. 3. Once the spool is filled as far as one principal's share, a principal that holds
that much of it waits, and the rest is for the others. All three may be tried again (DESIGN §4).

What a principal holds since before the start is read from the spool (`holdings.py`) while requests
are taken already. Requests received before those of the last stored batch are stored: batches are
stored in the order of the spool.
"""

import errno
import os
import shutil
import time
from collections import OrderedDict, deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from auditspan.collector.front.holdings import Held
from auditspan.collector.front.receiver_config import SpoolConfig
from auditspan.collector.front.rejections import DiskLow, RateExceeded, ShareExceeded
from auditspan.wire.segments import spooled_bytes

_LOOK_SECONDS: Final = 0.5
"""The disk is asked this often, not for each request."""
_BURST_SECONDS: Final = 10.0
"""What of an unused rate is kept."""
_RETRY_SECONDS: Final = 5.0
_SENDERS: Final = 10_000
"""Principals that are remembered; beyond, the one that was silent longest is forgotten."""
_ONE_BY_ONE: Final = 1000
"""Requests of a sender that are remembered apart; beyond, those of one second are one entry."""
_SECOND: Final = 1_000_000_000
_MIB: Final = 1 << 20


def _room(folder: Path) -> int:
    """Bytes that may be written to a folder. Raises OSError, as well if nothing may."""
    free = shutil.disk_usage(folder).free
    if not os.access(folder, os.W_OK | os.X_OK):
        # A disk turned read-only, or a folder given to another user.
        raise PermissionError(errno.EACCES, "No permission to write there")
    return free


@dataclass(slots=True)
class _Sender:
    """What one principal sent."""

    credit: float
    """Bytes that it may send now; below zero after a request larger than that."""
    at: float
    held: int = 0
    """Bytes in the spool."""
    waiting: deque[tuple[int, int]] = field(default_factory=deque)
    """When each was received, Unix nanoseconds, and its bytes."""

    def add(self, at: int, size: int) -> None:
        """One more, received after the others."""
        self.held += size
        last = self.waiting[-1] if len(self.waiting) >= _ONE_BY_ONE else (-_SECOND, 0)
        if last[0] // _SECOND == at // _SECOND:
            self.waiting[-1] = (at, last[1] + size)
        else:
            self.waiting.append((at, size))


class Shares:
    """Decides whether a request is taken now. Used from one thread."""

    def __init__(
        self,
        folder: Path,
        config: SpoolConfig,
        clock: Callable[[], float] = time.monotonic,
        free: Callable[[Path], int] = _room,
        used: Callable[[Path], int] = spooled_bytes,
    ) -> None:
        """`folder` is the spool's."""
        self._folder, self._clock, self._free, self._used = folder, clock, free, used
        self._keep_free = config.min_free_mib * _MIB
        self._share = config.total_mib * _MIB * config.principal_percent // 100
        self._rate = config.principal_mib_per_second * _MIB
        self._senders: OrderedDict[str, _Sender] = OrderedDict()
        self._looked_at = float("-inf")
        self._room = self._spooled = self._stored_before = 0
        self._trouble = ""

    def check(self, principal: str) -> None:
        """Raises `DiskLow`, `RateExceeded`, `ShareExceeded`; nothing is counted."""
        if low := self.low():
            raise DiskLow(f"{low}, try again later", _RETRY_SECONDS)
        sender = self._sender(principal)
        if self._rate and sender.credit < 0:
            wait = max(-sender.credit / self._rate, 0.1)
            raise RateExceeded("this sender is beyond its rate, try again later", wait)
        if sender.held >= self._share and self._spooled >= self._share:
            words = "this sender's share of the spool is full, try again later"
            raise ShareExceeded(words, _RETRY_SECONDS)

    def took(self, principal: str, size: int, received_at: int) -> None:
        """A request is in the spool."""
        sender = self._sender(principal)
        sender.credit -= size
        sender.add(received_at, size)

    def recall(self, found: Sequence[Held]) -> None:
        """What the spool held at the start, in its order."""
        for held in reversed(found):
            if held.received_at >= self._stored_before:
                sender = self._sender(held.principal)
                sender.held += held.size
                sender.waiting.appendleft((held.received_at, held.size))

    def stored(self, oldest_received_at: int) -> None:
        """A batch is stored, and so is all that was received before it."""
        self._stored_before = max(self._stored_before, oldest_received_at)
        for sender in self._senders.values():
            while sender.waiting and sender.waiting[0][0] < oldest_received_at:
                sender.held -= sender.waiting.popleft()[1]

    def low(self) -> str:
        """Why the disk takes no more; empty if it does."""
        self._look()
        if self._trouble:
            return f"the spool's folder takes nothing ({self._trouble})"
        if self._room >= self._keep_free:
            return ""
        return (
            f"the disk has {self._room // _MIB} MiB left, less than the "
            f"{self._keep_free // _MIB} MiB that are kept free"
        )

    def _look(self) -> None:
        now = self._clock()
        if now - self._looked_at >= _LOOK_SECONDS:
            self._looked_at = now
            try:
                self._room, self._spooled = self._free(self._folder), self._used(self._folder)
                self._trouble = ""
            except OSError as error:
                self._trouble = (error.strerror or "failed").lower()

    def _sender(self, principal: str) -> _Sender:
        now = self._clock()
        burst = self._rate * _BURST_SECONDS
        sender = self._senders.pop(principal, None) or _Sender(burst, now)
        sender.credit = min(burst, sender.credit + (now - sender.at) * self._rate)
        sender.at = now
        self._senders[principal] = sender
        if len(self._senders) > _SENDERS:
            self._senders.popitem(last=False)
        return sender
