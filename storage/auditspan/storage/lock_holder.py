"""Who holds the lock of the schema, as the comment of its table says.

    process 4711 on db-host [<boot id>/<pid namespace>/4711/<start time>]

What stands in brackets tells a process of this machine from one with the same number later, or in
another container (proc(5)). Where there is no `/proc` it is left out, and nobody is known to be
gone.
"""

import os
import re
import socket
from pathlib import Path
from typing import Final

_PROC: Final = Path("/proc")
_TOLD: Final = re.compile(r"(.*?) \[([0-9a-f-]+/\d+)/(\d+)/(\d+)\]", re.S)


def this_process() -> str:
    """The comment of a lock that this process takes."""
    said = f"process {os.getpid()} on {socket.gethostname()}".replace("'", "").replace("\\", "")
    here, began = _here(), _began(os.getpid())
    return f"{said} [{here}/{os.getpid()}/{began}]" if here and began else said


def words(comment: str) -> str:
    """What of a comment is for people."""
    found = _TOLD.fullmatch(comment)
    return found[1] if found else comment


def is_gone(comment: str) -> bool:
    """Whether nobody holds the lock any more: its process has ended, or is this one.

    A process takes the lock once at a time, so its own is one that it could not let go of.
    """
    found = _TOLD.fullmatch(comment)
    if not found or found[2] != _here():
        return False
    pid, began = int(found[3]), found[4]
    return pid == os.getpid() or _began(pid) != began


def _here() -> str:
    """This machine since it started, and the namespace of process numbers; empty if not known."""
    try:
        boot = (_PROC / "sys/kernel/random/boot_id").read_text().strip()
        return f"{boot}/{(_PROC / 'self/ns/pid').stat().st_ino}"
    except OSError:
        return ""


def _began(pid: int) -> str:
    """When a process began, in ticks since the machine did; empty if there is none."""
    try:
        # The name of the program, in brackets, may hold anything.
        return (_PROC / str(pid) / "stat").read_text().rpartition(")")[2].split()[19]
    except OSError:
        return ""
