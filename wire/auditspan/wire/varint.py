"""Protobuf's variable-length integers (https://protobuf.dev/programming-guides/encoding/#varints)."""

from auditspan.wire.errors import FrameInvalid

MAX_BYTES = 10
"""The length of the longest varint, of 64 bits."""


def encode_varint(number: int) -> bytes:
    """The bytes of a number that is not negative."""
    out = bytearray()
    while number > 0x7F:
        out.append(number & 0x7F | 0x80)
        number >>= 7
    return bytes([*out, number])


def decode_varint(data: bytes) -> tuple[int, int]:
    """The number at the front, and how many bytes it took. Raises `FrameInvalid`."""
    number = 0
    for position, byte in enumerate(data[:MAX_BYTES]):
        number |= (byte & 0x7F) << 7 * position
        if byte < 0x80:
            return number, position + 1
    raise FrameInvalid(f"varint: expected an end within {MAX_BYTES} bytes, had {len(data)}")
