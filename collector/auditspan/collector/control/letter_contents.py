"""What is in a dead letter, decoded as far as it can be, with the values of people or without.

Without them stay: what the envelope says, ids, times, names of spans and of attributes, and of each
value its kind and size. What cannot be decoded is never guessed at: its size is told, and with
values its first bytes.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Final

from google.protobuf.message import DecodeError
from opentelemetry.proto.common.v1.common_pb2 import AnyValue, KeyValue
from opentelemetry.proto.trace.v1.trace_pb2 import ResourceSpans, Span
from pydantic import JsonValue

from auditspan.collector.control.fields import Fields
from auditspan.collector.control.records import rfc3339
from auditspan.wire.envelope import CONTROL, Envelope, parse
from auditspan.wire.errors import FrameInvalid
from auditspan.wire.varint import MAX_BYTES, decode_varint

MAX_SPANS: Final = 100
"""Of one letter; how many more there are is told."""
_RESOURCE_SPANS: Final = 0x0A
"""Tag of the one field of a request."""
_HEAD: Final = 256
"""Bytes of what cannot be decoded."""
_DEEPEST: Final = 20


def contents(data: bytes | None, *, content: bool) -> Fields:
    """All that can be said of the bytes that were put aside."""
    if not data:
        return {"decoded": "nothing: the content is not here any more"}
    try:
        _, width = decode_varint(data[:MAX_BYTES])
        envelope = parse(data[width:])
    except FrameInvalid as error:
        return {"decoded": f"nothing: {error}"} | _raw(data, content=content)
    shown: Fields = {
        "decoded": "all",
        "kind": "control" if envelope.kind == CONTROL else "traces",
        "received_at": rfc3339(envelope.received_at),
    }
    if envelope.kind == CONTROL:
        said = envelope.control if content else f"text of {len(envelope.control)} characters"
        return shown | {"control": said}
    return shown | _request(envelope, content=content)


def _request(envelope: Envelope, *, content: bool) -> Fields:
    show = _Show(content)
    spans: list[JsonValue] = []
    count, rest = 0, b""
    for found in _parts(envelope.request):
        if isinstance(found, bytes):
            rest = found
            continue
        for scope in found.scope_spans:
            for span in scope.spans:
                count += 1
                if len(spans) < MAX_SPANS:
                    resource = show.attributes(found.resource.attributes)
                    spans.append(show.span(span) | {"resource": resource})
    told: Fields = {"spans": spans, "spans_in_all": count}
    if rest:
        told |= {"decoded": "in part"} | _raw(rest, content=content)
    return told


def _parts(request: bytes) -> Iterator[ResourceSpans | bytes]:
    """What can be read in front; then the rest as it is, if there is one."""
    at = 0
    while at < len(request):
        try:
            if request[at] != _RESOURCE_SPANS:
                raise FrameInvalid("no field of a request")
            length, width = decode_varint(request[at + 1 : at + 1 + MAX_BYTES])
            begin = at + 1 + width
            if begin + length > len(request):
                raise FrameInvalid("its end is missing")
            yield ResourceSpans.FromString(request[begin : begin + length])
        except (FrameInvalid, DecodeError):
            yield request[at:]
            return
        at = begin + length


def _raw(data: bytes, *, content: bool) -> Fields:
    told: Fields = {"undecoded_bytes": len(data)}
    return told | ({"undecoded_hex": data[:_HEAD].hex()} if content else {})


@dataclass(frozen=True, slots=True)
class _Show:
    content: bool

    def span(self, span: Span) -> dict[str, JsonValue]:
        """A span without what is empty."""
        message = span.status.message
        shown: dict[str, JsonValue] = {
            "trace_id": span.trace_id.hex(),
            "span_id": span.span_id.hex(),
            "parent_span_id": span.parent_span_id.hex(),
            "name": span.name,
            "start": rfc3339(min(span.start_time_unix_nano, 2**63 - 1)),
            "end": rfc3339(min(span.end_time_unix_nano, 2**63 - 1)),
            "attributes": self.attributes(span.attributes),
            "events": [
                {"name": event.name, "attributes": self.attributes(event.attributes)}
                for event in span.events
            ],
            "status": message if self.content else _size("text", message) if message else "",
        }
        return {key: value for key, value in shown.items() if value not in ("", [], {})}

    def attributes(self, items: Iterable[KeyValue]) -> dict[str, JsonValue]:
        """By key; of keys that come twice the last."""
        return {item.key: self.value(item.value) for item in items}

    def value(self, value: AnyValue, depth: int = 0) -> JsonValue:
        """A value, or what kind it is and how large."""
        kind = value.WhichOneof("value") or "empty"
        if not self.content:
            return _size(kind.removesuffix("_value"), value)
        if depth > _DEEPEST:
            return "…"
        if kind == "array_value":
            return [self.value(each, depth + 1) for each in value.array_value.values]
        if kind == "kvlist_value":
            items = value.kvlist_value.values
            return {item.key: self.value(item.value, depth + 1) for item in items}
        if kind == "bytes_value":
            return value.bytes_value.hex()
        found: JsonValue = getattr(value, kind) if kind != "empty" else None
        return found


def _size(kind: str, value: AnyValue | str) -> str:
    size = len(value) if isinstance(value, str) else value.ByteSize()
    return f"<{kind}, {size} bytes>"
