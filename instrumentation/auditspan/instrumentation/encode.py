"""An ended span as the bytes of an OTLP request of its own.

A request (`ExportTraceServiceRequest`) is nothing but repeated fields, so requests written one
after the other are one request: https://protobuf.dev/programming-guides/encoding/#last-one-wins.
Spans are encoded by the OpenTelemetry exporter's encoder; resource and scope, which hardly change,
once.
"""

from typing import Final

from opentelemetry.exporter.otlp.proto.common.trace_encoder import encode_spans
from opentelemetry.proto.common.v1.common_pb2 import AnyValue, KeyValue
from opentelemetry.proto.trace.v1.trace_pb2 import Span
from opentelemetry.sdk.trace import ReadableSpan

try:
    # Half the work of the public function, which encodes the resource anew each time.
    from opentelemetry.exporter.otlp.proto.common._internal.trace_encoder import _encode_span
except ImportError:  # pragma: no cover - a later release may move it

    def _encode_span(sdk_span: ReadableSpan) -> Span:
        return encode_spans([sdk_span]).resource_spans[0].scope_spans[0].spans[0]


_MAX_SCOPES: Final = 256
# Field numbers and wire type 2, opentelemetry/proto/trace/v1/trace.proto.
REQUEST_RESOURCE_SPANS: Final = 0x0A
_RESOURCE_SPANS_SCOPE_SPANS: Final = b"\x12"
_SCOPE_SPANS_SPANS: Final = b"\x12"
_SPAN_ATTRIBUTES: Final = b"\x4a"


class Encoder:
    """Encodes spans, remembering resources and scopes. Not for several threads at once."""

    def __init__(self) -> None:
        self._frames: dict[tuple[int, int], tuple[object, object, bytes, bytes, bytes]] = {}

    def encode(self, span: ReadableSpan, further: bytes) -> bytes:
        """The request of one span, with further attributes made by `attribute`."""
        resource, scope, schema = self._frame(span)
        own = _encode_span(span).SerializeToString() + further
        spans = scope + _field(_SCOPE_SPANS_SPANS, own)
        inner = resource + _field(_RESOURCE_SPANS_SCOPE_SPANS, spans) + schema
        return _field(bytes((REQUEST_RESOURCE_SPANS,)), inner)

    def _frame(self, span: ReadableSpan) -> tuple[bytes, bytes, bytes]:
        """Resource, scope with its schema, and the resource's schema, as fields."""
        key = (id(span.resource), id(span.instrumentation_scope))
        found = self._frames.get(key)
        if found is None:
            if len(self._frames) >= _MAX_SCOPES:
                self._frames.clear()
            encoded = encode_spans([span]).resource_spans[0]
            schema = encoded.schema_url
            encoded.ClearField("schema_url")
            scope = encoded.scope_spans[0]
            scope.ClearField("spans")
            encoded.ClearField("scope_spans")
            # Both objects are kept, so that their ids stay theirs.
            found = self._frames[key] = (
                span.resource,
                span.instrumentation_scope,
                encoded.SerializeToString(),
                scope.SerializeToString(),
                _field(b"\x1a", schema.encode()) if schema else b"",
            )
        return found[2], found[3], found[4]


def attribute(key: str, value: str | int) -> bytes:
    """One attribute of a span, as a field."""
    any_value = (
        AnyValue(string_value=value) if isinstance(value, str) else AnyValue(int_value=value)
    )
    return _field(_SPAN_ATTRIBUTES, KeyValue(key=key, value=any_value).SerializeToString())


def _field(tag: bytes, content: bytes) -> bytes:
    return tag + varint(len(content)) + content


def varint(number: int) -> bytes:
    """https://protobuf.dev/programming-guides/encoding/#varints"""
    written = bytearray()
    while number > 0x7F:
        written.append(number & 0x7F | 0x80)
        number >>= 7
    written.append(number)
    return bytes(written)


def whole_requests(content: bytes) -> int:
    """How many bytes at the start are whole requests; what follows was torn by a crash."""
    position = 0
    while True:
        end = _end_of_field(content, position)
        if end < 0 or end > len(content):
            return position
        position = end
        if position == len(content):
            return position


def _end_of_field(content: bytes, position: int) -> int:
    """Where the field that starts here ends, -1 if none starts here."""
    if position >= len(content) or content[position] != REQUEST_RESOURCE_SPANS:
        return -1
    size = shift = 0
    for index in range(position + 1, min(position + 6, len(content))):
        size |= (content[index] & 0x7F) << shift
        if content[index] < 0x80:
            return index + 1 + size
        shift += 7
    return -1
