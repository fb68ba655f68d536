"""How many messages a large request holds, counted before anything is made of them.

An empty span is two bytes on the wire and some 170 once it is parsed: ten million bytes became a
billion. Counted are resources, scopes and spans; what is no protobuf is left to the parser, which
says what is wrong (https://protobuf.dev/programming-guides/encoding/).
"""

from collections.abc import Iterator
from typing import Final

_WAY: Final = (1, 2, 2)
"""Fields `resource_spans`, `scope_spans` and `spans`, each in a message of the one before."""
_VARINT, _FIXED64, _TEXT, _FIXED32 = 0, 1, 2, 5
_SIZES: Final = {_FIXED64: 8, _FIXED32: 4}
_VARINT_BITS: Final = 70


def holds_more(body: bytes, most: int) -> bool:
    """Whether a request in protobuf has more resources, scopes and spans than these."""
    count, left = 0, [(0, len(body), 0)]
    while left:
        begin, end, depth = left.pop()
        for number, first, last in _messages(body, begin, end):
            if number != _WAY[depth]:
                continue
            count += 1
            if count > most:
                return True
            if depth + 1 < len(_WAY):
                left.append((first, last, depth + 1))
    return False


def _messages(body: bytes, at: int, end: int) -> Iterator[tuple[int, int, int]]:
    """Fields with a length: number, begin and end. What is inside a group counts as beside it."""
    while 0 <= at < end:
        tag, at = _varint(body, at, end)
        kind = tag & 7
        if kind == _TEXT:
            size, at = _varint(body, at, end)
            if at < 0 or at + size > end:
                return
            yield tag >> 3, at, at + size
            at += size
        elif kind == _VARINT:
            _, at = _varint(body, at, end)
        elif at >= 0:
            at += _SIZES.get(kind, 0)


def _varint(body: bytes, at: int, end: int) -> tuple[int, int]:
    """A number and where it ends; -1 if it does not.

    Runs for each span of a large request: `decode_varint` copies and raises.
    """
    number = shift = 0
    while 0 <= at < end and shift < _VARINT_BITS:
        byte = body[at]
        number |= (byte & 0x7F) << shift
        at, shift = at + 1, shift + 7
        if byte < 0x80:
            return number, at
    return 0, -1
