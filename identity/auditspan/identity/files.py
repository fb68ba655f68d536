"""Files that hold secrets: written whole or not at all, and readable by the owner alone."""

import fcntl
import os
import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from auditspan.identity.errors import SecretFileInvalid


def read_private(path: Path) -> bytes:
    """Read a secret file. Raises `SecretFileInvalid` if others may read it, `OSError` if absent."""
    with path.open("rb") as file:
        # The open file is asked, not the path, which could be swapped in between.
        mode = os.fstat(file.fileno()).st_mode & 0o777
        if mode & 0o077:
            raise SecretFileInvalid(
                f"{path}: expected mode 0600, found {mode:04o}: run `chmod 600 {path}`"
            )
        return file.read()


def write_atomic(path: Path, data: bytes, mode: int = 0o600) -> None:
    """Replace a file durably: a crash leaves the old text or the new one (fsync, rename, fsync)."""
    draft = path.with_name(f".{path.name}.{secrets.token_hex(6)}")
    descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW, mode)
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        draft.replace(path)
    except BaseException:
        draft.unlink(missing_ok=True)
        raise
    _sync_folder(path.parent)


def _sync_folder(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


@contextmanager
def locked(path: Path) -> Iterator[None]:
    """Hold the lock beside a file, so that two processes that change it take turns."""
    lock = path.with_name(f".{path.name}.lock")
    descriptor = os.open(lock, os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW, 0o600)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield
    finally:
        os.close(descriptor)
