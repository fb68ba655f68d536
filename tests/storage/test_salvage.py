"""One bad frame takes no other with it."""

from collections.abc import Callable, Sequence
from pathlib import Path

import pytest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.trace.v1.trace_pb2 import ResourceSpans, ScopeSpans, Span

from auditspan.storage.engine import Engine
from auditspan.storage.salvage import decode_salvaging

SegmentOf = Callable[[Sequence[ExportTraceServiceRequest | bytes | str]], Path]

_BAD = {
    "a string field that holds a number": b"\x0a\x04\x12\x02\x12\x00" + b"\x0a\x02\x18\x07",
    "a length beyond the end": b"\x0a\x7f\x00",
    "bytes that are no protobuf": b"\xff\xff\xff\xff",
    "text that is not UTF-8": ExportTraceServiceRequest(
        resource_spans=[ResourceSpans(scope_spans=[ScopeSpans(spans=[Span(name="abcd")])])]
    )
    .SerializeToString()
    .replace(b"abcd", b"\xff\xfe\xfd\xfc"),
}


def _named(name: str) -> ExportTraceServiceRequest:
    spans = ScopeSpans(spans=[Span(name=name)])
    return ExportTraceServiceRequest(resource_spans=[ResourceSpans(scope_spans=[spans])])


@pytest.mark.parametrize("body", _BAD.values(), ids=_BAD.keys())
def test_the_bad_frame_is_handed_back_and_the_others_are_decoded(
    memory: Engine, segment: SegmentOf, body: bytes
) -> None:
    """The frames around it keep their order; the bad one comes whole, with a short reason."""
    names = [f"s{number}" for number in range(7)]
    contents: list[ExportTraceServiceRequest | bytes | str] = [_named(name) for name in names]
    contents.insert(3, body)
    path = segment(contents)
    salvaged = decode_salvaging(memory, path)
    assert salvaged.table.column("SpanName").to_pylist() == names
    (bad,) = salvaged.bad
    assert path.read_bytes()[bad.offset : bad.offset + len(bad.data)] == bad.data
    assert body in bad.data
    assert 0 < len(bad.reason) <= 500
    assert "format_schema" not in bad.reason


def test_a_torn_last_frame_is_a_bad_frame(memory: Engine, segment: SegmentOf) -> None:
    """Normally wire cuts it; if it is still there it costs nothing but itself."""
    path = segment([_named("a"), _named("b")])
    path.write_bytes(path.read_bytes()[:-3])
    salvaged = decode_salvaging(memory, path)
    assert salvaged.table.column("SpanName").to_pylist() == ["a"]
    assert len(salvaged.bad) == 1


def test_a_segment_of_nothing_but_bad_frames_gives_an_empty_table(
    memory: Engine, segment: SegmentOf
) -> None:
    """The table has no rows, and nothing is left behind beside the segment."""
    path = segment([b"\xff\xff\xff\xff", b"\x0a\x7f\x00"])
    salvaged = decode_salvaging(memory, path)
    assert salvaged.table.num_rows == 0
    assert len(salvaged.bad) == 2
    assert list(path.parent.iterdir()) == [path]


def test_a_good_segment_is_read_once(memory: Engine, segment: SegmentOf) -> None:
    """Nothing is bad, and the table is the whole of it."""
    salvaged = decode_salvaging(memory, segment([_named("a")]))
    assert salvaged.bad == ()
    assert salvaged.table.column("SpanName").to_pylist() == ["a"]


@pytest.mark.parametrize("bit", [0, 3, 7])
def test_a_frame_with_other_bytes_is_a_bad_frame_though_it_can_be_read(
    memory: Engine, segment: SegmentOf, bit: int
) -> None:
    """The engine would store another name; the checksum knows."""
    path = segment([_named("first"), _named("second"), _named("third")])
    data = bytearray(path.read_bytes())
    data[data.index(b"second")] ^= 1 << bit
    path.write_bytes(data)
    salvaged = decode_salvaging(memory, path)
    assert salvaged.table.column("SpanName").to_pylist() == ["first", "third"]
    (bad,) = salvaged.bad
    assert "crc" in bad.reason or "envelope" in bad.reason
    assert data[bad.offset : bad.offset + len(bad.data)] == bad.data


def test_behind_a_damaged_length_everything_is_one_bad_piece(
    memory: Engine, segment: SegmentOf
) -> None:
    """Nothing in it is taken for a frame; nothing of it is lost."""
    path = segment([_named("first"), _named("second"), _named("third")])
    data = bytearray(path.read_bytes())
    second = data.index(b"\x08\x01\x10", data.index(b"first")) - 2
    data[second] ^= 0x10
    path.write_bytes(data)
    salvaged = decode_salvaging(memory, path)
    assert salvaged.table.column("SpanName").to_pylist()[:1] == ["first"]
    assert b"".join(bad.data for bad in salvaged.bad) == data[second:]
