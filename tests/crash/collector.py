"""A collector whose processes come from the nursery: started, killed, asked and started again."""

import array
import json
import os
import random
import selectors
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

import httpx

ROOT = Path(__file__).parents[2]
_ENVIRONMENT = ("PATH", "LANG", "LC_ALL", "TMPDIR", "VIRTUAL_ENV")
CONFIG = """
receivers:
  otlp:
    grpc: {{endpoint: "127.0.0.1:{grpc}"}}
    http: {{endpoint: "127.0.0.1:{http}"}}
service:
  api: {{endpoint: "127.0.0.1:0"}}
  query: {{endpoint: "127.0.0.1:0"}}
  # Many small batches, files of them that are soon dropped, and a log that signs though idle.
  spool: {{batch_seconds: 0.7, batch_spans: 400, min_free_mib: 0, total_mib: 64}}
  batch_hold_seconds: 2
  integrity: {{idle_seconds: 1}}
"""


class Stuck(Exception):
    """Something did not happen in time."""


@dataclass(frozen=True)
class Nursery:
    """Our side of the nursery."""

    path: str

    def ask(self, do: str, **asked: Any) -> Any:
        """One question on a connection of its own."""
        with self.connected() as connection:
            connection.send(json.dumps({"do": do, **asked}).encode())
            return json.loads(connection.recv(1 << 20))

    def spawn(self, streams: Sequence[int], **asked: Any) -> socket.socket:
        """Start a process; the connection says its exit code."""
        connection = self.connected()
        rights = array.array("i", streams)
        data = json.dumps({"do": "spawn", **asked}).encode()
        connection.sendmsg([data], [(socket.SOL_SOCKET, socket.SCM_RIGHTS, rights)])
        connection.recv(1 << 16)
        return connection

    def connected(self) -> socket.socket:
        """A new connection."""
        connection = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        connection.connect(self.path)
        return connection


@contextmanager
def nursery(folder: Path, python: str = sys.executable) -> Iterator[Nursery]:
    """One nursery; it ends, and its children with it, when this does."""
    path = str(folder / "nursery")
    process = subprocess.Popen(
        [python, "-m", "tests.crash.nursery", path],
        cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE,
    )  # fmt: skip
    assert process.stdin is not None and process.stdout is not None
    try:
        if process.stdout.readline() != b"ready\n":
            raise Stuck("the nursery did not start, see above")
        yield Nursery(path)
    finally:
        process.stdin.close()
        process.wait(30)
        process.stdout.close()


@dataclass
class Collector:
    """One data folder, and the processes that work on it."""

    nursery: Nursery
    folder: Path
    ports: dict[str, int]
    config: str = CONFIG
    faults: list[str] = field(default_factory=list)
    connection: socket.socket | None = None
    """Says the exit code of front."""

    @property
    def data(self) -> Path:
        """Its data folder."""
        return self.folder / "data"

    @property
    def log(self) -> Path:
        """What its processes say, all starts one behind the other."""
        return self.folder / "collector.log"

    @property
    def family(self) -> str:
        """Its name at the nursery."""
        return str(self.folder)

    def start(self, *arguments: str) -> None:
        """`auditspan up`, and no waiting."""
        (self.data / "front.json").unlink(missing_ok=True)
        file = self.folder / "auditspan.yaml"
        file.write_text(self.config.format(**self.ports))
        command = ["up", "--config", str(file), "--data", str(self.data), *arguments]
        self._forget()
        self.connection = self._spawn("front", command, self.log)

    def command(
        self, *arguments: str, seconds: float = 120, said: Path | None = None
    ) -> tuple[int, str]:
        """Another command of `auditspan` on its data folder: exit code and what it said."""
        said = said or self.folder / "command.log"
        said.write_bytes(b"")
        connection = self._spawn("cli", [*arguments, "--data", str(self.data)], said)
        code = _code(connection, seconds)
        if code is None:
            raise Stuck(f"auditspan {arguments[0]} did not end in {seconds:.0f} s")
        return code, said.read_text()

    def _spawn(self, role: str, argv: list[str], log: Path) -> socket.socket:
        env = {name: os.environ[name] for name in _ENVIRONMENT if name in os.environ}
        with log.open("ab") as out, Path(os.devnull).open("rb") as nothing:
            return self.nursery.spawn(
                [nothing.fileno(), out.fileno(), out.fileno()],
                family=self.family, role=role, argv=argv, env={**env, "NO_COLOR": "1"},
                faults=self.faults,
            )  # fmt: skip

    def ended(self, seconds: float) -> int | None:
        """The exit code of front, if it ends in time."""
        assert self.connection is not None
        return _code(self.connection, seconds)

    def terminate(self, seconds: float = 60) -> int:
        """SIGTERM, as a service manager does; the exit code."""
        (pid,) = self.nursery.ask("pids", family=self.family)["front"]
        os.kill(pid, 15)
        code = self.ended(seconds)
        if code is None:
            raise Stuck(f"front did not end {seconds:.0f} s after SIGTERM: {self.tail()}")
        return code

    def kill(self, role: str | None = None) -> list[str]:
        """SIGKILL, to all or to those of a role; the roles of who was killed."""
        killed: list[str] = self.nursery.ask("slay", family=self.family, role=role)["killed"]
        return killed

    def close(self) -> None:
        """Nothing of it outlives this."""
        self.kill()
        self._forget()

    def _forget(self) -> None:
        if self.connection is not None:
            self.connection.close()

    def addresses(self, seconds: float = 60) -> dict[str, str]:
        """Where it listens, once it does."""
        return dict(self._until(self._listening, seconds, "it does not listen"))

    def until_ready(self, seconds: float = 60) -> dict[str, str]:
        """Until its engine works."""
        addresses = self.addresses(seconds)
        self._until(lambda: _is_ready(addresses["api"]), seconds, "the engine is not ready")
        return addresses

    def until_drained(self, seconds: float = 60) -> None:
        """Until nothing waits in the spool; `seconds` for the next segment, not for all."""
        while left := len(self.waiting()):
            self._until(partial(self._fewer, left), seconds, f"{left} left in the spool")

    def waiting(self) -> list[str]:
        """Segments in the spool."""
        names = (path.name for path in (self.data / "spool").iterdir())
        return sorted(name for name in names if name.endswith((".open", ".seg")))

    def rows(self, sql: str) -> list[list[str]]:
        """What the query endpoint answers."""
        token = (self.data / "secrets" / "operator.token").read_text().strip()
        answer = httpx.post(
            self.addresses()["query"], content=f"{sql} FORMAT TSV", timeout=60,
            auth=("operator", token), params={"database": "auditspan"}, trust_env=False,
        )  # fmt: skip
        if answer.status_code != 200:
            raise Stuck(f"{sql}: {answer.text[:500]}")
        return [line.split("\t") for line in answer.text.splitlines()]

    def until_stored(self, seconds: float = 60) -> None:
        """Until no closed segment waits."""
        self._until(
            lambda: not any(name.endswith(".seg") for name in self.waiting()),
            seconds, f"left in the spool: {self.waiting()}",
        )  # fmt: skip

    def _fewer(self, than: int) -> bool:
        return len(self.waiting()) < than

    def tail(self) -> str:
        """The last of its log."""
        return self.log.read_text(errors="replace")[-3000:]

    def _listening(self) -> dict[str, str] | None:
        try:
            found: dict[str, str] = json.loads((self.data / "front.json").read_text())
        except FileNotFoundError:
            return None
        return found

    def _until(self, done: Any, seconds: float, problem: str) -> Any:
        until = time.monotonic() + seconds
        while not (found := done()):
            if time.monotonic() > until:
                raise Stuck(f"{problem} after {seconds:.0f} s: {self.tail()}")
            time.sleep(0.02)
        return found


def new_collector(at: Nursery, folder: Path, config: str = CONFIG) -> Collector:
    """A collector with an empty folder, on ports that stay its own over all starts."""
    folder.mkdir(parents=True)
    return Collector(at, folder, {"grpc": _free_port(), "http": _free_port()}, config)


def _free_port() -> int:
    """Below those that the kernel gives to clients, which would take it between two starts."""
    while True:
        port = random.randint(12_000, 30_000)
        try:
            with socket.create_server(("127.0.0.1", port)):
                return port
        except OSError:
            continue


def _code(connection: socket.socket, seconds: float) -> int | None:
    if not _readable(connection, seconds):
        return None
    with connection:
        return int(json.loads(connection.recv(1 << 16))["code"])


def _is_ready(url: str) -> bool:
    try:
        return httpx.get(f"{url}/readyz", timeout=5, trust_env=False).status_code == 200
    except httpx.HTTPError:
        return False


def _readable(connection: socket.socket, seconds: float) -> bool:
    """Not by `select`, which takes no descriptor above 1,023: a test process has more open."""
    with selectors.DefaultSelector() as selector:
        selector.register(connection, selectors.EVENT_READ)
        return bool(selector.select(seconds))
