"""Certificates of a time stamp in the order that DER wants (X.690 §11.6).

`openssl ts`, and authorities that run it, write them as they come, and a strict parser refuses the
whole reply. No signature covers their order (RFC 5652 §5.4), so that sorting them changes nothing
of what is verified; what is kept is the reply as it came.
"""

from typing import Final

_SEQUENCE, _SET, _OID, _CERTIFICATES = 0x30, 0x31, 0x06, 0xA0
_LONG: Final = 0x80


def in_der_order(reply: bytes) -> bytes:
    """The reply with its certificates sorted, if it has any. Raises `ValueError`."""
    _, start, end = _element(reply, 0, _SEQUENCE)
    _, _, token = _element(reply, start, _SEQUENCE)  # PKIStatusInfo
    if token >= end:
        return reply
    _, at, _ = _element(reply, token, _SEQUENCE)  # ContentInfo
    _, _, at = _element(reply, at, _OID)
    _, at, _ = _element(reply, at, _CERTIFICATES)  # its [0]
    _, at, _ = _element(reply, at, _SEQUENCE)  # SignedData
    for _ in range(3):  # version, digestAlgorithms, encapContentInfo
        _, _, at = _element(reply, at)
    tag, at, stop = _element(reply, at)
    if tag != _CERTIFICATES:
        return reply
    return reply[:at] + b"".join(sorted(_elements(reply, at, stop))) + reply[stop:]


def _elements(data: bytes, at: int, stop: int) -> list[bytes]:
    found = []
    while at < stop:
        _, _, end = _element(data, at)
        found.append(data[at:end])
        at = end
    if at != stop:
        raise ValueError(f"DER: an element ends at {at}, behind the set's end at {stop}")
    return found


def _element(data: bytes, at: int, expected: int | None = None) -> tuple[int, int, int]:
    """Tag, where the content begins, and where it ends."""
    if at + 2 > len(data):
        raise ValueError(f"DER: expected an element at {at}, the data ends")
    tag, length, start = data[at], data[at + 1], at + 2
    if length >= _LONG:
        count = length - _LONG
        if not 1 <= count <= 4:
            raise ValueError(f"DER: length of {count} bytes at {at}")
        length, start = int.from_bytes(data[start : start + count]), start + count
    if expected is not None and tag != expected:
        raise ValueError(f"DER: expected tag {expected:#04x} at {at}, got {tag:#04x}")
    if start + length > len(data):
        raise ValueError(f"DER: element at {at} ends behind the data")
    return tag, start, start + length
