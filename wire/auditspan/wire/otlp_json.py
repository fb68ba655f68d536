"""OTLP export requests in JSON: read as strictly as protobuf, into the same messages.

Follows https://opentelemetry.io/docs/specs/otlp/#json-protobuf-encoding: ids in hex, names in
lowerCamelCase, enums as numbers, fields that nobody knows ignored. The rest is the JSON mapping of
protobuf (https://protobuf.dev/programming-guides/json/); what either leaves open is refused.
"""

import json
from collections import Counter
from collections.abc import Callable, Mapping
from functools import cache
from typing import Final

from google.protobuf.descriptor import Descriptor, FieldDescriptor
from google.protobuf.message import Message
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

from auditspan.wire.errors import RequestInvalid
from auditspan.wire.json_scalars import Wrong, reader, word, writer
from auditspan.wire.otlp import Parsed, without_wrong_ids

MAX_DEPTH: Final = 100
"""Messages within messages, as many as the protobuf decoder takes."""

_Put = Callable[[Message, object, int], None]


def parse_json(body: bytes) -> Parsed:
    """Read a request; spans with wrong ids are taken out.

    Raises `RequestInvalid`, which says where in the JSON.
    """
    value = _loaded(body)
    request = ExportTraceServiceRequest()
    try:
        _fill(request, value, 0)
    except Wrong as wrong:
        raise RequestInvalid(f"request: ${wrong.path()}: {wrong}") from wrong
    return without_wrong_ids(request)


def to_json(request: ExportTraceServiceRequest) -> bytes:
    """The JSON of a request, compact."""
    return json.dumps(_dict(request), ensure_ascii=False, separators=(",", ":")).encode()


def _loaded(body: bytes) -> object:
    try:
        return json.loads(
            body.decode("utf-8"), object_pairs_hook=_object, parse_constant=_no_constant
        )
    except Wrong as wrong:
        raise RequestInvalid(f"request: {wrong}") from wrong
    except RecursionError as error:
        raise RequestInvalid(f"request: nested deeper than {MAX_DEPTH} messages") from error
    except ValueError as error:
        raise RequestInvalid(f"request: expected JSON in UTF-8: {error}") from error


def _object(pairs: list[tuple[str, object]]) -> dict[str, object]:
    found = dict(pairs)
    if len(found) != len(pairs):
        twice = Counter(name for name, _ in pairs).most_common(1)[0][0]
        raise Wrong(f"expected each name once in an object, found {twice[:100]!r} twice")
    return found


def _no_constant(text: str) -> object:
    raise Wrong(f"expected a JSON value, found {text}: write it as a string")


def _fill(message: Message, value: object, depth: int) -> None:
    if not isinstance(value, dict):
        raise Wrong(f"expected an object, found {word(value)}")
    if depth > MAX_DEPTH:
        raise Wrong(f"nested deeper than {MAX_DEPTH} messages")
    puts = _puts(message.DESCRIPTOR)
    for name, item in value.items():
        put = puts.get(name)
        if put is None or item is None:
            continue
        try:
            put(message, item, depth)
        except Wrong as wrong:
            raise wrong.within(f".{name}") from None


@cache
def _puts(descriptor: Descriptor) -> Mapping[str, _Put]:
    return {field.json_name: _put(field) for field in descriptor.fields}


def _put(field: FieldDescriptor) -> _Put:
    if field.is_repeated:
        return _put_list(field)
    put = _put_message(field) if field.message_type else _put_scalar(field)
    oneof = field.containing_oneof
    if oneof is None:
        return put

    def put_once(message: Message, value: object, depth: int) -> None:
        other = message.WhichOneof(oneof.name)
        if other is not None:
            raise Wrong(f"expected one kind of {oneof.name}, found {other} as well")
        put(message, value, depth)

    return put_once


def _put_message(field: FieldDescriptor) -> _Put:
    def put(message: Message, value: object, depth: int) -> None:
        inner: Message = getattr(message, field.name)
        inner.SetInParent()
        _fill(inner, value, depth + 1)

    return put


def _put_scalar(field: FieldDescriptor) -> _Put:
    read = reader(field)

    def put(message: Message, value: object, depth: int) -> None:
        setattr(message, field.name, read(value))

    return put


def _put_list(field: FieldDescriptor) -> _Put:
    read = None if field.message_type else reader(field)

    def put(message: Message, value: object, depth: int) -> None:
        if not isinstance(value, list):
            raise Wrong(f"expected an array, found {word(value)}")
        inner = getattr(message, field.name)
        for position, item in enumerate(value):
            try:
                if read is None:
                    _fill(inner.add(), item, depth + 1)
                else:
                    inner.append(read(item))
            except Wrong as wrong:
                raise wrong.within(f"[{position}]") from None

    return put


def _dict(message: Message) -> dict[str, object]:
    found: dict[str, object] = {}
    for field, value in message.ListFields():
        write = _dict if field.message_type else writer(field)
        found[field.json_name] = (
            [write(one) for one in value] if field.is_repeated else write(value)
        )
    return found
