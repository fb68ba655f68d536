"""Frames are found behind damage, in time that a sender cannot make long."""

from auditspan.wire.damage import holds_a_frame
from auditspan.wire.envelope import OTLP_TRACES, Envelope, frame
from auditspan.wire.varint import encode_varint

TORN = frame(Envelope(OTLP_TRACES, 7, "sha256:00", "{}", b"x" * 5_000))[:-1]


def test_a_frame_behind_a_damaged_one_is_found() -> None:
    """Wherever it begins."""
    whole = frame(Envelope(OTLP_TRACES, 7, "sha256:00", "{}", b"y" * 200))
    assert holds_a_frame(TORN + whole)
    assert holds_a_frame(b"\xff" * 99 + whole + b"\xff")


def test_a_torn_one_is_none() -> None:
    """Nobody was told of it."""
    assert not holds_a_frame(TORN)
    assert not holds_a_frame(TORN[1:])


def test_beginnings_of_frames_without_end_are_taken_for_one() -> None:
    """Each would be read to its end, a million times over: the collector would not start for hours.
    What is kept becomes a dead letter."""
    beginning = encode_varint(300_000) + b"\x08\x02\x10\x01"
    assert holds_a_frame(b"\xff\xff\xff\x7f" + beginning * 60_000)
