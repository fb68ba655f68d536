"""Shut the engine process off from every file and port it has no need of.

SQL functions read and write files even on a read-only connection, so the process that runs SQL
gets an allow-list from the kernel: Landlock, https://docs.kernel.org/userspace-api/landlock.html.
It binds this process and its children for good, needs no privilege, and has to be called before
any thread starts. A process inside also cannot look into one outside (`/proc/<pid>/environ`).
"""

import ctypes
import os
import sys
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final

_CREATE_RULESET, _ADD_RULE, _RESTRICT_SELF = 444, 445, 446
_PR_SET_NO_NEW_PRIVS = 38
_RULE_PATH_BENEATH = 1

_EXECUTE, _WRITE_FILE, _READ_FILE, _READ_DIR = 1 << 0, 1 << 1, 1 << 2, 1 << 3
_FILE_ONLY = _EXECUTE | _WRITE_FILE | _READ_FILE | 1 << 14
_ALL_OF_ABI_1 = (1 << 13) - 1
_REFER, _TRUNCATE, _IOCTL_DEV = 1 << 13, 1 << 14, 1 << 15
_READ: Final = _EXECUTE | _READ_FILE | _READ_DIR
_BIND_TCP, _CONNECT_TCP = 1 << 0, 1 << 1


class _RulesetAttr(ctypes.Structure):
    _fields_ = (("fs", ctypes.c_uint64), ("net", ctypes.c_uint64))


class _PathBeneath(ctypes.Structure):
    _pack_ = 1
    _layout_ = "ms"
    _fields_ = (("allowed", ctypes.c_uint64), ("fd", ctypes.c_int32))


@dataclass(frozen=True, slots=True)
class Confined:
    """What the kernel now holds this process to."""

    files: bool
    network: bool
    """No TCP connection and no TCP port."""
    missing: str
    """What the kernel could not give, for the warning at start; empty if nothing."""


def confine(
    writable: Iterable[Path], readable: Iterable[Path], *, network: bool, hidden: Path | None = None
) -> Confined:
    """Allow these folders and files only; with `network` false also no TCP at all.

    `hidden` stays closed even if it lies in a readable folder, such as a checkout; its name and
    those beside it can be listed then. A kernel without Landlock confines nothing, which is said in
    the result and is not an error.
    """
    libc = ctypes.CDLL(None, use_errno=True)
    abi = libc.syscall(_CREATE_RULESET, None, 0, 1)
    if sys.platform != "linux" or abi < 1:
        return Confined(False, False, "the kernel has no Landlock: the engine is not confined")
    handled = _handled(abi)
    net = (_BIND_TCP | _CONNECT_TCP) if abi >= 4 and not network else 0
    attributes = _RulesetAttr(handled, net)
    # Kernels before network rules know the first member only.
    size = 16 if abi >= 4 else 8
    ruleset = _checked(libc.syscall(_CREATE_RULESET, ctypes.byref(attributes), size, 0))
    try:
        for path, rights in _around(readable, hidden):
            _allow(libc, ruleset, path, rights & handled)
        for path in writable:
            _allow(libc, ruleset, path, handled)
        _checked(libc.prctl(_PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0))
        _checked(libc.syscall(_RESTRICT_SELF, ruleset, 0))
    finally:
        os.close(ruleset)
    missing = "" if abi >= 4 else "the kernel's Landlock has no network rules"
    return Confined(True, bool(net), missing)


def system_paths() -> list[Path]:
    """What a Python process reads of the system: the interpreter, libraries, time zones, /proc."""
    roots = {sys.prefix, sys.base_prefix, *(entry for entry in sys.path if entry)}
    system = ("/usr", "/lib", "/lib64", "/bin", "/proc", "/sys", "/dev")
    settings = (
        "ld.so.cache",
        "localtime",
        "timezone",
        "nsswitch.conf",
        "hosts",
        "resolv.conf",
        "ssl",
    )
    return [Path(entry) for entry in (*sorted(roots), *system, *(f"/etc/{s}" for s in settings))]


def _around(readable: Iterable[Path], hidden: Path | None) -> Iterator[tuple[Path, int]]:
    """Rights allow a whole tree, so the way to what is hidden is allowed entry by entry."""
    for path in readable:
        if hidden is None or not hidden.resolve().is_relative_to(path.resolve()):
            yield path, _READ
        elif path.resolve() != hidden.resolve():
            yield path, _READ_DIR
            yield from _around(sorted(path.iterdir()), hidden)


def _handled(abi: int) -> int:
    handled = _ALL_OF_ABI_1
    for needed, right in ((2, _REFER), (3, _TRUNCATE), (5, _IOCTL_DEV)):
        if abi >= needed:
            handled |= right
    return handled


def _allow(libc: ctypes.CDLL, ruleset: int, path: Path, rights: int) -> None:
    if not path.exists():
        return
    if not path.is_dir():
        rights &= _FILE_ONLY
    descriptor = os.open(path, os.O_PATH | os.O_CLOEXEC)
    try:
        rule = _PathBeneath(rights, descriptor)
        _checked(libc.syscall(_ADD_RULE, ruleset, _RULE_PATH_BENEATH, ctypes.byref(rule), 0))
    finally:
        os.close(descriptor)


def _checked(result: int) -> int:
    if result < 0:
        code = ctypes.get_errno()
        raise OSError(code, os.strerror(code))
    return result
