"""Spans on disk between the agent and the collector: bounded, per process, adopted when it dies."""

import os
import threading
from collections.abc import Generator, Iterator
from contextlib import suppress
from pathlib import Path

from auditspan.instrumentation import intents, segments
from auditspan.instrumentation.errors import SpoolFull, SpoolGone
from auditspan.instrumentation.host import warn
from auditspan.instrumentation.process_lock import ProcessLock
from auditspan.instrumentation.segments import Segments


class Spool:
    """The spool of this process. Threads may share it."""

    def __init__(self, root: Path, instance: str, max_bytes: int, fsync: bool = False) -> None:
        """Raises SpoolFull if there can be no folder."""
        self.root = root
        self.folder = root / instance
        self._max_bytes = max_bytes
        self._mutex = threading.RLock()
        try:
            root.mkdir(mode=0o700, parents=True, exist_ok=True)
            self._lock = _locked_folder(self.folder)
            self._stored = segments.stored(root)
        except OSError as error:
            raise SpoolFull(f"spool {root}: {error.strerror or error}") from error
        self._segments = Segments(self.folder, fsync)

    @property
    def stored(self) -> int:
        """Bytes that wait for the collector, those of other processes as last looked at."""
        return self._stored

    @property
    def pending(self) -> bool:
        """Whether spans stand in the open segment."""
        return self._segments.spans > 0

    def check(self) -> None:
        """Raises SpoolFull if nothing more would be written, SpoolGone if it would be in vain."""
        if self._lock.gone:
            raise SpoolGone(f"spool {self.folder}: somebody deleted it while it was in use")
        if self._stored >= self._max_bytes:
            raise SpoolFull(
                f"spool {self.root}: {self._stored} bytes wait for the collector, at most "
                f"{self._max_bytes} are allowed (AUDITSPAN_SPOOL_MAX_BYTES)"
            )

    def append(self, request: bytes) -> bool:
        """Write one span; whether a segment became full. Raises SpoolFull."""
        with self._mutex:
            self.check()
            try:
                full = self._segments.append(request)
                self._stored += len(request)
                if full:
                    self._segments.close()
            except OSError as error:
                raise SpoolFull(f"spool {self.folder}: {error.strerror or error}") from error
            return full

    def cut(self) -> None:
        """Close the open segment, so that it may be sent."""
        with self._mutex:
            self._segments.close()

    def closed(self) -> Iterator[Path]:
        """Segments of this process that may be sent, oldest first."""
        return segments.closed(self.folder)

    def done(self, segment: Path) -> None:
        """Remove a segment that the collector has."""
        size = segment.stat().st_size
        segment.unlink()
        with self._mutex:
            self._stored = max(0, self._stored - size)

    def measure(self) -> None:
        """Look again at what all processes have stored."""
        stored = segments.stored(self.root)
        with self._mutex:
            self._stored = stored

    def orphans(self) -> Generator[Path, None, None]:
        """Folders of processes that are gone, each held by us while the caller looks at it.

        A folder that is empty afterwards is removed.
        """
        for folder in sorted(self.root.iterdir()):
            lock = _orphan_lock(folder) if folder != self.folder else None
            if lock is None:
                continue
            try:
                if not _salvaged(folder):
                    continue
                yield folder
                if [path.name for path in folder.iterdir()] == ["lock"]:
                    _remove(folder)
            finally:
                lock.abandon()

    def close(self) -> None:
        """Give the folder up; what is left in it is for another process to send."""
        with self._mutex:
            self._segments.close()
            left = any(path.name != "lock" for path in self.folder.iterdir())
            if not left:
                _remove(self.folder)
            self._lock.abandon()

    def forget(self) -> None:
        """In a fork: let go of everything that belongs to the parent."""
        self._segments.forget()
        self._lock.abandon()


def _locked_folder(folder: Path) -> ProcessLock:
    """Make a folder that nobody can find before it is locked."""
    hidden = folder.with_name(f".{folder.name}")
    hidden.mkdir(mode=0o700)
    lock = ProcessLock.take(hidden)
    if lock is None:
        raise BlockingIOError(f"{folder} is held by another process")
    hidden.rename(folder)
    return lock


def _salvaged(folder: Path) -> bool:
    """Make ready what somebody left; what cannot be read must not hold up what others left."""
    try:
        segments.salvage(folder)
        intents.salvage(folder)
    except OSError as error:
        warn("salvage", "auditspan: spool %s: %s", folder, error.strerror or error)
        return False
    return True


def _remove(folder: Path) -> None:
    """Remove a folder that holds nothing but its lock, unless another process has it by now."""
    with suppress(OSError):
        (folder / "lock").unlink()
        folder.rmdir()


def _orphan_lock(folder: Path) -> ProcessLock | None:
    """The lock of a folder of ours whose process is gone, None if it is none."""
    if folder.name.startswith(".") or folder.is_symlink() or not folder.is_dir():
        return None
    try:
        owned = folder.stat().st_uid == os.getuid()
        return ProcessLock.take(folder) if owned else None
    except FileNotFoundError:
        return None  # adopted by another process meanwhile
