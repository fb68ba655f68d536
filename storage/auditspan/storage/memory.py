"""Memory that is freed stays with the process for a while, for the next batch needs as much again.

Left to themselves, the three allocators of a process with an embedded engine give what they free
back to the kernel at once or within seconds: jemalloc inside the engine, mimalloc inside Arrow, and
the C library's for Python and NumPy. A batch of 20,000 spans then touches 200 MB that the kernel
has to clear and map anew, 50,000 page faults, for a tenth of all CPU. So Arrow takes the C
library's, and that one and the engine's keep pages. `give_back` is for a process that has nothing
to do (docs/decisions/0028-freed-memory-stays.md).

https://man7.org/linux/man-pages/man3/mallopt.3.html, https://jemalloc.net/jemalloc.3.html
"""

import ctypes
import os
from typing import Final

_ENGINE: Final = ("JE_MALLOC_CONF", "dirty_decay_ms:60000")
"""The engine reads it from the environment when it is loaded; its own default is 5 s."""
_ARROW: Final = ("ARROW_DEFAULT_MEMORY_POOL", "system")
"""So does Arrow."""

_M_TRIM_THRESHOLD, _M_TOP_PAD, _M_MMAP_THRESHOLD, _M_ARENA_MAX = -1, -2, -3, -8
_KEPT: Final = 512 << 20
"""Free bytes at the end of the heap from which on it is made smaller."""
_GROWN: Final = 64 << 20
"""By how much more than needed the heap grows."""
_MAPPED: Final = (1 << 30, 32 << 20)
"""Bytes from which an allocation has pages of its own; older libraries refuse more than 32 MB."""


def keep_for_engine() -> bool:
    """Settings for all three; a library that is loaded already keeps to those it has.

    Whether Arrow is to take the C library's allocator: not if somebody has set another one.
    """
    for name, value in (_ENGINE, _ARROW):
        os.environ.setdefault(name, value)
    keep()
    return os.environ[_ARROW[0]] == _ARROW[1]


def keep() -> None:
    """Settings of the C library alone; another one than glibc has none, and nothing happens."""
    mallopt = _function("mallopt")
    if mallopt is None:
        return
    if any(mallopt(_M_MMAP_THRESHOLD, each) for each in _MAPPED):
        mallopt(_M_TRIM_THRESHOLD, _KEPT)
        mallopt(_M_TOP_PAD, _GROWN)
        # Of the heaps that threads have for themselves nothing would ever go back. They hardly ever
        # allocate at the same time: Python's lock is around most of it.
        mallopt(_M_ARENA_MAX, 1)


def give_back() -> None:
    """Give free pages of the C library back to the kernel."""
    trim = _function("malloc_trim")
    if trim is not None:
        trim(0)


def _function(name: str) -> "ctypes._NamedFuncPointer | None":
    return getattr(ctypes.CDLL(None), name, None)
