"""What stands at the limits of OTLP: depth, sizes, ids, and fields of versions to come."""

import time
from collections.abc import Callable, Iterator
from contextlib import closing
from http.client import HTTPConnection
from itertools import product
from typing import Any

import pytest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.common.v1.common_pb2 import AnyValue
from opentelemetry.proto.trace.v1.trace_pb2 import Span

from tests.conformance.by_hand import Style, json_of, varint
from tests.conformance.expected import COLUMNS, expected
from tests.conformance.sending import Senders, senders
from tests.conformance.values import nested
from tests.end_to_end.bodies import PROTOBUF
from tests.end_to_end.running import Collector

WAYS = ("grpc plain", "protobuf plain", "json plain")
DEEPEST = {"attribute": 47, "event": 47}
"""Lists within lists that all three ways take: 100 messages within messages."""
REFUSALS = {"grpc plain": 3, "protobuf plain": 400, "json plain": 400}
MOST = 1_000
"""Attributes of a span that are kept."""

Change = Callable[[Span], Any]


@pytest.fixture(scope="module")
def to(collector: Collector) -> Iterator[Senders]:
    """Connections to the collector."""
    with senders(collector.addresses) as made:
        yield made


def _request(name: str, change: Change) -> ExportTraceServiceRequest:
    request = ExportTraceServiceRequest()
    span = request.resource_spans.add().scope_spans.add().spans.add(name=name)
    span.trace_id, span.span_id = b"edge" * 4, b"edge" * 2
    change(span)
    return request


def _sent(to: Senders, request: ExportTraceServiceRequest, way: str) -> int:
    json = way.startswith("json")
    return to.send(json_of(request, Style()) if json else request.SerializeToString(), way)


def _deep(place: str, levels: int) -> Change:
    def change(span: Span) -> None:
        carrier = span if place == "attribute" else span.events.add()
        carrier.attributes.add(key="deep").value.CopyFrom(nested(levels))

    return change


def _large(span: Span) -> None:
    """A field of each kind as large as it goes within a request of some MiB."""
    span.status.message = "w" * (1 << 20)
    span.name = "n" * (1 << 20) + span.name
    span.trace_state = "s" * 100_000
    span.attributes.add(key="k" * 100_000).value.string_value = "ü" * (1 << 20)
    span.attributes.add(key="b").value.bytes_value = bytes(1 << 20)
    for _ in range(2_000):
        span.events.add(name="e")
        span.links.add(trace_id=b"t" * 16, span_id=b"s" * 8)


def _many(span: Span) -> None:
    for number in range(MOST):
        span.attributes.add(key=f"k{number}").value.int_value = number


KEPT: dict[str, Change] = {
    "trace id of zeros": lambda span: setattr(span, "trace_id", bytes(16)),
    "span id of zeros": lambda span: setattr(span, "span_id", bytes(8)),
    "parent span id of zeros": lambda span: setattr(span, "parent_span_id", bytes(8)),
    "link without ids": lambda span: span.links.add(),
    "link with ids of other lengths": lambda span: span.links.add(
        trace_id=b"7 bytes", span_id=b"s"
    ),
    "nothing but ids": lambda span: None,
    "as many attributes as are kept": _many,
    "an attribute without a key": lambda span: span.attributes.add(value=AnyValue(int_value=1)),
    "a key without a value": lambda span: span.attributes.add(key="k"),
    "an index into a table of texts": lambda span: span.attributes.add(
        key="k", value=AnyValue(string_value_strindex=7)
    ),
    **{f"deepest {place}": _deep(place, levels) for place, levels in DEEPEST.items()},
}
REFUSED: dict[str, Change] = {
    "no trace id": lambda span: span.ClearField("trace_id"),
    "trace id of 7 bytes": lambda span: setattr(span, "trace_id", b"7 bytes"),
    "trace id of 17 bytes": lambda span: setattr(span, "trace_id", b"t" * 17),
    "no span id": lambda span: span.ClearField("span_id"),
    "span id of 7 bytes": lambda span: setattr(span, "span_id", b"7 bytes"),
    "parent span id of 7 bytes": lambda span: setattr(span, "parent_span_id", b"7 bytes"),
    **{f"too deep {place}": _deep(place, levels + 1) for place, levels in DEEPEST.items()},
}


@pytest.fixture(scope="module")
def stored(collector: Collector, to: Senders) -> dict[str, dict[str, Any]]:
    """All cases that are kept, over each way, as the query endpoint answers."""
    for case, way in product(KEPT, WAYS):
        assert _sent(to, _request(f"edge {way} {case}", KEPT[case]), way) == 200
    where = "FROM audit_records WHERE startsWith(SpanName, 'edge ')"
    collector.wait_for(f"SELECT count() {where}", len(KEPT) * len(WAYS))
    return {row["SpanName"]: row for row in collector.rows(f"SELECT {COLUMNS} {where}")}


@pytest.mark.parametrize("case", KEPT)
def test_what_is_within_the_limits_is_kept(stored: dict[str, Any], case: str) -> None:
    """Over each way as it was sent."""
    for way in WAYS:
        name = f"edge {way} {case}"
        assert stored[name] == _expected(_request(name, KEPT[case]))


@pytest.mark.parametrize("case", REFUSED)
def test_what_is_beyond_is_refused_for_good(to: Senders, case: str) -> None:
    """With 400 or INVALID_ARGUMENT, the same over each way."""
    request = _request("never stored", REFUSED[case])
    assert {way: _sent(to, request, way) for way in WAYS} == REFUSALS


def test_what_is_far_too_deep_is_refused_for_good(to: Senders) -> None:
    """Thousands of levels end neither a parser nor a process."""
    levels = 20_000
    deep = b""
    for _ in range(2_000):
        deep = b"\x0a" + varint(len(deep)) + deep
    json = b'{"resourceSpans":' + b'[{"scopeSpans":' * levels + b"[" + b"]}" * levels + b"]}"
    bodies = {"grpc plain": deep, "protobuf plain": deep, "json plain": json}
    assert {way: to.send(body, way) for way, body in bodies.items()} == REFUSALS


def test_large_fields_are_kept(collector: Collector, to: Senders) -> None:
    """Texts of a MiB, thousands of events and links, packed and plain."""
    where = "FROM audit_records WHERE endsWith(SpanName, ' large')"
    wanted = {}
    for at, transport in enumerate(("grpc gzip", "protobuf plain", "json gzip")):
        request = _request(" large", _large)
        request.resource_spans[0].scope_spans[0].spans[0].span_id = at.to_bytes(8)
        assert _sent(to, request, transport) == 200
        wanted[at.to_bytes(8).hex()] = _expected(request)
    collector.wait_for(f"SELECT count() {where}", len(wanted), 60)
    found = {row["SpanId"]: row for row in collector.rows(f"SELECT {COLUMNS} {where}")}
    assert found == wanted


def test_what_is_beyond_the_most_attributes_is_counted(collector: Collector, to: Senders) -> None:
    """The first ones stay; the others are in `dropped_attributes_count`."""

    def change(span: Span) -> None:
        _many(span)
        span.dropped_attributes_count = 2
        for number in range(5):
            span.attributes.add(key=f"beyond{number}")

    assert _sent(to, _request("beyond", change), "protobuf plain") == 200
    where = "FROM audit_records WHERE SpanName = 'beyond'"
    collector.wait_for(f"SELECT count() {where}", 1)
    [row] = collector.rows(
        "SELECT length(SpanAttributes) AS n, OtlpExtras['dropped_attributes_count'] AS dropped,"
        f" mapContains(SpanAttributes, 'beyond0') AS beyond {where}"
    )
    assert row == {"n": MOST, "dropped": "7", "beyond": 0}


def test_an_answer_with_a_body_is_not_held_back(collector: Collector) -> None:
    """Head and body leave at once, not when the client has confirmed the head."""
    host = collector.addresses["http"].partition("//")[2]
    took = []
    with closing(HTTPConnection(host, timeout=30)) as connection:
        for _ in range(15):
            began = time.monotonic()
            connection.request("POST", "/v1/traces", b"\xff", {"content-type": PROTOBUF})
            assert connection.getresponse().read()
            took.append(time.monotonic() - began)
    assert sorted(took)[2] < 0.03


def _expected(request: ExportTraceServiceRequest) -> dict[str, Any]:
    [resource] = request.resource_spans
    [scope] = resource.scope_spans
    return expected(resource, scope, scope.spans[0])
