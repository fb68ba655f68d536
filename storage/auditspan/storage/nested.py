"""Nested attribute values as JSON text: what the engine cannot read any further.

Each distinct value is parsed once with the OpenTelemetry protobuf classes. The text follows the
OpenTelemetry Collector's `AsString`: lists and objects as JSON, bytes in base64; a key that comes
twice in one object is kept as `k#2`, as in the maps.
"""

import base64
import json
import math

from google.protobuf.message import DecodeError
from opentelemetry.proto.common.v1.common_pb2 import AnyValue, ArrayValue, KeyValueList

from auditspan.storage.errors import SegmentUnreadable
from auditspan.storage.scalars import number

Json = str | int | float | bool | None | list["Json"] | dict[str, "Json"]

_WORDS = {math.inf: "Infinity", -math.inf: "-Infinity"}


def text(kind: str, raw: bytes) -> tuple[str, bool]:
    """The JSON of an `array` or `kvlist` in protobuf, and whether all of it could be read."""
    losses: list[str] = []
    try:
        if kind == "array":
            value: Json = _array(ArrayValue.FromString(raw), losses)
        else:
            value = _object(KeyValueList.FromString(raw), losses)
    except (DecodeError, RecursionError):
        return base64.b64encode(raw).decode(), False
    return json.dumps(value, ensure_ascii=False, separators=(",", ":")), not losses


def any_text(raw: bytes) -> tuple[str, str, bool]:
    """Kind, text, and whether all of it could be read. Raises `SegmentUnreadable`."""
    try:
        value = AnyValue.FromString(raw)
    except DecodeError as error:
        raise SegmentUnreadable(f"segment: an attribute's value is no message: {error}") from error
    kind = (value.WhichOneof("value") or "none").removesuffix("_value")
    match kind:
        case "none":
            return kind, "", True
        case "string":
            return kind, value.string_value, True
        case "double":
            return kind, number(value.double_value), True
        case "array" | "kvlist":
            return kind, *text(kind, getattr(value, f"{kind}_value").SerializeToString())
        case "string_value_strindex":
            return "strindex", str(value.string_value_strindex), True
    said = _value(value, [])
    return kind, said if isinstance(said, str) else json.dumps(said), True


def _array(array: ArrayValue, losses: list[str]) -> Json:
    return [_value(value, losses) for value in array.values]


def _object(pairs: KeyValueList, losses: list[str]) -> Json:
    seen: dict[str, Json] = {}
    for pair in pairs.values:
        if not pair.key:
            losses.append("empty key")
        seen[_free(pair.key, seen)] = _value(pair.value, losses)
    return seen


def _free(key: str, taken: dict[str, Json]) -> str:
    if key not in taken:
        return key
    number = 2
    while f"{key}#{number}" in taken:
        number += 1
    return f"{key}#{number}"


def _value(value: AnyValue, losses: list[str]) -> Json:
    kind = value.WhichOneof("value")
    match kind:
        case None:
            return None
        case "array_value":
            return _array(value.array_value, losses)
        case "kvlist_value":
            return _object(value.kvlist_value, losses)
        case "bytes_value":
            return base64.b64encode(value.bytes_value).decode()
        case "double_value":
            return _number(value.double_value)
        case "string_value_strindex":
            losses.append("string table index")
    return getattr(value, kind)  # type: ignore[no-any-return]  # str, bool or int


def _number(value: float) -> Json:
    """JSON has no words for these; `NaN` is what the protobuf JSON mapping writes."""
    if math.isnan(value):
        return "NaN"
    return _WORDS.get(value, value)
