"""The bytes of a value that digests cover (docs/integrity-format.md §3).

Each encoder gives `b""` for the default of its kind and for nothing else: what is empty is left
out, so a column that is added later changes no digest.
"""

import struct
from collections.abc import Callable, Mapping, Sequence
from functools import cache
from typing import TypeAlias

from auditspan.integrity.errors import ValueInvalid

Encoder: TypeAlias = Callable[[object], bytes]
"""Of one kind. Raises `ValueInvalid` for a value of another."""


def netstring(data: bytes) -> bytes:
    """Length in decimal, colon, bytes, comma."""
    return b"%d:%b," % (len(data), data)


@cache
def encoder(kind: str) -> Encoder:
    """The encoder of a kind. Raises `ValueInvalid` for an unknown one."""
    if kind.startswith("[") and kind.endswith("]"):
        return _tuples(kind[1:-1].split(","))
    if kind not in _ENCODERS:
        raise ValueInvalid(f"kind {kind}: expected one of {', '.join(_ENCODERS)}")
    return _ENCODERS[kind]


def _string(value: object) -> bytes:
    if type(value) is str:
        try:
            return value.encode()
        except UnicodeEncodeError as error:
            raise ValueInvalid(f"a string cannot be UTF-8: {error.reason}") from error
    if value is None:
        return b""
    if isinstance(value, bytes):
        return value
    raise _wrong("string", value)


def _bytes(value: object) -> bytes:
    if value is None:
        return b""
    if isinstance(value, bytes):
        return value
    raise _wrong("bytes", value)


def _int(value: object) -> bytes:
    if type(value) is int:
        return b"%d" % value if value else b""
    if value is None:
        return b""
    raise _wrong("int", value)


def _float(value: object) -> bytes:
    if value is None:
        return b""
    bits = _bits(value)
    # Zero is the default; minus zero is not.
    return b"" if bits == b"0000000000000000" else bits


def _optional_float(value: object) -> bytes:
    return b"" if value is None else _bits(value)


def _bits(value: object) -> bytes:
    if type(value) is not float:
        raise _wrong("float", value)
    return struct.pack(">d", value).hex().encode()


def _bool(value: object) -> bytes:
    if value is None or value is False:
        return b""
    if value is True:
        return b"1"
    raise _wrong("bool", value)


def _optional_bool(value: object) -> bytes:
    if value is None:
        return b""
    if isinstance(value, bool):
        return b"1" if value else b"0"
    raise _wrong("bool", value)


def _strings(value: object) -> bytes:
    if not value and (value is None or isinstance(value, Sequence)):
        return b""
    if isinstance(value, str | bytes) or not isinstance(value, Sequence):
        raise _wrong("strings", value)
    return b"".join([netstring(_string(item)) for item in value])


def _map(value: object) -> bytes:
    """Keys ascending. The order of code points is that of their UTF-8."""
    if value is None:
        return b""
    pairs = _unique(value)
    try:
        is_ascii = "".join(pairs).isascii() and "".join(pairs.values()).isascii()
    except TypeError:
        # Bytes among them, or no texts at all.
        is_ascii = False
    if not is_ascii:
        return _long_way(pairs)
    ordered = sorted(pairs.items())
    return "".join([f"{len(key)}:{key},{len(word)}:{word}," for key, word in ordered]).encode()


def _long_way(pairs: Mapping[str, str]) -> bytes:
    encoded = sorted([(_string(key), _string(word)) for key, word in pairs.items()])
    return b"".join([netstring(key) + netstring(word) for key, word in encoded])


def _unique(value: object) -> Mapping[str, str]:
    if isinstance(value, Mapping):
        return value
    if isinstance(value, str | bytes) or not isinstance(value, Sequence):
        raise _wrong("map", value)
    try:
        pairs = dict(value)
    except (TypeError, ValueError) as error:
        raise _wrong("pairs of a map", value) from error
    if len(pairs) != len(value):
        raise ValueInvalid("a map has a key twice: its value would be ambiguous")
    return pairs


def _tuples(kinds: Sequence[str]) -> Encoder:
    """Elements in their order, and each with all its members: their places name them."""
    members = [_number if kind == "int" else encoder(kind) for kind in kinds]

    def encode(value: object) -> bytes:
        if not value and (value is None or isinstance(value, Sequence)):
            return b""
        if isinstance(value, str | bytes) or not isinstance(value, Sequence):
            raise _wrong("list", value)
        return b"".join([netstring(element(item)) for item in value])

    def element(item: object) -> bytes:
        if not isinstance(item, Sequence) or len(item) != len(members):
            raise _wrong(f"tuple of {len(members)}", item)
        pairs = zip(members, item, strict=True)
        return b"".join([netstring(member(part)) for member, part in pairs])

    return encode


def _number(value: object) -> bytes:
    if type(value) is not int:
        raise _wrong("int", value)
    return b"%d" % value


def _wrong(expected: str, value: object) -> ValueInvalid:
    # The type only: a value may be somebody's.
    return ValueInvalid(f"expected {expected}, got {type(value).__name__}")


_ENCODERS: dict[str, Encoder] = {
    "string": _string,
    "int": _int,
    "float": _float,
    "bool": _bool,
    "bool?": _optional_bool,
    "float?": _optional_float,
    "bytes": _bytes,
    "strings": _strings,
    "map": _map,
}
