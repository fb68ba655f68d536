"""Faults that a running process meets: system calls that fail, and a clock that is set.

Each is switched while the process runs, by a file of one line that is mapped into all processes of
a family: `<errno of writes> <seconds the clock is off>`. The kernel's own limits (a full disk, a
folder that cannot be written) are used where a test may make them; these are for what it may not.
"""

import mmap
import os
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final

_BYTES: Final = 64
_WRITES: Final = ("pwrite", "fdatasync", "fsync")
_MAPPED: Final[list[mmap.mmap]] = []
"""The one file of this process, if it was armed."""


def switch(path: Path, *, errno: int = 0, clock: float = 0.0) -> None:
    """Set what the processes that were armed with this file meet from now on."""
    with path.open("r+b" if path.exists() else "w+b") as file:
        file.write(f"{errno} {clock}".ljust(_BYTES).encode())


def prepare_clock() -> None:
    """In the nursery, before anything of the product is imported and keeps a clock of its own."""
    time.time = _shifted(time.time, 1.0)
    time.time_ns = _shifted(time.time_ns, 1_000_000_000)


def arm(faults: list[str], role: str) -> None:
    """In the process: look at these files, `<role>:<path>`, before each call."""
    for fault in faults:
        wanted, _, path = fault.partition(":")
        if wanted in ("*", role):
            with Path(path).open("rb") as file:
                # Mapped before the kernel confines us: the file itself is out of reach then.
                _MAPPED.append(mmap.mmap(file.fileno(), _BYTES, access=mmap.ACCESS_READ))
    if _MAPPED:
        for name in _WRITES:
            setattr(os, name, _failing(getattr(os, name)))


def _read() -> tuple[int, float]:
    if not _MAPPED:
        return 0, 0.0
    errno, clock = _MAPPED[-1][:_BYTES].split()
    return int(errno), float(clock)


def _failing(original: Callable[..., Any]) -> Callable[..., Any]:
    def called(*arguments: Any, **named: Any) -> Any:
        errno, _ = _read()
        if errno:
            raise OSError(errno, os.strerror(errno))
        return original(*arguments, **named)

    return called


def _shifted(original: Callable[[], Any], unit: float) -> Callable[[], Any]:
    def called() -> Any:
        now = original()
        return now + type(now)(_read()[1] * unit)

    return called
