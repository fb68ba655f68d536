"""What comes back from the store is what was sent, over every transport."""

import base64
import gzip
import json
from collections.abc import Iterator
from itertools import product
from pathlib import Path
from typing import Any

import grpc
import httpx
import pytest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.common.v1.common_pb2 import AnyValue, KeyValueList
from opentelemetry.proto.trace.v1.trace_pb2 import Span

from auditspan.wire.otlp_json import to_json
from tests.conformance.pairs import Factors, all_pairs, pairs_of
from tests.end_to_end import bodies
from tests.end_to_end.running import Collector, running

_START = 1_760_000_000_000_000_000
_NESTED = AnyValue(kvlist_value=KeyValueList())
_NESTED.kvlist_value.values.add(key="in").value.array_value.values.add().int_value = -(2**63)
_VALUES: dict[str, tuple[AnyValue, str]] = {
    "absent": (AnyValue(), ""),
    "text": (AnyValue(string_value="a"), "a"),
    "empty text": (AnyValue(string_value=""), ""),
    "NUL": (AnyValue(string_value="a\0b"), "a\0b"),
    "right to left, combining, four bytes": (AnyValue(string_value="שלום é 🦜"), "שלום é 🦜"),
    "long": (AnyValue(string_value="x" * 50_000), "x" * 50_000),
    "true": (AnyValue(bool_value=True), "true"),
    "false": (AnyValue(bool_value=False), "false"),
    "zero": (AnyValue(int_value=0), "0"),
    "least integer": (AnyValue(int_value=-(2**63)), str(-(2**63))),
    "greatest integer": (AnyValue(int_value=2**63 - 1), str(2**63 - 1)),
    "double": (AnyValue(double_value=0.1), "0.1"),
    "no number": (AnyValue(double_value=float("nan")), "nan"),
    "infinite": (AnyValue(double_value=float("-inf")), "-inf"),
    "negative zero": (AnyValue(double_value=-0.0), "-0"),
    "bytes": (AnyValue(bytes_value=b"\0\xff"), base64.b64encode(b"\0\xff").decode()),
    "nested": (_NESTED, json.dumps({"in": [-(2**63)]}, separators=(",", ":"))),
}
_KINDS = ("Unspecified", "Internal", "Server", "Client", "Producer", "Consumer")
_CODES = ("Unset", "Ok", "Error")
_TIMES = {
    "usual": (_START, _START + 5),
    "zero": (0, 0),
    "ends before": (_START, _START - 5),
}
FACTORS: Factors = {
    "value": list(_VALUES),
    "on resource": ["no", "yes"],
    "scope": ["absent", "named"],
    "kind": _KINDS,
    "code": _CODES,
    "times": list(_TIMES),
    "parent": ["no", "yes"],
    "events": ["0", "1", "2"],
    "links": ["0", "1"],
}
ROWS = all_pairs(FACTORS)
TRANSPORTS = [f"{way} {packing}" for way in ("grpc", "protobuf", "json")
              for packing in ("plain", "gzip")]  # fmt: skip


def _request(number: int, row: dict[str, str], transport: str) -> ExportTraceServiceRequest:
    made = ExportTraceServiceRequest()
    resource = made.resource_spans.add()
    value = _VALUES[row["value"]][0]
    if row["on resource"] == "yes":
        resource.resource.attributes.add(key="case.value").value.CopyFrom(value)
    scope = resource.scope_spans.add()
    if row["scope"] == "named":
        scope.scope.name, scope.scope.version = "scope", "1"
    _fill(scope.spans.add(), number, row, transport)
    return made


def _fill(span: Span, number: int, row: dict[str, str], transport: str) -> None:
    value = _VALUES[row["value"]][0]
    span.trace_id = (TRANSPORTS.index(transport) + 1).to_bytes(16)
    span.span_id = (number + 1).to_bytes(8)
    span.name = f"case {transport}"
    span.kind = _KINDS.index(row["kind"])  # type: ignore[assignment]
    span.status.code = _CODES.index(row["code"])  # type: ignore[assignment]
    span.start_time_unix_nano, span.end_time_unix_nano = _TIMES[row["times"]]
    if row["parent"] == "yes":
        span.parent_span_id = b"parent\0\1"
    span.attributes.add(key="case.value").value.CopyFrom(value)
    for position in range(int(row["events"])):
        event = span.events.add(name=f"e{position}", time_unix_nano=_START + position)
        event.attributes.add(key="case.value").value.CopyFrom(value)
    for _ in range(int(row["links"])):
        link = span.links.add(trace_id=b"t" * 16, span_id=b"s" * 8, trace_state="a=b")
        link.attributes.add(key="case.value").value.CopyFrom(value)


def _send(
    collector: Collector, http: httpx.Client, request: ExportTraceServiceRequest, transport: str
) -> None:
    way, packing = transport.split()
    body = to_json(request) if way == "json" else request.SerializeToString()
    if way == "grpc":
        how = grpc.Compression.Gzip if packing == "gzip" else None
        assert bodies.call(collector.addresses["grpc"], body, compression=how).code == 0
        return
    headers = {"content-type": bodies.JSON if way == "json" else bodies.PROTOBUF}
    if packing == "gzip":
        body, headers["content-encoding"] = gzip.compress(body), "gzip"
    url = f"{collector.addresses['http']}/v1/traces"
    assert http.post(url, content=body, headers=headers).status_code == 200


@pytest.fixture(scope="module")
def stored(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[tuple[str, str], Any]]:
    """Every row over every transport, and what the query endpoint says of it."""
    with running(Path(tmp_path_factory.mktemp("conformance")) / "data") as collector:
        with httpx.Client(trust_env=False, timeout=30) as http:
            for transport, (number, row) in product(TRANSPORTS, enumerate(ROWS)):
                _send(collector, http, _request(number, row, transport), transport)
        where = "FROM audit_records WHERE startsWith(SpanName, 'case ')"
        collector.wait_for(f"SELECT count() {where}", len(ROWS) * len(TRANSPORTS))
        found = collector.rows(
            "SELECT SpanName, SpanId, ParentSpanId, SpanKind, StatusCode, ScopeName, ScopeVersion,"
            " toUnixTimestamp64Nano(Timestamp) AS Start, Duration, SpanAttributes,"
            " ResourceAttributes, `Events.Name` AS EventNames, `Events.Attributes` AS EventMaps,"
            f" `Links.TraceId` AS LinkIds, `Links.Attributes` AS LinkMaps {where}"
        )
        assert len(found) == len(ROWS) * len(TRANSPORTS)
        yield {(row["SpanName"].removeprefix("case "), row["SpanId"]): row for row in found}


def test_every_pair_is_in_the_matrix() -> None:
    """Any two values of two factors meet in a row."""
    met = {pair for row in ROWS for pair in pairs_of(FACTORS, row)}
    sizes = [len(values) for values in FACTORS.values()]
    assert len(met) == (sum(sizes) ** 2 - sum(size**2 for size in sizes)) // 2


@pytest.mark.parametrize("transport", TRANSPORTS)
def test_what_was_sent_comes_back(stored: dict[tuple[str, str], Any], transport: str) -> None:
    """All rows of the matrix, over one transport."""
    wrong = []
    for number, row in enumerate(ROWS):
        found, text = stored[transport, f"{number + 1:016x}"], _VALUES[row["value"]][1]
        start, end = _TIMES[row["times"]]
        named = row["scope"] == "named"
        expected = {
            "ParentSpanId": b"parent\0\1".hex() if row["parent"] == "yes" else "",
            "SpanKind": row["kind"],
            "StatusCode": row["code"],
            "ScopeName": "scope" if named else "",
            "ScopeVersion": "1" if named else "",
            "Start": start,
            "Duration": max(0, end - start),
            "SpanAttributes": {"case.value": text},
            "ResourceAttributes": {"case.value": text} if row["on resource"] == "yes" else {},
            "EventNames": [f"e{position}" for position in range(int(row["events"]))],
            "EventMaps": [{"case.value": text}] * int(row["events"]),
            "LinkIds": [(b"t" * 16).hex()] * int(row["links"]),
            "LinkMaps": [{"case.value": text}] * int(row["links"]),
        }
        wrong += [(number, k, found[k], v) for k, v in expected.items() if found[k] != v]
    print(f"{transport}: {len(ROWS)} requests, {len(wrong)} differences")
    assert not wrong, wrong[:3]
