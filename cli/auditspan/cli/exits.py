"""What the exit codes of `auditspan` mean, and how an error gets its code.

0  done, nothing to complain about
1  done, and something was found or refused
2  wrong usage or bad input: the same call fails again
3  unavailable: the same call may succeed later
4  a fault of auditspan itself
130  interrupted
"""

import errno
from enum import IntEnum
from typing import Final

NO_ROOM: Final = {errno.ENOSPC, errno.EDQUOT, errno.EFBIG}
"""What a full disk, a quota and a limit of a file's size say; often without a file's name."""


class Exit(IntEnum):
    """Exit codes of the command."""

    OK = 0
    FOUND = 1
    USAGE = 2
    UNAVAILABLE = 3
    FAULT = 4
    INTERRUPTED = 130


def exit_of(error: BaseException) -> Exit:
    """The code of an error: every error of ours says whether it is `retryable`; `refused` ones
    are an answer, not a failure."""
    if isinstance(error, KeyboardInterrupt):
        return Exit.INTERRUPTED
    if getattr(type(error), "refused", False):
        return Exit.FOUND
    retryable = getattr(type(error), "retryable", None)
    if isinstance(retryable, bool):
        return Exit.UNAVAILABLE if retryable else Exit.USAGE
    if _no_room(error):
        return Exit.UNAVAILABLE
    return Exit.USAGE if _about_a_file(error) else Exit.FAULT


def message_of(error: BaseException) -> str:
    """What to tell the user."""
    if isinstance(error, OSError) and (_about_a_file(error) or _no_room(error)):
        place = f"{error.filename}: " if _about_a_file(error) else ""
        advice = ": make room, or write elsewhere, and try again" if _no_room(error) else ""
        return f"{place}{(error.strerror or 'failed').lower()}{advice}"
    return str(error)


def _about_a_file(error: BaseException) -> bool:
    return isinstance(error, OSError) and error.filename is not None


def _no_room(error: BaseException) -> bool:
    return isinstance(error, OSError) and error.errno in NO_ROOM
