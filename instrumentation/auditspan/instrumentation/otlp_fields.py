"""Fields of an OTLP span as bytes: attributes, ids, name, times, status.

Fields of a message may come in any order, and a request (`ExportTraceServiceRequest`) is nothing
but repeated fields, so what is encoded once can be put together again and again:
https://protobuf.dev/programming-guides/encoding/#last-one-wins. Numbers of fields are those of
opentelemetry/proto/trace/v1/trace.proto and common.proto.
"""

from collections.abc import Iterator, Mapping
from functools import lru_cache
from struct import Struct
from typing import Final

from opentelemetry.proto.common.v1.common_pb2 import AnyValue, ArrayValue, KeyValue
from opentelemetry.proto.trace.v1.trace_pb2 import Span, SpanFlags
from opentelemetry.trace import SpanContext, SpanKind, Status, StatusCode
from opentelemetry.util.types import AttributeValue

from auditspan.instrumentation.capture import sendable

REQUEST_RESOURCE_SPANS: Final = 0x0A
_TRACE_STATE: Final = b"\x1a"
_SPAN_ATTRIBUTES: Final = b"\x4a"
_KEY: Final = b"\x0a"
_VALUE: Final = b"\x12"
_STRING_VALUE: Final = b"\x0a"
_INT_VALUE: Final = b"\x18"
_BOOL_VALUE: Final = b"\x10"
_ONE_BYTE: Final = tuple(bytes((number,)) for number in range(0x80))
_IDS: Final = Struct(">HQQHQ")
"""Tag and length of the trace id, its halves, tag and length of the span id, and it."""
_PARENT: Final = Struct(">HQ")
_TIMES: Final = Struct("<BQBQ")
"""Start and end with their tags."""
_SHORT: Final = 128
"""Characters of a text that is kept encoded: names, ids and words come again and again."""
_HALF: Final = 0xFFFF_FFFF_FFFF_FFFF


def place_of(context: SpanContext, parent: SpanContext | None) -> bytes:
    """Ids of a span, the state of its trace, and whether its parent is elsewhere."""
    trace = context.trace_id
    ids = _IDS.pack(0x0A10, trace >> 64, trace & _HALF, 0x1208, context.span_id)
    if context.trace_state:
        ids += field(_TRACE_STATE, context.trace_state.to_header().encode())
    if parent is None:
        return ids + _LOCAL
    remote = _REMOTE if parent.is_remote else _LOCAL
    return ids + _PARENT.pack(0x2208, parent.span_id) + remote


@lru_cache(maxsize=1024)
def named(name: str, kind: SpanKind) -> bytes:
    """Name and kind."""
    return Span(name=sendable(name), kind=kind.value + 1).SerializeToString()  # type: ignore[arg-type]


def ended(start: int, end: int, status: Status) -> bytes:
    """Times and status."""
    times = _TIMES.pack(0x39, start, 0x41, end)
    return times + (_NO_STATUS if status.is_unset else _status(status))


def _status(status: Status) -> bytes:
    own = Span()
    own.status.code = status.status_code.value  # type: ignore[assignment]
    own.status.message = sendable(status.description or "")
    return own.SerializeToString()


_NO_STATUS: Final = _status(Status(StatusCode.UNSET))
_LOCAL: Final = Span(flags=SpanFlags.SPAN_FLAGS_CONTEXT_HAS_IS_REMOTE_MASK).SerializeToString()
_REMOTE: Final = Span(
    flags=SpanFlags.SPAN_FLAGS_CONTEXT_HAS_IS_REMOTE_MASK
    | SpanFlags.SPAN_FLAGS_CONTEXT_IS_REMOTE_MASK
).SerializeToString()


def attributes(values: Mapping[str, AttributeValue]) -> bytes | None:
    """Attributes without nested values; None if one has some."""
    fields = []
    for key, value in values.items():
        if type(value) is str:
            fields.append(_kept(key, value) if len(value) <= _SHORT else _text(key, value))
        elif type(value) is tuple and all(type(item) is str for item in value):
            fields.append(_list(key, value))
        elif (encoded := _value(value)) is not None:
            pair = KeyValue(key=sendable(key), value=encoded)
            fields.append(field(_SPAN_ATTRIBUTES, pair.SerializeToString()))
        else:
            return None
    return b"".join(fields)


def _value(value: AttributeValue) -> AnyValue | None:
    """A number or a truth; None if it is something else."""
    if type(value) is int and -(2**63) <= value < 2**63:
        return AnyValue(int_value=value)
    if type(value) is bool:
        return AnyValue(bool_value=value)
    if type(value) is float:
        return AnyValue(double_value=value)
    return None


@lru_cache(maxsize=1024)
def _list(key: str, texts: tuple[str, ...]) -> bytes:
    """A list of texts: rule ids, roles."""
    values = [AnyValue(string_value=sendable(text)) for text in texts]
    pair = KeyValue(key=sendable(key), value=AnyValue(array_value=ArrayValue(values=values)))
    return field(_SPAN_ATTRIBUTES, pair.SerializeToString())


def _text(key: str, value: str) -> bytes:
    content = value.encode("utf-8", "replace")
    inner = _STRING_VALUE + varint(len(content)) + content
    pair = _key(key) + varint(len(inner)) + inner
    return _SPAN_ATTRIBUTES + varint(len(pair)) + pair


_kept = lru_cache(maxsize=4096)(_text)


@lru_cache(maxsize=1024)
def _key(key: str) -> bytes:
    """The key of a pair, and the tag of what follows."""
    return field(_KEY, key.encode("utf-8", "replace")) + _VALUE


def attribute(key: str, value: str | int) -> bytes:
    """One attribute of a span, as a field."""
    if isinstance(value, str):
        return _text(key, value)
    # A negative number takes ten bytes, as two's complement.
    inner = (_BOOL_VALUE if isinstance(value, bool) else _INT_VALUE) + varint(value & _HALF)
    pair = _key(key) + varint(len(inner)) + inner
    return _SPAN_ATTRIBUTES + varint(len(pair)) + pair


def field(tag: bytes, content: bytes) -> bytes:
    """A field of bytes, texts or a message."""
    return tag + varint(len(content)) + content


def varint(number: int) -> bytes:
    """https://protobuf.dev/programming-guides/encoding/#varints"""
    if number < 0x80:
        return _ONE_BYTE[number]
    if number < 0x4000:
        return bytes((number & 0x7F | 0x80, number >> 7))
    written = bytearray()
    while number > 0x7F:
        written.append(number & 0x7F | 0x80)
        number >>= 7
    written.append(number)
    return bytes(written)


def whole_requests(content: bytes) -> int:
    """How many bytes at the start are whole requests; what follows was torn by a crash."""
    return sum(map(len, whole_fields(content, (REQUEST_RESOURCE_SPANS,))))


def whole_fields(content: bytes, tags: tuple[int, ...]) -> Iterator[bytes]:
    """The fields at the start that have one of these tags and are whole."""
    position = 0
    while position < (end := _end_of_field(content, position, tags)) <= len(content):
        yield content[position:end]
        position = end


def _end_of_field(content: bytes, position: int, tags: tuple[int, ...]) -> int:
    """Where the field that starts here ends, -1 if none of these starts here."""
    if position >= len(content) or content[position] not in tags:
        return -1
    size = shift = 0
    for index in range(position + 1, min(position + 6, len(content))):
        size |= (content[index] & 0x7F) << shift
        if content[index] < 0x80:
            return index + 1 + size
        shift += 7
    return -1
