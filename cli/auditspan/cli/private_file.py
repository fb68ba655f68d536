"""A file that a command writes: there as a whole or not at all, and for its owner alone.

It takes the place of a plain file or of nothing. A device, a pipe or a link is left as it is: to
rename over it would replace the device itself, for everybody on the machine.
"""

import os
import secrets
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Final

from auditspan.cli.errors import OptionInvalid

_FLAGS: Final = os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC


@contextmanager
def private_file(path: Path) -> Iterator[IO[bytes]]:
    """A draft beside it that gets the name at the end. Raises `OptionInvalid` before anything."""
    _expect_plain(path)
    draft = path.with_name(f".{path.name}.{secrets.token_hex(6)}.partial")
    descriptor = os.open(draft, _FLAGS, 0o600)
    try:
        with os.fdopen(descriptor, "w+b") as file:
            yield file
        draft.replace(path)
    except BaseException:
        draft.unlink(missing_ok=True)
        raise


def _expect_plain(path: Path) -> None:
    try:
        mode = path.lstat().st_mode
    except FileNotFoundError:
        return
    if not stat.S_ISREG(mode):
        raise OptionInvalid(f"{path}: is no plain file, and stays as it is: name another")
