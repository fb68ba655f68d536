"""Something that is made beside its place and moved there when it is whole.

A crash leaves a draft, whose name begins with a dot; the next one of the same place removes it,
unless somebody still works on it.
"""

import contextlib
import fcntl
import os
import secrets
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from auditspan.collector.backup.errors import BackupRefused
from auditspan.wire.segments import sync_folder

_MARK: Final = ".partial-"


@contextmanager
def draft(target: Path, *, folder: bool) -> Iterator[Path]:
    """A new file or folder, which gets its name at the end; of an error nothing is left.

    Raises `BackupRefused` if the name is taken, by more than an empty folder.
    """
    target = target.absolute()
    _expect_free(target)
    target.parent.mkdir(parents=True, exist_ok=True)
    _remove_left(target)
    path = target.with_name(f".{target.name}{_MARK}{secrets.token_hex(6)}")
    if folder:
        path.mkdir(mode=0o700)
    else:
        os.close(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600))
    held = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC)
    try:
        fcntl.flock(held, fcntl.LOCK_EX)
        yield path
        _expect_free(target)
        if not folder:
            with contextlib.suppress(FileNotFoundError):
                target.rmdir()
        path.rename(target)
        sync_folder(target.parent)
    except BaseException:
        _remove(path)
        raise
    finally:
        os.close(held)


def _expect_free(target: Path) -> None:
    if not target.exists() and not target.is_symlink():
        return
    if target.is_symlink() or not target.is_dir() or any(target.iterdir()):
        raise BackupRefused(f"{target}: is there already and not empty: choose another place")


def _remove_left(target: Path) -> None:
    for left in target.parent.glob(f".{target.name}{_MARK}*"):
        with contextlib.suppress(OSError):
            held = os.open(left, os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC)
            try:
                fcntl.flock(held, fcntl.LOCK_EX | fcntl.LOCK_NB)
                _remove(left)
            finally:
                os.close(held)


def _remove(path: Path) -> None:
    if path.is_dir():
        shutil.rmtree(path, ignore_errors=True)
    else:
        path.unlink(missing_ok=True)
