"""The Rotel agent of the PyPI wheel in front of our receiver, and what both take.

The wheel is installed into an environment of its own, made once in the folder for temporary files.
"""

import socket
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from pydantic import JsonValue

from bench.lib.processes import cpu, memory_of
from bench.lib.results import ROOT
from bench.lib.sending import Sender

VERSION = "0.0.1a15"
_QUIET_SECONDS = 1.5
_MOST_SETTLING = 20.0


@dataclass(frozen=True, slots=True)
class Rotel:
    """A running agent and its receiver."""

    grpc: str
    receiver: str
    pids: Mapping[str, int]

    def rows(self) -> int:
        """How many rows came so far."""
        with urllib.request.urlopen(f"{self.receiver}/rows", timeout=60) as answer:
            return int(answer.read())

    def stored(self, rows: int, seconds: float = 120.0) -> None:
        """Wait until so many are stored."""
        until = time.monotonic() + seconds
        while (found := self.rows()) < rows:
            if time.monotonic() > until:
                raise AssertionError(f"{found} of {rows} rows after {seconds:g} s")
            time.sleep(0.2)

    def settled(self) -> None:
        """Wait until merges have ended."""
        until, before = time.monotonic() + _MOST_SETTLING, cpu(self.pids)["ingest"]
        while time.monotonic() < until:
            time.sleep(_QUIET_SECONDS)
            now = cpu(self.pids)["ingest"]
            if now - before < 0.05 * _QUIET_SECONDS:
                return
            before = now


def agent() -> Path:
    """The binary, installed if it is not there."""
    home = Path(tempfile.gettempdir()) / f"auditspan-bench-rotel-{VERSION}"
    if not (home / "done").exists():
        subprocess.run([sys.executable, "-m", "venv", str(home)], check=True)
        pip = [str(home / "bin" / "pip"), "install", "--quiet", "--no-deps", f"rotel=={VERSION}"]
        subprocess.run(pip, check=True)
        (home / "done").touch()
    return next(home.glob("lib/python*/site-packages/rotel/rotel-agent"))


@contextmanager
def rotel(folder: Path, batch: int) -> Iterator[Rotel]:
    """Start both, end both."""
    receiver = subprocess.Popen(
        [sys.executable, "-m", "bench.peers.receiver", str(folder / "store")],
        stdout=subprocess.PIPE, text=True, cwd=ROOT,
    )  # fmt: skip
    assert receiver.stdout is not None
    port, grpc = int(receiver.stdout.readline()), _free_port()
    options = {
        "otlp-grpc-endpoint": f"127.0.0.1:{grpc}",
        "otlp-http-endpoint": f"127.0.0.1:{_free_port()}",
        "exporter": "clickhouse",
        "clickhouse-exporter-endpoint": f"http://127.0.0.1:{port}",
        "clickhouse-exporter-database": "otel",
        "clickhouse-exporter-compression": "none",
        "clickhouse-exporter-async-insert": "false",
        "batch-max-size": str(batch),
        "batch-timeout": "5s",
    }
    words = [f"--{name}={value}" for name, value in options.items()]
    with (folder / "rotel.log").open("wb") as log:
        process = subprocess.Popen([str(agent()), "start", *words], stdout=log, stderr=log)
        try:
            _listening(grpc)
            pids = {"collector": process.pid, "ingest": receiver.pid}
            yield Rotel(f"http://127.0.0.1:{grpc}", f"http://127.0.0.1:{port}", pids)
        finally:
            for each in (process, receiver):
                each.terminate()
                each.wait(30)


def costs(at: Rotel, sender: Sender, bodies: Iterable[bytes], spans: int) -> dict[str, JsonValue]:
    """CPU µs a span of both, merges included, and memory."""
    there, before, began = at.rows(), cpu(at.pids), time.monotonic()
    with memory_of(at.pids) as memory:
        sender.all(bodies)
        at.stored(there + spans)
        seconds = time.monotonic() - began
    at.settled()
    after, rows = cpu(at.pids), at.rows() - there
    found = {role: (after[role] - before[role]) / spans * 1e6 for role in after}
    return {
        **{role: round(value, 2) for role, value in found.items()},
        "together": round(sum(found.values()), 2),
        "spans_per_second": round(spans / seconds),
        "peak_mb": round(memory.peak),
        # What it sends again because an answer was late is there twice.
        "twice": rows - spans,
    }


def _free_port() -> int:
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        return int(found.getsockname()[1])


def _listening(port: int) -> None:
    for _ in range(200):
        with socket.socket() as tried:
            if tried.connect_ex(("127.0.0.1", port)) == 0:
                return
        time.sleep(0.05)
    raise AssertionError("the agent does not listen")
