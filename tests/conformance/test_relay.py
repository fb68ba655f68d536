"""A real OpenTelemetry Collector between agents and ours, over each way that it can send.

Only by `make relay`, which sets `AUDITSPAN_RELAY`: it is built from Go modules, 2 to 4 minutes.
"""

import contextlib
import os
import shutil
import signal
import socket
import subprocess
import time
from collections.abc import Iterator, Mapping
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path

import httpx
import pytest
import yaml
from clickhouse_connect.driver.exceptions import OperationalError
from pydantic import JsonValue

from tests.conformance.test_retries import SMALL_SPOOL, full_spool, refusals, until_refused
from tests.end_to_end import bodies
from tests.end_to_end.running import Collector, running

pytestmark = [
    pytest.mark.relay,
    pytest.mark.timeout(900),
    pytest.mark.skipif("AUDITSPAN_RELAY" not in os.environ, reason="only by make relay"),
]
SOURCE = Path(__file__).with_name("relay")
WHY = ("--requested-by", "ops@example.com", "--ticket", "CHG-1", "--reason", "relay")
WAYS: dict[str, tuple[str, dict[str, JsonValue]]] = {
    "grpc": ("otlp", {}),
    "grpc-none": ("otlp", {"compression": "none"}),
    "http": ("otlphttp", {}),
    "http-json": ("otlphttp", {"encoding": "json"}),
    "http-zstd": ("otlphttp", {"compression": "zstd"}),
    "http-zstd-best": (
        "otlphttp",
        {"compression": "zstd", "compression_params": {"level": 11}},
    ),
    "http-deflate": ("otlphttp", {"compression": "deflate"}),
}
"""The exporter, and what it is told besides."""
SPANS = 2_000


@pytest.fixture(scope="module")
def relay(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The program."""
    if shutil.which("go") is None:
        pytest.skip("go is not on this machine")
    folder = tmp_path_factory.mktemp("relay") / "source"
    shutil.copytree(SOURCE, folder)
    for command in (["go", "mod", "tidy"], ["go", "build", "-o", "relay", "."]):
        done = subprocess.run(
            command, cwd=folder, capture_output=True, text=True, timeout=800, check=False
        )
        assert done.returncode == 0, done.stderr[-4000:]
    return folder / "relay"


@dataclass(frozen=True, slots=True)
class Behind:
    """Ours, and a key with which a relay sends to it."""

    collector: Collector
    key: str


@pytest.fixture(scope="module")
def behind(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Behind]:
    """With little room in its spool."""
    with running(tmp_path_factory.mktemp("behind") / "data", SMALL_SPOOL) as collector:
        key = collector.auditspan("keys", "issue", "otel-gateway", "--relay", *WHY).stdout.strip()
        yield Behind(collector, key)


@contextmanager
def sending(program: Path, behind: Behind, way: str, folder: Path) -> Iterator[str]:
    """A relay that sends this way; where it takes OTLP over HTTP."""
    exporter, more = WAYS[way]
    http = _free_port()
    file = folder / "relay.yaml"
    file.write_text(yaml.safe_dump(_config(http, exporter, {**_to(behind, exporter), **more})))
    with (folder / "relay.log").open("wb") as log:
        process = subprocess.Popen([program, "--config", file], stdout=log, stderr=log)
        try:
            _wait_until_it_listens(http, process, folder / "relay.log")
            yield f"http://127.0.0.1:{http}"
            process.send_signal(signal.SIGTERM)
            assert process.wait(60) == 0
            assert b"dropped_items" not in (folder / "relay.log").read_bytes()
        finally:
            process.kill()
            process.wait()


def _to(behind: Behind, exporter: str) -> dict[str, JsonValue]:
    headers: dict[str, JsonValue] = {"authorization": f"Bearer {behind.key}"}
    addresses = behind.collector.addresses
    if exporter == "otlphttp":
        return {"endpoint": addresses["http"], "headers": headers}
    address = addresses["grpc"].removeprefix("http://")
    return {"endpoint": address, "tls": {"insecure": True}, "headers": headers}


def _config(http: int, exporter: str, to: Mapping[str, JsonValue]) -> dict[str, JsonValue]:
    pipeline: JsonValue = {
        "receivers": ["otlp"], "processors": ["batch"], "exporters": [exporter],
    }  # fmt: skip
    return {
        "receivers": {"otlp": {"protocols": {"http": {"endpoint": f"127.0.0.1:{http}"}}}},
        "processors": {"batch": {"timeout": "200ms"}},
        "exporters": {exporter: dict(to)},
        "service": {
            "telemetry": {"metrics": {"level": "none"}},
            "pipelines": {"traces": pipeline},
        },
    }


def _free_port() -> int:
    with closing(socket.socket()) as taken:
        taken.bind(("127.0.0.1", 0))
        port: int = taken.getsockname()[1]
        return port


def _wait_until_it_listens(port: int, process: subprocess.Popen[bytes], log: Path) -> None:
    until = time.monotonic() + 60
    while time.monotonic() < until and process.poll() is None:
        with closing(socket.socket()) as tried:
            if tried.connect_ex(("127.0.0.1", port)) == 0:
                return
        time.sleep(0.05)
    raise AssertionError(log.read_text()[-4000:])


def _taken(url: str, name: str) -> None:
    content = bodies.body(name, SPANS, note="\N{SNOWMAN}" * 200)
    answer = httpx.post(
        f"{url}/v1/traces", content=content, headers={"content-type": bodies.PROTOBUF}, timeout=60
    )
    assert answer.status_code == 200


def _stored_once(collector: Collector, name: str) -> None:
    sql = (
        "SELECT count() AS n, uniqExact(SpanId) AS different, any(PrincipalId) AS by "
        f"FROM audit WHERE SpanName = '{name}'"
    )
    found, until = {"n": 0}, time.monotonic() + 90
    while found["n"] < SPANS and time.monotonic() < until:
        time.sleep(0.2)
        # While the spool is full there is no room for the record of who asks, and so no answer.
        with contextlib.suppress(OperationalError):
            [found] = collector.rows(sql)
    assert found == {"n": SPANS, "different": SPANS, "by": "relay:otel-gateway"}


@pytest.mark.parametrize("way", WAYS)
def test_what_a_relay_took_is_stored_once(
    relay: Path, behind: Behind, way: str, tmp_path: Path
) -> None:
    """At once; and what it took while ours refused, after that. It drops nothing."""
    collector = behind.collector
    with sending(relay, behind, way, tmp_path) as url:
        _taken(url, f"{way} at once")
        _stored_once(collector, f"{way} at once")
        with full_spool(collector):
            before = refusals(collector, "spool_full")
            _taken(url, f"{way} later")
            until_refused(collector, "spool_full", before + 1)
        _stored_once(collector, f"{way} later")
