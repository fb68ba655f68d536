"""Requests written by nothing of ours: OTLP/JSON as specified, and protobuf with more in it.

https://opentelemetry.io/docs/specs/otlp/#json-protobuf-encoding. Each object or message can hold
fields that nobody knows, which a receiver must ignore.
"""

import base64
import json
import math
from dataclasses import dataclass
from typing import Any

from google.protobuf.descriptor import FieldDescriptor as Field
from google.protobuf.message import Message

_IDS = ("trace_id", "span_id", "parent_span_id")
_WIDE = (Field.TYPE_INT64, Field.TYPE_FIXED64)
_UNKNOWN_JSON: dict[str, Any] = {
    "laterVersion": {"deep": [1, None, {"x": "y"}]},
    "dropped_attributes_count": 77,
    "trace_state": "only lowerCamelCase counts",
    "schema_url": "as well",
    "": 1,
}
# A varint, eight bytes, text, a group with something in it, four bytes: numbers 900 to 904.
_UNKNOWN = bytes.fromhex("a0382aa9380101010101010101b23803616263bb380801bc38c53802020202")


@dataclass(frozen=True)
class Style:
    """What OTLP/JSON leaves to the sender."""

    wide_as_numbers: bool = False
    """64-bit integers as numbers instead of text."""
    capitals: bool = False
    """Ids in capitals."""
    defaults: bool = False
    """Fields that have their default are written, and absent messages as null."""
    unknown: bool = False
    """Fields that nobody knows in each object."""


def json_of(message: Message, style: Style) -> bytes:
    """A request in JSON."""
    return json.dumps(_object(message, style), ensure_ascii=style.capitals).encode()


def _object(message: Message, style: Style) -> dict[str, Any]:
    made: dict[str, Any] = {}
    for field in message.DESCRIPTOR.fields:
        value = getattr(message, field.name)
        if field.is_repeated:
            if len(value) or style.defaults:
                made[_camel(field.name)] = [_value(field, one, style) for one in value]
        elif field.message_type or field.containing_oneof:
            if message.HasField(field.name):
                made[_camel(field.name)] = _value(field, value, style)
            elif style.defaults and not field.containing_oneof:
                made[_camel(field.name)] = None
        elif value or style.defaults:
            made[_camel(field.name)] = _value(field, value, style)
    return made | _UNKNOWN_JSON if style.unknown else made


def _camel(name: str) -> str:
    first, *rest = name.split("_")
    return first + "".join(word.capitalize() for word in rest)


def _value(field: Any, value: Any, style: Style) -> Any:
    if field.message_type:
        return _object(value, style)
    if field.type == Field.TYPE_BYTES:
        if field.name not in _IDS:
            return base64.b64encode(value).decode()
        return value.hex().upper() if style.capitals else value.hex()
    if field.type in _WIDE:
        return value if style.wide_as_numbers else str(value)
    if isinstance(value, float) and not math.isfinite(value):
        return {"nan": "NaN", "inf": "Infinity", "-inf": "-Infinity"}[str(value)]
    return value


def protobuf_of(message: Message, *, unknown: bool) -> bytes:
    """A request in protobuf, if asked with fields that nobody knows at the end of each message."""
    if not unknown:
        return message.SerializeToString()
    made = bytearray()
    for field, value in message.ListFields():
        for one in value if field.is_repeated else [value]:
            if field.message_type:
                inner = protobuf_of(one, unknown=True)
                made += varint(field.number << 3 | 2) + varint(len(inner)) + inner
            else:
                made += _alone(message, field, one)
    return bytes(made) + _UNKNOWN


def _alone(message: Message, field: Any, value: Any) -> bytes:
    alone = type(message)()
    if field.is_repeated:
        getattr(alone, field.name).append(value)
    else:
        setattr(alone, field.name, value)
    return alone.SerializeToString()


def varint(number: int) -> bytes:
    """A number as protobuf writes it."""
    made = bytearray()
    while number > 0x7F:
        made.append(number & 0x7F | 0x80)
        number >>= 7
    return bytes([*made, number])
