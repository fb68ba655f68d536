"""What exporters of OpenTelemetry do with each refusal of ours: in the end all is there once."""

import os
import re
import signal
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx
import pytest
from opentelemetry.sdk.trace.export import SpanExportResult

from tests.conformance.exporters import exported
from tests.end_to_end import bodies
from tests.end_to_end.running import CONFIG, Collector, running, spooled

SUCCESS = {"http": SpanExportResult.SUCCESS, "grpc": SpanExportResult.SUCCESS}
FAILURE = {"http": SpanExportResult.FAILURE, "grpc": SpanExportResult.FAILURE}
PORT = 'endpoint: "127.0.0.1:0"'
LIMITED = spooled("{principal_mib_per_second: 0.3}").replace(PORT, f"{PORT}, max_request_mib: 1", 2)
SMALL_SPOOL = spooled("{total_mib: 16, principal_percent: 100}")


@pytest.fixture(scope="module")
def limited(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Collector]:
    """Requests of a MiB at most, and of a sender 3 MiB at once."""
    with running(tmp_path_factory.mktemp("limited") / "data", LIMITED) as collector:
        yield collector


def refusals(collector: Collector, reason: str) -> int:
    """How many there were so far."""
    text = httpx.get(f"{collector.addresses['api']}/metrics", trust_env=False).text
    found = re.search(rf'requests_refused_total{{reason="{reason}"}} (\d+)', text)
    assert found
    return int(found[1])


@contextmanager
def full_spool(collector: Collector) -> Iterator[None]:
    """The engine stands still, and not even a small request has room."""
    [engine] = collector.children("engine")
    os.kill(engine, signal.SIGSTOP)
    try:
        for size in (4_000_000, 400_000, 40_000, 4_000, 1):
            filled(collector, size, 503)
        yield
    finally:
        os.kill(engine, signal.SIGCONT)


def until_refused(collector: Collector, reason: str, count: int) -> None:
    """Wait until so many were."""
    until = time.monotonic() + 60
    while refusals(collector, reason) < count:
        assert time.monotonic() < until
        time.sleep(0.05)


def filled(collector: Collector, size: int, until: int) -> None:
    """Send until it is refused with this status."""
    url = collector.addresses["http"]
    for _ in range(40):
        body = bodies.body("filling", note="f" * size)
        if bodies.post(url, body, content_type=bodies.PROTOBUF).code == until:
            return
    raise AssertionError(f"never answered {until}")


def _stored_once(collector: Collector, name: str, count: int = 6) -> None:
    where = f"FROM audit_records WHERE startsWith(SpanName, '{name} ')"
    collector.wait_for(f"SELECT count() {where}", count, 60)
    [row] = collector.rows(f"SELECT count() AS n, uniqExact(SpanId) AS different {where}")
    assert row == {"n": count, "different": count}


def test_without_an_engine_they_see_success(limited: Collector) -> None:
    """The spool takes it; it is stored when the engine is back."""
    [engine] = limited.children("engine")
    os.kill(engine, signal.SIGKILL)
    exports = exported(limited, 10, "no engine")
    assert {way: export.ended() for way, export in exports.items()} == SUCCESS
    until = time.monotonic() + 30
    while httpx.get(f"{limited.addresses['api']}/readyz", trust_env=False).status_code != 200:
        assert time.monotonic() < until
        time.sleep(0.1)
    _stored_once(limited, "no engine")


def test_too_large_is_given_up(limited: Collector) -> None:
    """413 at once. `RESOURCE_EXHAUSTED` without `RetryInfo` should be: the gRPC exporter of Python
    tries it again all the same, until its time is over. Nothing of it is stored, the next is."""
    exports = exported(limited, 2, "too large", size=1 << 20)
    assert {way: export.ended() for way, export in exports.items()} == FAILURE
    assert exports["http"].seconds < 1.5
    exports = exported(limited, 10, "next")
    assert {way: export.ended() for way, export in exports.items()} == SUCCESS
    _stored_once(limited, "next")
    where = "WHERE startsWith(SpanName, 'too large ')"
    assert limited.rows(f"SELECT count() AS n FROM audit_records {where}") == [{"n": 0}]


def test_beyond_the_rate_they_wait(limited: Collector) -> None:
    """429 with `Retry-After`, `RESOURCE_EXHAUSTED` with `RetryInfo`: sent again, stored once."""
    filled(limited, 900_000, 429)
    before = refusals(limited, "rate_exceeded")
    exports = exported(limited, 30, "rate")
    assert {way: export.ended() for way, export in exports.items()} == SUCCESS
    assert refusals(limited, "rate_exceeded") >= before + 2
    assert min(export.seconds for export in exports.values()) > 0.5
    _stored_once(limited, "rate")


def test_a_full_spool_makes_them_wait(tmp_path: Path) -> None:
    """503 with `Retry-After`, `UNAVAILABLE` with `RetryInfo`: sent again, stored once."""
    with running(tmp_path / "data", SMALL_SPOOL) as collector:
        with full_spool(collector):
            before = refusals(collector, "spool_full")
            exports = exported(collector, 30, "full")
            until_refused(collector, "spool_full", before + 2)
        assert {way: export.ended() for way, export in exports.items()} == SUCCESS
        _stored_once(collector, "full")


def test_a_collector_that_starts_again_is_found(tmp_path: Path) -> None:
    """No connection, then the same port: sent again, stored once."""
    with running(tmp_path / "data") as collector:
        gone = Collector(collector.data, collector.process, dict(collector.addresses))
    exports = exported(gone, 30, "restart")
    time.sleep(0.3)
    assert all(export.result is None for export in exports.values())
    config = CONFIG
    for name in ("grpc", "http"):
        port = gone.addresses[name].rpartition(":")[2]
        config = config.replace(f"{name}: {{{PORT}}}", f'{name}: {{endpoint: "127.0.0.1:{port}"}}')
    with running(tmp_path / "data", config) as collector:
        assert collector.addresses["http"] == gone.addresses["http"]
        assert {way: export.ended() for way, export in exports.items()} == SUCCESS
        _stored_once(collector, "restart")
