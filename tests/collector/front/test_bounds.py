"""Attributes beyond the bound are dropped and counted, wherever they stand."""

import json
from typing import Any

import pytest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.common.v1.common_pb2 import AnyValue

from auditspan.collector.front.bounds import bound_attributes
from auditspan.wire import otlp, otlp_json
from auditspan.wire.errors import RequestInvalid
from auditspan.wire.varint import encode_varint


def test_what_is_beyond_is_dropped_and_counted() -> None:
    """The first ones stay, and a count of the sender's own is added to."""
    request = ExportTraceServiceRequest()
    resource = request.resource_spans.add()
    scope = resource.scope_spans.add()
    span = scope.spans.add(dropped_attributes_count=7)
    carriers: list[Any] = [
        resource.resource,
        scope.scope,
        span,
        span.events.add(),
        span.links.add(),
    ]
    for carrier in carriers:
        for number in range(5):
            carrier.attributes.add(key=f"k{number}")
    assert bound_attributes(request, 3) == 10
    for carrier in carriers:
        assert [a.key for a in carrier.attributes] == ["k0", "k1", "k2"]
    assert [c.dropped_attributes_count for c in carriers] == [2, 2, 9, 2, 2]


def test_a_count_that_is_full_stays_full() -> None:
    """The field holds 32 bits."""
    request = ExportTraceServiceRequest()
    span = request.resource_spans.add().scope_spans.add().spans.add()
    span.dropped_attributes_count = (1 << 32) - 1
    span.attributes.add(key="a")
    assert bound_attributes(request, 0) == 1
    assert span.dropped_attributes_count == (1 << 32) - 1


def test_what_is_within_stays() -> None:
    """Byte for byte."""
    request = ExportTraceServiceRequest()
    request.resource_spans.add().scope_spans.add().spans.add().attributes.add(key="a")
    before = request.SerializeToString()
    assert bound_attributes(request, 1) == 0
    assert request.SerializeToString() == before


def test_a_value_nested_too_deep_is_refused() -> None:
    """In both encodings, as what cannot be read; nothing recurses until the process dies."""
    value = AnyValue(string_value="x").SerializeToString()
    for _ in range(5000):
        inner = b"\x0a" + _length(value) + value
        value = b"\x2a" + _length(inner) + inner
    body = value
    # KeyValue.value, Span.attributes, ScopeSpans.spans, ResourceSpans.scope_spans, resource_spans.
    for tag in (b"\x12", b"\x4a", b"\x12", b"\x12", b"\x0a"):
        body = tag + _length(body) + body
    with pytest.raises(RequestInvalid):
        otlp.parse(body)
    deep: object = {"stringValue": "x"}
    text = '{"arrayValue":{"values":[' * 5000 + json.dumps(deep) + "]}}" * 5000
    attributes = f'[{{"key":"k","value":{text}}}]'
    with pytest.raises(RequestInvalid):
        otlp_json.parse_json(
            f'{{"resourceSpans":[{{"resource":{{"attributes":{attributes}}}}}]}}'.encode()
        )


def _length(data: bytes) -> bytes:
    return encode_varint(len(data))
