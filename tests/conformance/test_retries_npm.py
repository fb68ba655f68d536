"""What the exporters of OpenTelemetry for JavaScript do with a refusal; needs npm and its registry.

Only by `make conformance`, which sets `AUDITSPAN_NPM`: the packages take a while.
"""

import os
import shutil
import subprocess
from pathlib import Path

import pytest

from tests.conformance.test_retries import (
    LIMITED,
    SMALL_SPOOL,
    filled,
    full_spool,
    refusals,
    until_refused,
)
from tests.end_to_end.running import Collector, running

pytestmark = [
    pytest.mark.npm,
    pytest.mark.skipif("AUDITSPAN_NPM" not in os.environ, reason="only by make conformance"),
]
PACKAGES = ("api", "resources", "sdk-trace-base", "exporter-trace-otlp-http",
            "exporter-trace-otlp-proto", "exporter-trace-otlp-grpc", "core")  # fmt: skip
SAID = "http=0 proto=0 grpc=1"
"""Of success and failure: over gRPC the exporter never sends again, and says so to its SDK."""
SCRIPT = """
const { BasicTracerProvider, InMemorySpanExporter, SimpleSpanProcessor } =
  require("@opentelemetry/sdk-trace-base");
const [, , http, grpc, name] = process.argv;
const kept = new InMemorySpanExporter();
const provider = new BasicTracerProvider({ spanProcessors: [new SimpleSpanProcessor(kept)] });
const url = http + "/v1/traces";
const timeoutMillis = 30000;
const ways = {
  http: new (require("@opentelemetry/exporter-trace-otlp-http").OTLPTraceExporter)(
    { url, timeoutMillis }),
  proto: new (require("@opentelemetry/exporter-trace-otlp-proto").OTLPTraceExporter)(
    { url, timeoutMillis }),
  grpc: new (require("@opentelemetry/exporter-trace-otlp-grpc").OTLPTraceExporter)(
    { url: grpc, timeoutMillis }),
};
const exported = Object.entries(ways).map(([way, exporter]) => new Promise((done) => {
  provider.getTracer("retry").startSpan(name + " " + way).end();
  const span = kept.getFinishedSpans().at(-1);
  exporter.export([span], (result) => done(way + "=" + result.code));
}));
Promise.all(exported).then((results) => console.log(results.join(" ")));
"""


@pytest.fixture(scope="module")
def client(tmp_path_factory: pytest.TempPathFactory) -> list[str]:
    """How the client is called."""
    npm, node = shutil.which("npm"), shutil.which("node")
    if npm is None or node is None:
        pytest.skip("npm is not on this machine")
    folder = tmp_path_factory.mktemp("npm")
    installed = subprocess.run(
        [npm, "install", "--no-audit", "--no-fund", "--ignore-scripts", "--loglevel=error",
         *(f"@opentelemetry/{name}" for name in PACKAGES)],
        cwd=folder, capture_output=True, text=True, timeout=200, check=False,
    )  # fmt: skip
    if installed.returncode != 0:
        pytest.skip(f"npm cannot install the SDK: {installed.stderr[-300:]}")
    (folder / "client.cjs").write_text(SCRIPT)
    return [node, str(folder / "client.cjs")]


def _started(client: list[str], collector: Collector, name: str) -> subprocess.Popen[str]:
    environment = {k: v for k, v in os.environ.items() if "proxy" not in k.lower()}
    addresses = (collector.addresses["http"], collector.addresses["grpc"])
    return subprocess.Popen(
        [*client, *addresses, name],
        cwd=Path(client[1]).parent, stdout=subprocess.PIPE, text=True, env=environment,
    )  # fmt: skip


def _stored(collector: Collector, name: str, count: int) -> list[str]:
    where = f"FROM audit_records WHERE startsWith(SpanName, '{name} ')"
    collector.wait_for(f"SELECT count() {where}", count)
    found = collector.rows(f"SELECT SpanName {where} ORDER BY SpanName")
    return [row["SpanName"].removeprefix(f"{name} ") for row in found]


def test_beyond_the_rate_they_wait(client: list[str], tmp_path: Path) -> None:
    """429 and `RESOURCE_EXHAUSTED`: sent again over HTTP, stored once."""
    slow = LIMITED.replace("second: 0.3", "second: 0.1")
    with running(tmp_path / "data", slow) as collector:
        filled(collector, 1_000_000, 429)
        before = refusals(collector, "rate_exceeded")
        with _started(client, collector, "rate") as process:
            until_refused(collector, "rate_exceeded", before + 3)
            said, _ = process.communicate(timeout=60)
        assert said.strip() == SAID
        assert _stored(collector, "rate", 2) == ["http", "proto"]


def test_a_full_spool_makes_them_wait(client: list[str], tmp_path: Path) -> None:
    """503 and `UNAVAILABLE`: sent again over HTTP, stored once."""
    with running(tmp_path / "data", SMALL_SPOOL) as collector:
        with full_spool(collector):
            before = refusals(collector, "spool_full")
            process = _started(client, collector, "full")
            until_refused(collector, "spool_full", before + 3)
        with process:
            said, _ = process.communicate(timeout=60)
        assert said.strip() == SAID
        assert _stored(collector, "full", 2) == ["http", "proto"]
