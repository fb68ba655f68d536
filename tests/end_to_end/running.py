"""A collector as a user runs it: `auditspan up` as a process of its own, asked over its ports."""

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

CONFIG = """
receivers:
  otlp:
    grpc: {endpoint: "127.0.0.1:0"}
    http: {endpoint: "127.0.0.1:0"}
service:
  api: {endpoint: "127.0.0.1:0"}
  query: {endpoint: "127.0.0.1:0"}
"""
COMMAND = (str(Path(sys.executable).with_name("auditspan")),)


@dataclass(frozen=True)
class Collector:
    """A running collector."""

    data: Path
    process: subprocess.Popen[bytes]
    addresses: Mapping[str, str]
    command: tuple[str, ...] = COMMAND

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

    def auditspan(self, *arguments: str, check: bool = True) -> subprocess.CompletedProcess[str]:
        """Run the command line against this collector."""
        done = subprocess.run(
            [*self.command, *arguments, "--data", str(self.data)],
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
        )
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


@contextmanager
def running(
    data: Path, config: str = CONFIG, *, code: int = 0, command: tuple[str, ...] = COMMAND
) -> Iterator[Collector]:
    """Start a collector on free ports and stop it at the end, which must end with this code."""
    file = data.parent / f"{data.name}.yaml"
    file.write_text(config)
    log = (data.parent / f"{data.name}.log").open("wb")
    process = subprocess.Popen(
        [*command, "up", "--config", str(file), "--data", str(data)],
        stdout=log,
        stderr=subprocess.STDOUT,
        env={**os.environ, "NO_COLOR": "1"},
    )
    try:
        yield Collector(data, process, _addresses(data, process, Path(log.name)), command)
        process.send_signal(signal.SIGTERM)
        assert process.wait(60) == code, Path(log.name).read_text()[-4000:]
    finally:
        if process.poll() is None:
            process.kill()
            process.wait()
        log.close()


def _addresses(data: Path, process: subprocess.Popen[bytes], log: Path) -> dict[str, str]:
    until = time.monotonic() + 60
    while time.monotonic() < until and process.poll() is None:
        try:
            addresses: dict[str, str] = json.loads((data / "front.json").read_text())
            if httpx.get(f"{addresses['api']}/readyz", timeout=5).status_code == 200:
                return addresses
        except (FileNotFoundError, httpx.HTTPError):
            pass
        time.sleep(0.1)
    raise AssertionError(f"the collector did not get ready:\n{log.read_text()[-4000:]}")
