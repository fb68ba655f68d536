"""The spool: what is acknowledged is on disk first, and a closed segment is a batch.

Group commit: frames are appended, then one `sync` covers all of them, and only then are the senders
answered. `append` may run while `sync` or `roll` runs in another thread.
"""

import errno
import threading
import time
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from auditspan.wire.errors import SpoolFailed, SpoolFull
from auditspan.wire.naming import Names
from auditspan.wire.open_segment import OpenSegment
from auditspan.wire.segments import (
    closed_segments,
    read_frames,
    recover,
    spool_lock,
    spooled_bytes,
)

__all__ = [
    "SpoolLimits",
    "SpoolWriter",
    "closed_segments",
    "read_frames",
    "recover",
    "spool_lock",
    "spooled_bytes",
]

_NO_ROOM: Final = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)
_RECOUNT_SECONDS: Final = 0.1
"""A full spool is counted again this often and not for each request."""


@dataclass(frozen=True, slots=True)
class SpoolLimits:
    """When a segment is closed, and how much the spool may hold."""

    spans: int = 20_000
    """Spans in a segment."""
    bytes: int = 64 << 20
    """Bytes in a segment."""
    seconds: float = 1.0
    """Age of the first frame of a segment."""
    apart: float = 2.6
    """Least time between the end of a segment and that of the next, if that has few spans: a batch
    costs as much for one span as for hundreds."""
    few: int = 100
    """Fewer spans than this are few."""
    total_bytes: int = 4 << 30
    """Bytes in all segments; beyond, senders are told to wait."""


class SpoolWriter:
    """Writes segments. One writer per folder: hold `spool_lock`, and `recover` before."""

    def __init__(
        self,
        folder: Path,
        instance: str,
        limits: SpoolLimits,
        now: Callable[[], float] = time.time,
    ) -> None:
        """Open a folder, which is made if it is not there. `instance` has no `-`."""
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        self._folder = folder
        self._limits = limits
        self._now = now
        self._names = Names(folder, instance, int(now() * 1000))
        self._lock = threading.Lock()
        self._segment: OpenSegment | None = None
        self._ended: deque[str] = deque()
        self._lost = False
        self._others = 0
        self._rolled_at = float("-inf")
        self._counted_at = float("-inf")

    def append(self, frame: bytes, spans: int) -> None:
        """Write a frame, not yet durable. Raises `SpoolFull` or `SpoolFailed`: it is not there."""
        with self._lock:
            self._make_room(len(frame))
            try:
                if self._segment is None:
                    self._segment = self._opened()
                self._segment.append(frame, spans)
            except OSError as error:
                raise self._not_written(error) from error

    def sync(self) -> None:
        """Make every frame appended before this call durable.

        Raises `SpoolFailed`: then nothing since the last sync is kept or may be acknowledged.
        """
        with self._lock:
            self._refuse_lost()
            segment = self._segment
            covered = segment.size if segment else 0
        if segment is None:
            return
        try:
            segment.sync(covered)
        except OSError as error:
            with self._lock:
                if self._segment is segment:
                    self._segment = None
                # Appended meanwhile, and gone as well: the sync that would cover it must fail.
                self._lost = segment.size > covered
                self._finish(segment)
            raise self._failed(error) from error

    def drop(self) -> None:
        """End the segment with what was synced of it, if there is more: that is not kept."""
        with self._lock:
            if self._segment is not None and self._segment.unsynced:
                self._end()

    @property
    def folder(self) -> Path:
        """Where the segments are."""
        return self._folder

    def due(self, size: int = 0, spans: int = 0) -> bool:
        """Whether it is time to `roll`: at a limit, or before a frame that would go beyond one."""
        with self._lock:
            segment = self._segment
            if self._ended:
                return True
            return segment is not None and (
                _reached(segment.spans, spans, self._limits.spans)
                or _reached(segment.size, size, self._limits.bytes)
                or self._due_in(segment) == 0.0
            )

    def due_in(self) -> float | None:
        """Seconds until the segment is old enough to `roll`, None without one."""
        with self._lock:
            if self._ended:
                return 0.0
            if self._segment is None:
                return None
            return self._due_in(self._segment)

    def roll(self) -> str | None:
        """Close the segment durably; the id of the batch, None of an empty one.

        Raises `SpoolFailed`: then what was synced before is a batch, and the next `roll` names it.
        """
        with self._lock:
            if self._ended:
                return self._ended.popleft()
            segment, self._segment = self._segment, None
        if segment is None:
            return None
        if segment.size == 0:
            segment.discard()
            return None
        try:
            segment.sync(segment.size)
            name = segment.finish()
        except OSError as error:
            with self._lock:
                # Of frames that were synced before, those who sent them have been told.
                self._lost = segment.unsynced
                self._finish(segment)
            raise self._failed(error) from error
        with self._lock:
            self._others += segment.size
            self._rolled_at = self._now()
        return name

    def close(self) -> None:
        """Close the last segment; its id is that of the newest closed one."""
        while self.roll() is not None:
            pass

    def _due_in(self, segment: OpenSegment) -> float:
        now, end = self._now(), segment.began + self._limits.seconds
        if segment.spans < self._limits.few:
            end = max(end, self._rolled_at + self._limits.apart)
        # A clock that was set back would keep it open for as long.
        return max(0.0, end - now) if now >= max(segment.began, self._rolled_at) else 0.0

    def _opened(self) -> OpenSegment:
        self._count()
        return OpenSegment.create(self._folder / str(self._names.next()), self._now())

    def _make_room(self, size: int) -> None:
        if self._total() + size <= self._limits.total_bytes:
            return
        if abs(self._now() - self._counted_at) >= _RECOUNT_SECONDS:
            self._count()
        if self._total() + size > self._limits.total_bytes:
            raise SpoolFull(
                f"spool {self._folder}: {self._total()} bytes, and {size} more would exceed "
                f"{self._limits.total_bytes}: wait until batches are stored"
            )

    def _total(self) -> int:
        return self._others + (self._segment.size if self._segment else 0)

    def _count(self) -> None:
        self._counted_at = self._now()
        own = self._segment.size if self._segment else 0
        self._others = max(0, spooled_bytes(self._folder) - own)

    def _end(self) -> None:
        segment, self._segment = self._segment, None
        if segment is not None:
            self._finish(segment)

    def _finish(self, segment: OpenSegment) -> None:
        """Keep of a failed segment what was synced; the file takes no further frame."""
        try:
            name = segment.finish_synced()
        except OSError:
            return  # It stays open on disk, and `recover` closes it.
        if name:
            self._ended.append(name)

    def _refuse_lost(self) -> None:
        """The sync behind lost frames fails, and takes those that came after them with it."""
        if self._lost:
            self._lost = False
            self._end()
            raise SpoolFailed(
                f"spool {self._folder}: an earlier sync failed and took these frames with it: "
                "send them again"
            )

    def _not_written(self, error: OSError) -> SpoolFull | SpoolFailed:
        if error.errno in _NO_ROOM:
            return SpoolFull(
                f"spool {self._folder}: {error.strerror}: free some space on this disk"
            )
        return self._failed(error)

    def _failed(self, error: OSError) -> SpoolFailed:
        return SpoolFailed(f"spool {self._folder}: {error.strerror}: nothing was acknowledged")


def _reached(have: int, more: int, limit: int) -> bool:
    """Whether a limit is reached, or would be exceeded with more."""
    return have + more > limit if more else have >= limit
