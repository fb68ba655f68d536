"""`auditspan` forked from a process that has imported its modules already, a second less each time.

What a fork is, and what it does not show, is in `tests/crash/README.md`. Tests of what belongs to
`exec` (command lines, environments, children of a process) have their collectors executed.
"""

import array
import atexit
import io
import itertools
import json
import os
import selectors
import signal
import socket
import subprocess
import sys
import tempfile
from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from functools import cache
from pathlib import Path
from typing import IO

from tests.crash.collector import ROOT, Nursery, nursery

AVAILABLE = sys.platform == "linux"
"""Processes are forked and watched as only Linux can."""

_NUMBERS = itertools.count()


class Forked:
    """As much of `subprocess.Popen` as tests use."""

    def __init__(self, at: Nursery, family: str, pid: int, connection: socket.socket) -> None:
        self._at = at
        self.family = family
        """The name of it and of what it starts, at the nursery."""
        self.pid = pid
        self.returncode: int | None = None
        self._connection = connection

    def poll(self) -> int | None:
        """The exit code, if it has ended."""
        return self._ended(0)

    def wait(self, timeout: float | None = None) -> int:
        """The exit code. Raises `TimeoutExpired`."""
        code = self._ended(timeout)
        if code is None:
            raise subprocess.TimeoutExpired(f"process {self.pid}", timeout or 0)
        return code

    def send_signal(self, number: int) -> None:
        """Send it, unless the process is known to have ended."""
        if self.poll() is None:
            os.kill(self.pid, number)

    def kill(self) -> None:
        """SIGKILL."""
        self.send_signal(signal.SIGKILL)

    def children(self, role: str) -> list[int]:
        """Process ids of what it started, the oldest first."""
        found: list[int] = self._at.ask("pids", family=self.family).get(role, [])
        return found

    def _ended(self, seconds: float | None) -> int | None:
        if self.returncode is None and _readable(self._connection, seconds):
            with self._connection:
                said = self._connection.recv(1 << 16)
            self.returncode = json.loads(said)["code"] if said else -signal.SIGKILL
        return self.returncode


@cache
def the_nursery(python: str = sys.executable) -> Nursery:
    """One for all tests of a process, which runs what this Python has."""
    stack = ExitStack()
    atexit.register(stack.close)
    folder = stack.enter_context(tempfile.TemporaryDirectory(prefix="auditspan-nursery-"))
    return stack.enter_context(nursery(Path(folder), python))


def fork(
    role: str,
    argv: Sequence[str],
    out: IO[bytes],
    err: IO[bytes],
    *,
    env: Mapping[str, str] | None = None,
    python: str = sys.executable,
) -> Forked:
    """Start `auditspan` as `front` or as another command (`cli`), or a `module` by its name."""
    family = f"{os.getpid()}-{next(_NUMBERS)}"
    asked = {"family": family, "role": role, "argv": list(argv),
             "env": dict(os.environ if env is None else env),
             "quick": False, "cwd": str(Path.cwd())}  # fmt: skip
    at = the_nursery(python)
    connection = at.connected()
    with Path(os.devnull).open("rb") as nothing:
        streams = array.array("i", [nothing.fileno(), out.fileno(), err.fileno()])
        connection.sendmsg(
            [json.dumps({"do": "spawn", **asked}).encode()],
            [(socket.SOL_SOCKET, socket.SCM_RIGHTS, streams)],
        )
    return Forked(at, family, json.loads(connection.recv(1 << 16))["pid"], connection)


def run(
    role: str, argv: Sequence[str], seconds: float, *, python: str = sys.executable
) -> subprocess.CompletedProcess[str]:
    """A command to its end. Raises `TimeoutExpired`, and ends it then."""
    with tempfile.TemporaryFile() as out, tempfile.TemporaryFile() as err:
        process = fork(role, argv, out, err, python=python)
        try:
            code = process.wait(seconds)
        finally:
            process.kill()
        return subprocess.CompletedProcess(list(argv), code, _text(out), _text(err))


def run_module(
    name: str, *arguments: str | Path, seconds: float = 120
) -> subprocess.CompletedProcess[str]:
    """As `python -m` runs a module of tests, which is imported once for all its runs."""
    argv = [name, *map(str, arguments)]
    if AVAILABLE:
        the_nursery().ask("preload", names=[name])
        return run("module", argv, seconds)
    return subprocess.run(
        [sys.executable, "-m", *argv], cwd=ROOT, capture_output=True, text=True,
        timeout=seconds, check=False,
    )  # fmt: skip


def _text(file: IO[bytes]) -> str:
    """With all line breaks made one kind, as `subprocess` does."""
    file.seek(0)
    return io.StringIO(file.read().decode(), newline=None).read()


def _readable(connection: socket.socket, seconds: float | None) -> bool:
    with selectors.DefaultSelector() as selector:
        selector.register(connection, selectors.EVENT_READ)
        return bool(selector.select(seconds))
