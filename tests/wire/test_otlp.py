"""OTLP requests in protobuf: strict where ClickHouse is lax, and nothing known is lost."""

import json
import re
import time
import tracemalloc
from pathlib import Path

import pytest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

from auditspan.wire.errors import RequestInvalid
from auditspan.wire.otlp import check_ids, has_few_parts, parse, parts, serialise, spread, weight
from auditspan.wire.varint import encode_varint

VECTORS = json.loads((Path(__file__).parents[1] / "vectors/otlp/protobuf.json").read_text())


@pytest.mark.parametrize("vector", [v for v in VECTORS if v["valid"]], ids=lambda v: v["name"])
def test_valid_requests_are_written_as_expected(vector: dict[str, str | int]) -> None:
    """Merged, and without unknown fields; writing is stable."""
    parsed = parse(bytes.fromhex(str(vector["body"])))
    assert parsed.spans == vector["spans"]
    assert serialise(parsed.request).hex() == vector["serialised"]
    assert serialise(parse(serialise(parsed.request)).request).hex() == vector["serialised"]


@pytest.mark.parametrize("vector", [v for v in VECTORS if not v["valid"]], ids=lambda v: v["name"])
def test_invalid_requests_are_refused(vector: dict[str, str]) -> None:
    """With a reason, and for good."""
    with pytest.raises(RequestInvalid, match="expected") as caught:
        parse(bytes.fromhex(vector["body"]))
    assert not caught.value.retryable


def test_the_span_with_a_wrong_id_is_named() -> None:
    """By number and name, so that its sender is found; the others are kept, if there are any."""
    request = ExportTraceServiceRequest()
    spans = request.resource_spans.add().scope_spans.add().spans
    spans.add(trace_id=b"t" * 16, span_id=b"s" * 8, name="good")
    spans.add(trace_id=b"t" * 8, span_id=b"s" * 8, name="bad")
    parsed = parse(request.SerializeToString())
    assert re.search(r"span 2 of 2 \('bad'\).*found 8, 8, 0", parsed.problem)
    assert (parsed.spans, parsed.rejected) == (1, 1)
    assert [span.name for span in parsed.request.resource_spans[0].scope_spans[0].spans] == ["good"]
    del request.resource_spans[0].scope_spans[0].spans[0]
    with pytest.raises(RequestInvalid, match=r"span 1 of 1 \('bad'\).*found 8, 8, 0"):
        parse(request.SerializeToString())


def test_looking_at_ids_takes_about_a_microsecond_a_span() -> None:
    """The best of several runs, with room for a slow machine."""
    request = ExportTraceServiceRequest()
    spans = request.resource_spans.add().scope_spans.add().spans
    for _ in range(5_000):
        spans.add(trace_id=b"t" * 16, span_id=b"s" * 8, parent_span_id=b"p" * 8)
    took = []
    for _ in range(7):
        began = time.perf_counter()
        assert check_ids(request) == 5_000
        took.append(time.perf_counter() - began)
    assert min(took) / 5_000 < 3e-6


def test_right_spans_keep_their_order_without_the_wrong_ones() -> None:
    """Wherever those stand."""
    request = ExportTraceServiceRequest()
    spans = request.resource_spans.add().scope_spans.add().spans
    for number in range(10):
        spans.add(trace_id=b"t" * (16 if number % 3 else 15), span_id=b"s" * 8, name=str(number))
    parsed = parse(request.SerializeToString())
    kept = [span.name for span in parsed.request.resource_spans[0].scope_spans[0].spans]
    assert (kept, parsed.rejected) == (["1", "2", "4", "5", "7", "8"], 4)


def test_what_stands_above_spans_counts_for_each_and_what_is_in_them() -> None:
    """A batch is bounded by it as by spans, once it is more than usual."""
    request = ExportTraceServiceRequest()
    resource = request.resource_spans.add()
    resource.resource.attributes.add(key="k").value.string_value = "x" * 10_000
    for _ in range(5):
        span = resource.scope_spans.add().spans.add()
        span.events.add()
        span.links.add()
    size = spread(request)
    assert (size, parts(request)) == (5 * resource.resource.ByteSize(), 10)
    assert [weight(5, size, 0), weight(100, size, 80), weight(5, 0, 80)] == [size // 2048, 100, 10]


@pytest.mark.parametrize("what", ["events", "links"])
def test_more_parts_than_usual_are_never_taken_for_few(what: str) -> None:
    """Eight of a span are usual. Text may look like more, and then somebody looks closely."""
    for text, count, few in (("", 16, True), ("", 17, False), ("jZ", 14, True), ("jZ", 15, False)):
        request = ExportTraceServiceRequest()
        spans = request.resource_spans.add().scope_spans.add().spans
        for number in range(2):
            spans.add(name=text[number : number + 1])
        for _ in range(count):
            getattr(spans[0], what).add()
        assert has_few_parts(serialise(request), 2) is few
    assert not has_few_parts(b"", 2)


def test_what_is_said_of_a_million_wrong_spans_takes_no_memory_for_each() -> None:
    """A span that holds nothing is two bytes on the wire: a small request may have many."""
    body = _field(1, _field(2, b"\x12\x00" * 100_000))
    tracemalloc.start()
    try:
        with pytest.raises(RequestInvalid, match="span 1 of 100000 "):
            parse(body)
        assert tracemalloc.get_traced_memory()[1] < 1 << 20
    finally:
        tracemalloc.stop()


def _field(number: int, value: bytes) -> bytes:
    return encode_varint(number << 3 | 2) + encode_varint(len(value)) + value
