"""Attribute values of every kind, and the text that the store has for any of them.

The text is worked out from what the documentation says (docs/conformance.md), by nothing of ours.
"""

import base64
import json
import math
from typing import Any

from opentelemetry.proto.common.v1.common_pb2 import AnyValue, ArrayValue, KeyValue, KeyValueList

KINDS = {
    "string_value": "string",
    "bool_value": "bool",
    "int_value": "int",
    "double_value": "double",
    "array_value": "array",
    "kvlist_value": "kvlist",
    "bytes_value": "bytes",
    "string_value_strindex": "strindex",
    None: "empty",
}
"""What the store calls a kind of value; it says so for all but texts."""


def array(*values: AnyValue) -> AnyValue:
    """A list."""
    return AnyValue(array_value=ArrayValue(values=values))


def mapping(*pairs: tuple[str, AnyValue]) -> AnyValue:
    """An object; a key may come twice."""
    values = [KeyValue(key=key, value=value) for key, value in pairs]
    return AnyValue(kvlist_value=KeyValueList(values=values))


def nested(levels: int) -> AnyValue:
    """Lists within lists, with a number at the bottom."""
    value = AnyValue(int_value=7)
    for _ in range(levels):
        value = array(value)
    return value


_LEAVES = {
    "absent": AnyValue(),
    "text": AnyValue(string_value="a"),
    "empty text": AnyValue(string_value=""),
    "NUL": AnyValue(string_value="a\0b\0"),
    "right to left, combining, four bytes": AnyValue(string_value="שלום é 🦜"),
    "like JSON": AnyValue(string_value='{"a":"\\"\n\t</x>'),
    "long": AnyValue(string_value="x" * 50_000),
    "true": AnyValue(bool_value=True),
    "false": AnyValue(bool_value=False),
    "zero": AnyValue(int_value=0),
    "least integer": AnyValue(int_value=-(2**63)),
    "greatest integer": AnyValue(int_value=2**63 - 1),
    "double": AnyValue(double_value=0.1),
    "greatest double": AnyValue(double_value=1.7976931348623157e308),
    "least double": AnyValue(double_value=5e-324),
    "no number": AnyValue(double_value=float("nan")),
    "infinite": AnyValue(double_value=float("-inf")),
    "negative zero": AnyValue(double_value=-0.0),
    "bytes": AnyValue(bytes_value=b"\0\xff"),
    "no bytes": AnyValue(bytes_value=b""),
}
VALUES = {
    **_LEAVES,
    "empty list": array(),
    "empty object": mapping(),
    "list of all": array(*_LEAVES.values()),
    "object of all": mapping(*((name, value) for name, value in _LEAVES.items() if name != "long")),
    "object with a key twice": mapping(
        ("k", AnyValue(int_value=1)), ("k#2", AnyValue(int_value=2)), ("k", AnyValue(int_value=3))
    ),
    "object in list in object": mapping(
        ("in", array(mapping(("deep", AnyValue(bool_value=False)))))
    ),
    "forty levels": nested(40),
}


def text_of(value: AnyValue) -> str:
    """The text of a value in the store."""
    kind = value.WhichOneof("value")
    if kind in ("array_value", "kvlist_value"):
        return json.dumps(_plain(value), ensure_ascii=False, separators=(",", ":"))
    if kind == "bool_value":
        return "true" if value.bool_value else "false"
    if kind == "double_value":
        return repr(value.double_value).removesuffix(".0").replace("e+", "e")
    return "" if kind is None else str(_plain(value))


def renamed(keys: list[str]) -> list[str]:
    """Keys of which each stands once: the second `k` is `k#2`, or the next that nobody else has."""
    made: list[str] = []
    for key in keys:
        name, number = key, 1
        while name in made or (name != key and name in keys):
            number += 1
            name = f"{key}#{number}"
        made.append(name)
    return made


def _plain(value: AnyValue) -> Any:
    match value.WhichOneof("value"):
        case None:
            return None
        case "array_value":
            return [_plain(item) for item in value.array_value.values]
        case "kvlist_value":
            return _object(list(value.kvlist_value.values))
        case "bytes_value":
            return base64.b64encode(value.bytes_value).decode()
        case "double_value" if not math.isfinite(value.double_value):
            return {"nan": "NaN", "inf": "Infinity", "-inf": "-Infinity"}[str(value.double_value)]
        case kind:
            return getattr(value, kind)


def _object(pairs: list[KeyValue]) -> dict[str, Any]:
    made: dict[str, Any] = {}
    for pair in pairs:
        name, number = pair.key, 1
        while name in made:
            number += 1
            name = f"{pair.key}#{number}"
        made[name] = _plain(pair.value)
    return made
