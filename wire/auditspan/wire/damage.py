"""What of a segment is whole, when the disk has not kept it as it was written.

A frame whose length is damaged hides where the next one begins. What lies behind is then one piece:
it is not searched for frames to read, for a client's bytes may look like one and name a sender.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from auditspan.wire.envelope import parse
from auditspan.wire.errors import FrameInvalid
from auditspan.wire.varint import MAX_BYTES, decode_varint

_BEGINS: Final = (b"\x08\x01\x10", b"\x08\x02\x10")
"""The first bytes of a message: its version, and the tag of its kind."""
_MOST_WORK: Final = 32
"""How often bytes are read again, in search of a frame, before one is taken to be there."""
_LOOK_BYTES: Final = 1 << 10
"""What a look costs in any case, in bytes read."""


@dataclass(frozen=True, slots=True)
class Piece:
    """A frame as it lies in the segment, or what can be no frame."""

    offset: int
    data: bytes
    """With the length in front."""
    problem: str
    """Why it is not whole; empty if it is."""


def pieces(segment: bytes) -> Iterator[Piece]:
    """A segment from its first byte to its last."""
    offset = 0
    while offset < len(segment):
        try:
            length, width = decode_varint(segment[offset : offset + MAX_BYTES])
            end = offset + width + length
        except FrameInvalid:
            end = len(segment) + 1
        if end > len(segment):
            problem = "the length of a frame is damaged, or its end is missing"
            yield Piece(offset, segment[offset:], problem)
            return
        yield Piece(offset, segment[offset:end], _problem(segment[offset + width : end]))
        offset = end


def holds_a_frame(rest: bytes) -> bool:
    """Whether a whole frame lies anywhere in bytes that do not begin with one.

    It may say yes of bytes that a sender has filled with beginnings of frames: to look at each to
    its end would take hours, and what is kept in vain harms nobody.
    """
    work = _MOST_WORK * max(len(rest), 1 << 20)
    for begin in _BEGINS:
        at = rest.find(begin)
        while at >= 0:
            work -= _LOOK_BYTES
            for end in _ends(rest, at):
                work -= end - at
                if work < 0 or not _problem(rest[at:end]):
                    return True
            if work < 0:
                return True
            at = rest.find(begin, at + 1)
    return False


def _ends(rest: bytes, message: int) -> Iterator[int]:
    """Where a message ends, by each length that may stand before it."""
    for width in range(1, min(MAX_BYTES, message) + 1):
        try:
            length, own = decode_varint(rest[message - width : message])
        except FrameInvalid:
            continue
        if own == width and message + length <= len(rest):
            yield message + length


def _problem(message: bytes) -> str:
    try:
        parse(message)
    except FrameInvalid as error:
        return str(error)
    return ""
