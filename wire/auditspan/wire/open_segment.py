"""The segment that is being written: whole frames only, and a known part of it on disk."""

import os
from pathlib import Path
from typing import Self

from auditspan.wire.segments import CLOSED, OPEN, sync_folder


class OpenSegment:
    """A file that grows by frames. Every method may raise `OSError`."""

    def __init__(self, path: Path, descriptor: int, began: float) -> None:
        """Take over an open, empty file."""
        self.began = began
        """When its first frame came, Unix seconds."""
        self.size = 0
        """Bytes of whole frames."""
        self.spans = 0
        self._path = path
        self._descriptor = descriptor
        self._synced = 0
        self._entry_synced = False

    @classmethod
    def create(cls, stem: Path, began: float) -> Self:
        """Make the file, for the owner alone."""
        path = stem.with_name(stem.name + OPEN)
        flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW
        return cls(path, os.open(path, flags, 0o600), began)

    @property
    def unsynced(self) -> bool:
        """Whether there are frames that no sync has covered."""
        return self.size > self._synced

    def append(self, frame: bytes, spans: int) -> None:
        """Write a frame whole or not at all."""
        rest = memoryview(frame)
        try:
            while rest:
                rest = rest[os.pwrite(self._descriptor, rest, self.size + len(frame) - len(rest)) :]
        except BaseException:
            os.ftruncate(self._descriptor, self.size)
            raise
        self.size += len(frame)
        self.spans += spans

    def sync(self, size: int) -> None:
        """Make the first bytes and the name of the file durable."""
        os.fdatasync(self._descriptor)
        if not self._entry_synced:
            sync_folder(self._path.parent)
            self._entry_synced = True
        self._synced = max(self._synced, size)

    def finish(self) -> str:
        """Close the file under its last name, durably; the id of the batch."""
        closed = self._path.with_suffix(CLOSED)
        self._path.rename(closed)
        sync_folder(closed.parent)
        self._close()
        return closed.stem

    def finish_synced(self) -> str | None:
        """Close what was synced; after a failed sync the kernel may have dropped the rest.

        The name is not synced: `recover` closes the file if the rename is lost.
        """
        try:
            if self._synced == 0:
                self._path.unlink(missing_ok=True)
                return None
            closed = self._path.with_suffix(CLOSED)
            if self._path.exists():
                os.ftruncate(self._descriptor, self._synced)
                self._path.rename(closed)
            return closed.stem
        finally:
            self._close()

    def discard(self) -> None:
        """Remove a file without frames."""
        self._path.unlink()
        self._close()

    def _close(self) -> None:
        descriptor, self._descriptor = self._descriptor, -1
        if descriptor >= 0:
            os.close(descriptor)
