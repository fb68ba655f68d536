"""A collector as a user runs it: `auditspan up` as a process of its own, asked over its ports.

Unless a test asks for the real thing, its processes are forked from one that has imported them
(`forked.py`), and a new store is a copy of an empty one with the schema (`tests/migrated.py`).
"""

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import clickhouse_connect
import httpx

from tests.end_to_end import forked
from tests.end_to_end.forked import Forked
from tests.migrated import copy_migrated

_SPOOL = "{batch_seconds: 0.2}"
"""Tests wait for most of their batches."""
CONFIG = f"""
receivers:
  otlp:
    grpc: {{endpoint: "127.0.0.1:0"}}
    http: {{endpoint: "127.0.0.1:0"}}
service:
  spool: {_SPOOL}
  api: {{endpoint: "127.0.0.1:0"}}
  query: {{endpoint: "127.0.0.1:0"}}
"""
COMMAND = (str(Path(sys.executable).with_name("auditspan")),)
_MAIN = "from auditspan.cli.main import main; main()"
Process = subprocess.Popen[bytes] | Forked


def spooled(options: str = "{}") -> str:
    """The configuration with other options of the spool; the usual ones, if none are given."""
    return CONFIG.replace(_SPOOL, options)


@dataclass(frozen=True)
class Collector:
    """A running collector."""

    data: Path
    process: Process
    addresses: Mapping[str, str]
    python: str = sys.executable
    """What runs it, which has this version of auditspan or another one."""

    @property
    def token(self) -> str:
        """The operator's token."""
        return (self.data / "secrets" / "operator.token").read_text().strip()

    def rows(self, sql: str, **params: Any) -> list[dict[str, Any]]:
        """Ask the query endpoint with the real ClickHouse client."""
        url = httpx.URL(self.addresses["query"])
        client = clickhouse_connect.get_client(
            host=url.host,
            port=url.port or 0,
            username="operator",
            password=self.token,
            database="auditspan",
        )
        try:
            result = client.query(sql, parameters=params)
            return [dict(row) for row in result.named_results()]
        finally:
            client.close()

    def children(self, name: str) -> list[int]:
        """Process ids of its `engine` or `signer`: one, or none for a moment."""
        if isinstance(self.process, Forked):
            return self.process.children(name)
        pid, found = self.process.pid, []
        for child in Path(f"/proc/{pid}/task/{pid}/children").read_text().split():
            if f"auditspan.collector.{name}" in Path(f"/proc/{child}/cmdline").read_text():
                found.append(int(child))
        return found

    def auditspan(self, *arguments: str, check: bool = True) -> subprocess.CompletedProcess[str]:
        """Run the command line against this collector."""
        done = ran(*arguments, "--data", str(self.data), python=self.python)
        assert done.returncode == 0 or not check, done.stderr
        return done

    def wait_for(self, sql: str, expected: int, seconds: float = 30.0) -> float:
        """Wait until a count is reached; how long that took."""
        began = time.monotonic()
        while time.monotonic() - began < seconds:
            found = int(next(iter(self.rows(sql)[0].values())))
            if found >= expected:
                return time.monotonic() - began
            time.sleep(0.1)
        raise AssertionError(f"{sql}: {found} after {seconds} s, expected {expected}")


def ran(
    *words: str | Path, python: str = sys.executable, seconds: float = 120
) -> subprocess.CompletedProcess[str]:
    """Run the command line to its end."""
    argv = [str(word) for word in words]
    if forked.AVAILABLE:
        return forked.run("cli", argv, seconds, python=python)
    return subprocess.run(
        [*_command(python), *argv], capture_output=True, text=True, timeout=seconds, check=False
    )


@contextmanager
def running(
    data: Path,
    config: str = CONFIG,
    *options: str,
    code: int = 0,
    python: str = sys.executable,
    command: tuple[str, ...] = (),
    executed: bool = False,
    empty: bool = False,
) -> Iterator[Collector]:
    """Start a collector on free ports and stop it at the end, which must end with this code.

    It is forked unless it is to be `executed`, as it is by a `command` of its own; its store has
    the schema unless it is to be `empty`.
    """
    file = data.parent / f"{data.name}.yaml"
    file.write_text(config)
    if not empty and not data.exists():
        data.mkdir(mode=0o700)
        copy_migrated(data / "store")
    log = (data.parent / f"{data.name}.log").open("wb")
    argv = ["up", "--config", str(file), "--data", str(data), *options]
    env = {**os.environ, "NO_COLOR": "1"}
    process: Process
    if forked.AVAILABLE and not executed and not command:
        process = forked.fork("front", argv, log, log, env=env, python=python)
    else:
        process = subprocess.Popen(
            [*(command or _command(python)), *argv], stdout=log, stderr=subprocess.STDOUT, env=env
        )
    try:
        yield Collector(data, process, _addresses(data, process, Path(log.name)), python)
        process.send_signal(signal.SIGTERM)
        assert process.wait(60) == code, Path(log.name).read_text()[-4000:]
    finally:
        if process.poll() is None:
            process.kill()
            process.wait()
        log.close()


def _command(python: str) -> tuple[str, ...]:
    return COMMAND if python == sys.executable else (python, "-P", "-c", _MAIN)


def _addresses(data: Path, process: Process, log: Path) -> dict[str, str]:
    until = time.monotonic() + 60
    while time.monotonic() < until and process.poll() is None:
        try:
            addresses: dict[str, str] = json.loads((data / "front.json").read_text())
            if httpx.get(f"{addresses['api']}/readyz", timeout=5).status_code == 200:
                return addresses
        except (FileNotFoundError, httpx.HTTPError):
            pass
        time.sleep(0.05)
    raise AssertionError(f"the collector did not get ready:\n{log.read_text()[-4000:]}")
