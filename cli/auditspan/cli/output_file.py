"""A file that a command writes: there as a whole or not at all, whatever ends the command.

It takes the place of a plain file or of nothing. A device, a pipe or a link is left as it is: to
rename over it would replace the device itself, for everybody on the machine. What it cannot be
written for is told of the file that was asked for, before the work where that is known.
"""

import errno
import os
import secrets
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Final

from auditspan.cli.errors import OptionInvalid
from auditspan.cli.exits import NO_ROOM

PRIVATE: Final = 0o600
"""What holds content is for its owner alone."""
SHARED: Final = 0o666
"""What is made to be handed on has the rights that the user's umask leaves."""
_FLAGS: Final = os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC
_NAMELESS: Final = NO_ROOM | {errno.EIO, errno.ESTALE}
"""What a write says, which knows no name."""


@contextmanager
def output_file(path: Path, *, mode: int = PRIVATE, new: bool = False) -> Iterator[IO[bytes]]:
    """A draft beside it that gets the name at the end; a `new` one takes no other file's place.

    Raises `OptionInvalid` and `OSError` before anything, and `OSError` of a full disk.
    """
    _expect_place(path, new=new)
    draft = path.with_name(f".{path.name}.{secrets.token_hex(6)}.partial")
    with _named(path, draft):
        descriptor = os.open(draft, _FLAGS, mode)
        try:
            with os.fdopen(descriptor, "w+b") as file:
                yield file
                file.flush()
                # A disk may say only now that it is full, and a name must not outlive its bytes.
                os.fsync(file.fileno())
            _expect_place(path, new=new)
            draft.replace(path)
        except BaseException:
            draft.unlink(missing_ok=True)
            raise


def _expect_place(path: Path, *, new: bool) -> None:
    if not path.parent.is_dir():
        raise OptionInvalid(f"{path}: {path.parent} is no folder: make it, or write elsewhere")
    try:
        mode = path.lstat().st_mode
    except FileNotFoundError:
        return
    if not stat.S_ISREG(mode):
        raise OptionInvalid(f"{path}: is no plain file, and stays as it is: name another")
    if new:
        raise FileExistsError(errno.EEXIST, os.strerror(errno.EEXIST), str(path))


@contextmanager
def _named(path: Path, draft: Path) -> Iterator[None]:
    """An error of the draft becomes one of the file that was asked for."""
    try:
        yield
    except OSError as error:
        nameless = error.filename is None and error.errno in _NAMELESS
        if nameless or str(error.filename) == str(draft):
            raise OSError(error.errno, error.strerror, str(path)) from error
        raise
