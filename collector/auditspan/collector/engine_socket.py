"""Whether the engine can listen at its socket: told at the start, before anything is taken in.

An engine that cannot would be started again and again, or answer nobody, with a reason that names
no remedy. The socket of an engine before is no obstacle: the next one removes it.
"""

import os
import stat
from pathlib import Path
from typing import Final

from auditspan.collector.errors import DataDirInvalid

_LONGEST: Final = 107
"""Bytes of a unix socket's path that the kernel takes."""


def expect_place(socket: Path) -> None:
    """Raise `DataDirInvalid` if the engine cannot listen there."""
    length = len(os.fsencode(socket))
    if length > _LONGEST:
        raise DataDirInvalid(
            f"{socket}: has {length} bytes, the path of a socket may have {_LONGEST}: choose a "
            "data folder with a shorter path"
        )
    try:
        mode = socket.lstat().st_mode
    except FileNotFoundError:
        return
    if not stat.S_ISSOCK(mode):
        raise DataDirInvalid(
            f"{socket} is {_kind(mode)}: expected the engine's socket, or nothing; move it away"
        )


def _kind(mode: int) -> str:
    if stat.S_ISDIR(mode):
        return "a folder"
    if stat.S_ISLNK(mode):
        return "a symbolic link"
    return "a file" if stat.S_ISREG(mode) else "no socket"
