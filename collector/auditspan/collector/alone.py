"""One process at a time works on a folder; a later one waits for the end of the earlier.

An engine or a signer whose front was killed goes on until it notices, which on a slow disk may be
after the next front has started others. The lock ends with the process that holds it.
"""

import fcntl
import os
from collections.abc import Callable
from pathlib import Path


def alone(folder: Path, wait: Callable[[], bool]) -> bool:
    """Lock a folder for the rest of this process. `wait` sleeps; its False is enough of that."""
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC)
    while True:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            return True
        except BlockingIOError:
            if not wait():
                os.close(descriptor)
                return False
