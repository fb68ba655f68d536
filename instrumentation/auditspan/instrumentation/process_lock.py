"""A file that a living process holds: whoever gets the lock knows that the process is gone.

`flock` belongs to the open file, so a fork must close its copy (`abandon`), which leaves the
parent's lock in place.
"""

import fcntl
import os
from pathlib import Path


class ProcessLock:
    """The lock of one folder."""

    def __init__(self, descriptor: int) -> None:
        self._descriptor = descriptor

    @classmethod
    def take(cls, folder: Path) -> "ProcessLock | None":
        """The lock of a folder, None if a living process holds it or has just removed it.

        Raises OSError.
        """
        descriptor = os.open(folder / "lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            os.close(descriptor)
            return None
        lock = cls(descriptor)
        if lock.gone:
            # Whoever held it removed the folder between our two steps.
            lock.abandon()
            return None
        return lock

    @property
    def gone(self) -> bool:
        """Whether somebody deleted the file: it keeps nobody away any more."""
        return self._descriptor < 0 or os.fstat(self._descriptor).st_nlink == 0

    def abandon(self) -> None:
        """Let go of it; with it held by nobody else, the folder is up for adoption."""
        os.close(self._descriptor)
        self._descriptor = -1
