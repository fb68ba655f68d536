"""A segment that is too large becomes several of the same spans, and no crash doubles one."""

from dataclasses import replace
from pathlib import Path

import pytest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

from auditspan.collector.engine import cutting
from auditspan.collector.engine.cutting import cut, in_order
from auditspan.wire.envelope import frame, parse
from auditspan.wire.segments import read_frames
from auditspan.wire.varint import decode_varint
from tests.collector.engine.conftest import Workshop, control, spans, unreadable


def test_one_large_request_becomes_requests_of_the_same_spans(tmp_path: Path) -> None:
    """In their order, below the same resource and scope, from the same sender."""
    given = spans(*range(1, 11))
    segment = _segment(tmp_path, given)
    assert cut(segment, (4, 1 << 20))
    parts = in_order(segment.parent)
    assert [len(found) for found in map(_numbers, parts)] == [4, 4, 2]
    assert [n for part in parts for n in _numbers(part)] == list(range(1, 11))
    whole = parse(given[decode_varint(given[:10])[1] :])
    for part in parts:
        ((_, envelope),) = read_frames(part)
        assert (envelope.request_digest, envelope.principal, envelope.received_at) == (
            whole.request_digest, whole.principal, whole.received_at,
        )  # fmt: skip
        own, all_ = _request(envelope.request), _request(whole.request)
        assert own.resource_spans[0].resource == all_.resource_spans[0].resource


def test_many_bytes_are_cut_between_frames(tmp_path: Path) -> None:
    """Control frames and what cannot be read stay where they are; a large span is alone."""
    frames = [unreadable(), spans(1), control("{}"), spans(2, tool="x" * 9000), spans(3)]
    segment = _segment(tmp_path, *frames)
    assert cut(segment, (1000, 4000), 4000)
    parts = in_order(segment.parent)
    assert b"".join(part.read_bytes() for part in parts) == b"".join(frames)
    assert len(parts) == 3


def test_what_is_small_stays(tmp_path: Path) -> None:
    """Neither the segment nor a part is cut."""
    segment = _segment(tmp_path, spans(1, 2), spans(3))
    before = segment.read_bytes()
    assert not cut(segment)
    part = segment.rename(segment.with_name(f"{segment.stem}.p0000.seg"))
    assert not cut(part, (1, 1))
    assert part.read_bytes() == before


def test_a_long_request_of_few_spans_stays(tmp_path: Path) -> None:
    """Its length would allow more spans than a part may hold; what counts is how many there are."""
    frames = [spans(*range(at, at + 20), tool="x" * 500) for at in range(1, 100, 20)]
    segment = _segment(tmp_path, *frames)
    limit = (100, 4_000)
    assert all(len(data) > limit[0] * 26 for data in frames)
    assert not cut(segment, limit, 1 << 20)
    assert cut(segment, (19, 1 << 20), 1 << 20)
    assert [n for part in in_order(tmp_path) for n in _numbers(part)] == [*range(1, 101)]


def test_a_request_that_cannot_be_counted_is_looked_into(tmp_path: Path) -> None:
    """A group of protobuf, which OTLP does not have, may hide spans from a count of lengths."""
    given = spans(1, 2, 3, tool="x" * 500)
    whole = parse(given[decode_varint(given[:10])[1] :])
    hidden = frame(replace(whole, request=b"\x0b\x0c" + whole.request))
    assert cut(_segment(tmp_path, hidden), (2, 1 << 20), 1 << 20)
    assert [n for part in in_order(tmp_path) for n in _numbers(part)] == [1, 2, 3]


def test_a_cut_that_was_broken_off_is_done_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The segment comes before its parts, which are made anew; nothing is there twice."""
    segment = _segment(tmp_path, spans(*range(1, 11)))
    later = _segment(tmp_path, spans(99), number=2)

    def crash(folder: Path) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch, pytest.raises(KeyboardInterrupt):
        patch.setattr(cutting, "sync_folder", crash)
        cut(segment, (3, 1 << 20))
    stale = segment.with_name(f"{segment.stem}.p0009.seg")
    stale.write_bytes(b"stale")
    assert in_order(segment.parent)[0] == segment
    assert cut(segment, (5, 1 << 20))
    left = in_order(segment.parent)
    assert left[-1] == later
    assert [n for part in left for n in _numbers(part)] == [*range(1, 11), 99]


def test_parts_become_rows(workshop: Workshop, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each is a batch of its own, and the numbering of the sender goes on."""
    monkeypatch.setattr(cutting.cut, "__defaults__", ((4, 1 << 20), 1 << 20))
    segments = workshop.segments()
    first = segments.process(workshop.segment(spans(*range(1, 11))))
    assert (first.records, workshop.count()) == (0, 0)
    for part in in_order(workshop.data.folder("spool")):
        segments.process(part)
    assert workshop.count() == 10
    assert workshop.column("SELECT uniqExact(BatchId) FROM audit_records") == [3]
    assert in_order(workshop.data.folder("spool")) == []
    assert [p.last for p in segments.sequences.instances.values()] == [10]


def _segment(folder: Path, *frames: bytes, number: int = 1) -> Path:
    path = folder / f"abcd1234-1795000000000-{number:08d}.seg"
    path.write_bytes(b"".join(frames))
    return path


def _request(data: bytes) -> ExportTraceServiceRequest:
    request = ExportTraceServiceRequest()
    request.ParseFromString(data)
    return request


def _numbers(segment: Path) -> list[int]:
    return [
        int.from_bytes(span.span_id)
        for _, envelope in read_frames(segment)
        for resource in _request(envelope.request).resource_spans
        for scope in resource.scope_spans
        for span in scope.spans
    ]
