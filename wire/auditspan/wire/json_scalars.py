"""Single values of OTLP/JSON: from JSON with all that can be wrong, and back.

Ids are hex (https://opentelemetry.io/docs/specs/otlp/#json-protobuf-encoding), everything else is
as in https://protobuf.dev/programming-guides/json/.
"""

import base64
import binascii
import math
import re
from collections.abc import Callable
from functools import partial
from typing import Final, Self, cast

from google.protobuf.descriptor import FieldDescriptor

_Read = Callable[[object], object]

_IDS: Final = ("trace_id", "span_id", "parent_span_id")
_DIGITS: Final = re.compile(r"-?(0|[1-9][0-9]{0,19})\Z")
_NUMBER: Final = re.compile(r"-?(0|[1-9][0-9]{0,300})(\.[0-9]{1,300})?([eE][-+]?[0-9]{1,3})?\Z")
_HEX: Final = re.compile(r"([0-9a-fA-F]{2})*\Z")
_PATH: Final = 300
_WORDS: Final = {"NaN": math.nan, "Infinity": math.inf, "-Infinity": -math.inf}
_64_BITS: Final = (
    FieldDescriptor.TYPE_INT64,
    FieldDescriptor.TYPE_UINT64,
    FieldDescriptor.TYPE_FIXED64,
    FieldDescriptor.TYPE_SFIXED64,
    FieldDescriptor.TYPE_SINT64,
)
_RANGES: Final = {
    FieldDescriptor.CPPTYPE_INT32: (-(2**31), 2**31 - 1),
    FieldDescriptor.CPPTYPE_INT64: (-(2**63), 2**63 - 1),
    FieldDescriptor.CPPTYPE_UINT32: (0, 2**32 - 1),
    FieldDescriptor.CPPTYPE_UINT64: (0, 2**64 - 1),
}


class Wrong(Exception):
    """A value is wrong; the way to it is added on the way out."""

    def __init__(self, reason: str) -> None:
        """Begin at the value itself."""
        super().__init__(reason)
        self._steps: list[str] = []

    def within(self, step: str) -> Self:
        """One step further out."""
        self._steps.append(step)
        return self

    def path(self) -> str:
        """The way from the outside, after `$`."""
        path = "".join(reversed(self._steps))
        return path if len(path) <= _PATH else f"{path[:_PATH]}…"


def word(value: object) -> str:
    """What kind of JSON a value is; never the value, which may be secret."""
    match value:
        case bool():
            return "a boolean"
        case int() | float():
            return "a number"
        case str():
            return "a string"
        case list():
            return "an array"
        case dict():
            return "an object"
    return "null"


def reader(field: FieldDescriptor) -> _Read:
    """What reads values of a field. It raises `Wrong`."""
    match field.cpp_type:
        case FieldDescriptor.CPPTYPE_STRING:
            if field.type == FieldDescriptor.TYPE_STRING:
                return _string
            return _hex if field.name in _IDS else _base64
        case FieldDescriptor.CPPTYPE_BOOL:
            return _bool
        case FieldDescriptor.CPPTYPE_DOUBLE | FieldDescriptor.CPPTYPE_FLOAT:
            return _double
        case FieldDescriptor.CPPTYPE_ENUM:
            return _enum
    return partial(_int, *_RANGES[field.cpp_type])


def writer(field: FieldDescriptor) -> Callable[..., object]:
    """What makes JSON of values of a field."""
    if field.type == FieldDescriptor.TYPE_BYTES:
        return bytes.hex if field.name in _IDS else _to_base64
    if field.type in _64_BITS:
        return str
    return _finite if field.type == FieldDescriptor.TYPE_DOUBLE else _same


def _string(value: object) -> str:
    if not isinstance(value, str):
        raise Wrong(f"expected a string, found {word(value)}")
    try:
        value.encode()
    except UnicodeEncodeError:
        raise Wrong("expected a string of Unicode, found a lone surrogate") from None
    return value


def _hex(value: object) -> bytes:
    text = _string(value)
    if not _HEX.match(text):
        raise Wrong(f"expected pairs of hex digits, found {text[:40]!r}")
    return bytes.fromhex(text)


def _base64(value: object) -> bytes:
    # The mapping takes both alphabets, with and without padding.
    text = _string(value).replace("-", "+").replace("_", "/").rstrip("=")
    try:
        return base64.b64decode(text + "=" * (-len(text) % 4), validate=True)
    except (binascii.Error, ValueError):
        raise Wrong("expected base64") from None


def _bool(value: object) -> bool:
    if not isinstance(value, bool):
        raise Wrong(f"expected a boolean, found {word(value)}")
    return value


def _enum(value: object) -> int:
    if isinstance(value, str):
        raise Wrong("expected an enum as a number, found a string")
    return _int(*_RANGES[FieldDescriptor.CPPTYPE_INT32], value)


def _int(low: int, high: int, value: object) -> int:
    digits = isinstance(value, str) and _DIGITS.match(value)
    if digits or (isinstance(value, float) and value.is_integer()):
        value = int(cast("str | float", value))
    if isinstance(value, bool) or not isinstance(value, int):
        raise Wrong(f"expected an integer, found {word(value)} that is none")
    if not low <= value <= high:
        raise Wrong(f"expected an integer from {low} to {high}, found one beyond")
    return value


def _double(value: object) -> float:
    if isinstance(value, str) and value in _WORDS:
        return _WORDS[value]
    if isinstance(value, bool) or not (
        isinstance(value, int | float) or (isinstance(value, str) and _NUMBER.match(value))
    ):
        raise Wrong(f"expected a number, found {word(value)} that is none")
    try:
        number = float(value)
    except OverflowError:
        number = math.inf
    if math.isinf(number):
        raise Wrong("expected a number that fits 64 bits, found one beyond")
    return number


def _to_base64(value: bytes) -> str:
    return base64.b64encode(value).decode()


def _finite(value: float) -> object:
    if math.isfinite(value):
        return value
    return "NaN" if math.isnan(value) else "Infinity" if value > 0 else "-Infinity"


def _same(value: object) -> object:
    return value
