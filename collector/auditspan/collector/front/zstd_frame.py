"""How much memory the first frame of a zstd stream makes its reader hold (RFC 8878 §3.1.1.1).

The frame says so itself: by its window, or as a single segment by its content.
"""

from typing import Final

HEADER_BYTES: Final = 18
"""The longest header with its magic number."""

_MAGIC: Final = b"\x28\xb5\x2f\xfd"
_DICTIONARY_BYTES: Final = (0, 1, 2, 4)
_CONTENT_BYTES: Final = (1, 2, 4, 8)
_SINGLE_SEGMENT: Final = 0x20


def window_of(header: bytes) -> int:
    """Bytes by the header, with which a body begins; 0 of what is no header, or not a whole one."""
    if header[:4] != _MAGIC or len(header) < 6:
        return 0
    descriptor = header[4]
    if not descriptor & _SINGLE_SEGMENT:
        return _described(header[5])
    begin = 5 + _DICTIONARY_BYTES[descriptor & 3]
    size = _CONTENT_BYTES[descriptor >> 6]
    content = int.from_bytes(header[begin : begin + size], "little")
    return content + 256 if size == 2 else content


def _described(window: int) -> int:
    """Window_Descriptor: five bits of exponent, three of mantissa."""
    base = 1 << (10 + (window >> 3))
    return base + base // 8 * (window & 7)
