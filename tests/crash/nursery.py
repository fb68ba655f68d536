"""Forks the processes of collectors from one that has imported their modules already.

`python -m tests.crash.nursery <socket>`. A request is one message of JSON, with the descriptors
that the child gets as standard input, output and error; see README.md for what the children are.
A connection that spawned a process is told its exit code, whoever its parent in the collector is.
"""

import array
import contextlib
import importlib
import json
import os
import selectors
import signal
import socket
import sys
from dataclasses import dataclass, field
from typing import Any

from tests.crash import child, faults
from tests.crash.steps import ROLE_OF

_PRELOADED = (
    "auditspan.collector.running",
    "auditspan.collector.engine.__main__",
    "auditspan.collector.engine.process",
    "auditspan.collector.signer.__main__",
    "auditspan.collector.signer.notary",
    "auditspan.cli.main",
    "auditspan.cli.remote_sealed",
    "auditspan.cli.log_keys",
    "auditspan.cli.sealed_store",
    "auditspan.integrity.package",
    "auditspan.integrity.verify",
    "auditspan.reports.verification.run",
    # What libraries import when they are first used.
    "clickhouse_connect",
    "httpcore",
    "pandas",
)
_LARGEST = 1 << 20


@dataclass
class Process:
    """One forked process."""

    family: str
    role: str
    told: socket.socket
    """Who waits for its exit code."""


@dataclass
class Nursery:
    """All collectors of one run; a collector's processes are a family."""

    path: str
    selector: selectors.DefaultSelector = field(default_factory=selectors.DefaultSelector)
    processes: dict[int, Process] = field(default_factory=dict)
    charges: dict[str, list[dict[str, Any]]] = field(default_factory=dict)
    fired: dict[str, list[dict[str, Any]]] = field(default_factory=dict)

    def run(self) -> None:
        """Until whoever started us closes our standard input."""
        listener = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        listener.bind(self.path)
        listener.listen(64)
        self.events, self.child_end = socket.socketpair(socket.AF_UNIX, socket.SOCK_DGRAM)
        self.selector.register(0, selectors.EVENT_READ, lambda _: sys.exit(0))
        self.selector.register(listener, selectors.EVENT_READ, self._accept)
        self.selector.register(self.events, selectors.EVENT_READ, self._event)
        print("ready", flush=True)
        try:
            while True:
                for key, _ in self.selector.select():
                    key.data(key.fileobj)
        finally:
            self._kill(None, None)

    def _accept(self, listener: socket.socket) -> None:
        connection, _ = listener.accept()
        self.selector.register(connection, selectors.EVENT_READ, self._request)

    def _request(self, connection: socket.socket) -> None:
        descriptors = array.array("i")
        try:
            data, ancillary, _, _ = connection.recvmsg(_LARGEST, socket.CMSG_SPACE(12))
        except ConnectionResetError:
            data, ancillary = b"", []
        for _, _, content in ancillary:
            descriptors.frombytes(content[: len(content) - len(content) % 4])
        if not data:
            self.selector.unregister(connection)
            connection.close()
            return
        asked = json.loads(data)
        answer = getattr(self, f"_{asked.pop('do')}")(connection, descriptors, **asked)
        for descriptor in descriptors:
            os.close(descriptor)
        _send(connection, answer)

    def _spawn(self, to: socket.socket, descriptors: Any, **asked: Any) -> Any:
        family, role = asked["family"], asked["role"]
        waiting = [
            charge
            for charge in self.charges.get(family, [])
            if ROLE_OF[charge["step"]] == role and charge not in self.fired.get(family, [])
        ]
        pid = os.fork()
        if not pid:
            child.live(asked, list(descriptors), self.child_end, waiting[:1], self.path)
        self.processes[pid] = Process(family, role, to)
        self.selector.register(os.pidfd_open(pid), selectors.EVENT_READ, self._ended(pid))
        return {"pid": pid}

    def _ended(self, pid: int) -> Any:
        def reap(descriptor: int) -> None:
            self.selector.unregister(descriptor)
            os.close(descriptor)
            _, status = os.waitpid(pid, 0)
            process = self.processes.pop(pid)
            _send(process.told, {"code": os.waitstatus_to_exitcode(status)})

        return reap

    def _event(self, events: socket.socket) -> None:
        """A process has come to its step, and has killed itself."""
        said = json.loads(events.recv(_LARGEST))
        self.fired.setdefault(said["family"], []).append(said["charge"])
        if said["charge"]["whole"]:
            self._kill(said["family"], None)

    def _preload(self, _: socket.socket, __: Any, names: list[str]) -> Any:
        """Import more, for those who are forked from now on."""
        for name in names:
            importlib.import_module(name)
        return {}

    def _charge(self, _: socket.socket, __: Any, family: str, charges: Any) -> Any:
        """What to kill a family's processes at; replaces what was not fired."""
        self.charges[family] = charges
        return {}

    def _told(self, _: socket.socket, __: Any, family: str) -> Any:
        """What was fired since the last question, and who lives."""
        alive = [process.role for process in self.processes.values() if process.family == family]
        return {"fired": self.fired.get(family, []), "alive": alive}

    def _slay(self, _: socket.socket, __: Any, family: str, role: str | None) -> Any:
        """Kill a family, or its processes of one role."""
        return {"killed": self._kill(family, role)}

    def _pids(self, _: socket.socket, __: Any, family: str) -> Any:
        """The processes of a family by role, the oldest first."""
        found: dict[str, list[int]] = {}
        for pid, process in self.processes.items():
            if process.family == family:
                found.setdefault(process.role, []).append(pid)
        return found

    def _kill(self, family: str | None, role: str | None) -> list[str]:
        killed = []
        # Front first, as it would start the others again.
        for pid, process in sorted(
            self.processes.items(), key=lambda item: item[1].role != "front"
        ):
            if family in (None, process.family) and role in (None, process.role):
                os.kill(pid, signal.SIGKILL)
                killed.append(process.role)
        return killed


def _send(connection: socket.socket, message: Any) -> None:
    with contextlib.suppress(OSError):  # It was killed meanwhile.
        connection.send(json.dumps(message).encode())


def main() -> None:
    """Import, then serve."""
    faults.prepare_clock()
    for name in _PRELOADED:
        importlib.import_module(name)
    Nursery(sys.argv[1]).run()


if __name__ == "__main__":
    main()
