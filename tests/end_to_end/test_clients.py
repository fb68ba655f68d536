"""Clients that we did not write send to a real collector, and each record is found by SQL."""

import json
import os
import shutil
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import httpx
import pytest
from opentelemetry.exporter.otlp.json.http.trace_exporter import (
    OTLPSpanExporter as JsonExporter,
)
from opentelemetry.exporter.otlp.proto.grpc.trace_exporter import (
    OTLPSpanExporter as GrpcExporter,
)
from opentelemetry.exporter.otlp.proto.http import Compression
from opentelemetry.exporter.otlp.proto.http.trace_exporter import (
    OTLPSpanExporter as HttpExporter,
)
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor, SpanExporter

from tests.end_to_end.running import Collector, running

SCRIPT = """
const { BasicTracerProvider, SimpleSpanProcessor } = require("@opentelemetry/sdk-trace-base");
const { resourceFromAttributes } = require("@opentelemetry/resources");
const json = require("@opentelemetry/exporter-trace-otlp-http");
const proto = require("@opentelemetry/exporter-trace-otlp-proto");
const url = process.argv[2] + "/v1/traces";
const spanProcessors = [json, proto].map(
  (from) => new SimpleSpanProcessor(new from.OTLPTraceExporter({ url })));
const provider = new BasicTracerProvider({
  resource: resourceFromAttributes({ "service.name": "client-npm" }), spanProcessors });
const span = provider.getTracer("shop").startSpan("execute_tool look_up", { attributes: {
  "gen_ai.operation.name": "execute_tool", "gen_ai.tool.name": "look_up", "shop.items": 3 } });
span.end();
provider.shutdown().then(() => console.log(span.spanContext().traceId));
"""


@pytest.fixture(scope="module")
def collector(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Collector]:
    """One collector for all clients."""
    with running(tmp_path_factory.mktemp("clients") / "data") as started:
        yield started


def _grpc(collector: Collector) -> SpanExporter:
    return GrpcExporter(collector.addresses["grpc"], insecure=True)


def _http(collector: Collector) -> SpanExporter:
    return HttpExporter(f"{collector.addresses['http']}/v1/traces")


def _http_gzip(collector: Collector) -> SpanExporter:
    url = f"{collector.addresses['http']}/v1/traces"
    return HttpExporter(url, compression=Compression.Gzip)


def _json(collector: Collector) -> SpanExporter:
    return JsonExporter(endpoint=f"{collector.addresses['http']}/v1/traces")


@pytest.mark.parametrize("exporter", [_grpc, _http, _http_gzip, _json])
def test_an_exporter_of_opentelemetry_for_python(
    collector: Collector, exporter: Callable[[Collector], SpanExporter]
) -> None:
    """What its SDK recorded is one record with the same ids, tool and attributes."""
    service = f"client{exporter.__name__}"
    provider = TracerProvider(resource=Resource({"service.name": service}))
    provider.add_span_processor(SimpleSpanProcessor(exporter(collector)))
    attributes: dict[str, str | int] = {
        "gen_ai.operation.name": "execute_tool",
        "gen_ai.tool.name": "look_up",
        "shop.items": 3,
        "shop.note": "ü€𝄞",
    }
    with provider.get_tracer("shop").start_as_current_span(
        "execute_tool look_up", attributes=attributes
    ) as span:
        context = span.get_span_context()
    provider.shutdown()
    [row] = _rows(collector, service, 1)
    assert row == {
        "TraceId": f"{context.trace_id:032x}",
        "SpanId": f"{context.span_id:016x}",
        "Operation": "execute_tool",
        "ToolName": "look_up",
        "items": "3",
        "note": "ü€𝄞",
    }


def test_a_request_in_json_by_hand(collector: Collector) -> None:
    """The example of the specification: ids in hex, 64-bit numbers as text, enums as numbers."""
    span = {
        "traceId": "5B8EFFF798038103D269B633813FC60C",
        "spanId": "EEE19B7EC3C1B174",
        "name": "execute_tool look_up",
        "startTimeUnixNano": "1760000000000000000",
        "endTimeUnixNano": "1760000001000000000",
        "kind": 2,
        "attributes": [
            {"key": "gen_ai.operation.name", "value": {"stringValue": "execute_tool"}},
            {"key": "gen_ai.tool.name", "value": {"stringValue": "look_up"}},
            {"key": "shop.items", "value": {"intValue": "3"}},
            {"key": "shop.note", "value": {"stringValue": "by hand"}},
        ],
    }
    service = {"key": "service.name", "value": {"stringValue": "client_by_hand"}}
    sent = {
        "resourceSpans": [
            {"resource": {"attributes": [service]}, "scopeSpans": [{"spans": [span]}]}
        ]
    }
    answer = httpx.post(f"{collector.addresses['http']}/v1/traces", json=sent, trust_env=False)
    assert (answer.status_code, answer.json()) == (200, {})
    assert answer.headers["content-type"] == "application/json"
    [row] = _rows(collector, "client_by_hand", 1)
    assert row == {
        "TraceId": "5b8efff798038103d269b633813fc60c",
        "SpanId": "eee19b7ec3c1b174",
        "Operation": "execute_tool",
        "ToolName": "look_up",
        "items": "3",
        "note": "by hand",
    }


@pytest.mark.npm
def test_the_javascript_sdk(collector: Collector, tmp_path: Path) -> None:
    """One span, sent by its JSON and its protobuf exporter: two requests, two records."""
    npm, node = shutil.which("npm"), shutil.which("node")
    if npm is None or node is None:
        pytest.skip("npm is not on this machine")
    packages = ("sdk-trace-base", "resources", "exporter-trace-otlp-http",
                "exporter-trace-otlp-proto", "api")  # fmt: skip
    installed = subprocess.run(
        [npm, "install", "--no-audit", "--no-fund", "--ignore-scripts", "--loglevel=error",
         *(f"@opentelemetry/{name}" for name in packages)],
        cwd=tmp_path, capture_output=True, text=True, timeout=200, check=False,
    )  # fmt: skip
    if installed.returncode != 0:
        pytest.skip(f"npm cannot install the SDK: {installed.stderr[-300:]}")
    (tmp_path / "client.cjs").write_text(SCRIPT)
    environment = {k: v for k, v in os.environ.items() if "proxy" not in k.lower()}
    done = subprocess.run(
        [node, "client.cjs", collector.addresses["http"]],
        cwd=tmp_path, capture_output=True, text=True, timeout=60, check=False, env=environment,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    rows = _rows(collector, "client-npm", 2)
    assert [(row["TraceId"], row["ToolName"], row["items"]) for row in rows] == [
        (done.stdout.strip(), "look_up", "3")
    ] * 2


def _rows(collector: Collector, service: str, count: int) -> list[dict[str, object]]:
    condition = f"FROM audit_records WHERE ServiceName = '{service}'"
    collector.wait_for(f"SELECT count() {condition}", count)
    rows = collector.rows(
        "SELECT TraceId, SpanId, Operation, ToolName, SpanAttributes['shop.items'] AS items, "
        f"SpanAttributes['shop.note'] AS note {condition}"
    )
    assert len(rows) == count, json.dumps(rows, default=str)
    return rows
