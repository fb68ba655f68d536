"""What a request holds is told before it is parsed, whatever its bytes are."""

import time
import tracemalloc

import pytest
from hypothesis import given
from hypothesis import strategies as st
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

from auditspan.wire.outline import holds_more
from auditspan.wire.varint import encode_varint
from tests.end_to_end import bodies


def _field(number: int, content: bytes, kind: int = 2) -> bytes:
    head = encode_varint(number << 3 | kind)
    return head + (encode_varint(len(content)) if kind == 2 else b"") + content


def _messages(body: bytes) -> int:
    request = ExportTraceServiceRequest.FromString(body)
    scopes = [scope for each in request.resource_spans for scope in each.scope_spans]
    return len(request.resource_spans) + len(scopes) + sum(len(scope.spans) for scope in scopes)


_STRANGE = st.sampled_from(
    [
        b"",
        _field(9, b"\x80\x01", 0),
        _field(9, bytes(8), 1),
        _field(9, b"text"),
        _field(9, bytes(4), 5),
        _field(1, b"\x05", 0),
        _field(9, b"", 3) + _field(9, b"", 4),
    ]
)
"""Fields that nobody knows, one with a wrong type, an empty group."""


@st.composite
def _nested(draw: st.DrawFn, way: tuple[int, ...] = (1, 2, 2)) -> bytes:
    """A request with other fields between its messages."""
    if not way:
        return draw(st.sampled_from([b"", _field(5, b"name")]))
    parts = [draw(_STRANGE)]
    for _ in range(draw(st.integers(0, 3))):
        parts += [_field(way[0], draw(_nested(way[1:]))), draw(_STRANGE)]
    return b"".join(parts)


@given(_nested())
def test_it_is_what_the_parser_finds(body: bytes) -> None:
    """Neither more nor fewer."""
    count = _messages(body)
    assert not holds_more(body, count)
    assert count == 0 or holds_more(body, count - 1)


@given(_nested(), st.binary(max_size=40), st.integers(0, 200))
def test_broken_bytes_raise_nothing_and_hide_nothing(body: bytes, noise: bytes, at: int) -> None:
    """What the parser takes, it takes with no more messages than were told."""
    broken = body[:at] + noise + body[at:]
    try:
        count = _messages(broken)
    except Exception:
        holds_more(broken, 10)
        return
    assert count == 0 or holds_more(broken, count - 1)


def test_a_request_as_they_are_is_no_more_than_its_spans() -> None:
    """One resource, one scope."""
    body = bodies.body("usual", 1_000, note="x" * 500)
    assert (holds_more(body, 1_001), holds_more(body, 1_002)) == (True, False)


@pytest.mark.parametrize("depth", [1, 2, 3])
def test_millions_are_told_quickly_and_without_memory(depth: int) -> None:
    """Whichever of the three they are."""
    body = encode_varint((1, 2, 2)[depth - 1] << 3 | 2) + b"\0"
    body *= 3_000_000
    for number in reversed((1, 2, 2)[: depth - 1]):
        body = _field(number, body)
    tracemalloc.start()
    try:
        began = time.process_time()
        assert holds_more(body, 100_000)
        assert time.process_time() - began < 2
        assert tracemalloc.get_traced_memory()[1] < 40_000_000
    finally:
        tracemalloc.stop()
