"""An ended span as the bytes of an OTLP request of its own.

Requests written one after the other are one request. Resource and scope, which hardly change, are
encoded once. A span without events, links and nested values, as nearly all are, is encoded by
`otlp_fields.py` in a tenth of the time that the OpenTelemetry exporter's encoder takes, and any
other by that one; a test compares the two.
"""

from typing import Final

from opentelemetry.exporter.otlp.proto.common.trace_encoder import encode_spans
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import Event, ReadableSpan
from opentelemetry.sdk.util.instrumentation import InstrumentationScope
from opentelemetry.trace import SpanContext, Status, TraceFlags

from auditspan.instrumentation.act_span import ActSpan
from auditspan.instrumentation.capture import sendable
from auditspan.instrumentation.otlp_fields import (
    REQUEST_RESOURCE_SPANS,
    attributes,
    ended,
    field,
    named,
    place_of,
    varint,
)

_MAX_SCOPES: Final = 256
_REQUEST_RESOURCE_SPANS: Final = bytes((REQUEST_RESOURCE_SPANS,))
_RESOURCE_SPANS_SCOPE_SPANS: Final = b"\x12"
_RESOURCE_SPANS_SCHEMA_URL: Final = b"\x1a"
_SCOPE_SPANS_SPANS: Final = b"\x12"
_ANYTHING: Final = SpanContext(1, 1, is_remote=False, trace_flags=TraceFlags(0))
_Frame = tuple[bytes, bytes, bytes]
"""Resource, scope with its schema, and the resource's schema, as fields."""


class Encoder:
    """Encodes spans, remembering resources and scopes. Not for several threads at once."""

    def __init__(self) -> None:
        self._frames: dict[tuple[int, int], tuple[object, object, _Frame]] = {}

    def encode(self, span: ReadableSpan, further: bytes) -> bytes:
        """The request of one span, with further attributes made by `attribute`."""
        frame = self._frame(span.resource, span.instrumentation_scope)
        return _request(frame, (_plain(span) or _any(span)) + further)

    def encode_act(self, act: ActSpan, further: bytes) -> bytes:
        """The same of the span of an act, which may not have ended."""
        own = act.fields()
        frame = self._frame(*act.place)
        return _request(frame, (own or _any(act.readable())) + further)

    def _frame(self, resource: Resource, scope: InstrumentationScope | None) -> _Frame:
        key = (id(resource), id(scope))
        found = self._frames.get(key)
        if found is None:
            if len(self._frames) >= _MAX_SCOPES:
                self._frames.clear()
            # Both objects are kept, so that their ids stay theirs.
            found = self._frames[key] = (resource, scope, _framed(resource, scope))
        return found[2]


def _framed(resource: Resource, scope: InstrumentationScope | None) -> _Frame:
    span = ReadableSpan("", _ANYTHING, resource=resource, instrumentation_scope=scope)
    encoded = encode_spans([span]).resource_spans[0]
    schema = encoded.schema_url
    encoded.ClearField("schema_url")
    scoped = encoded.scope_spans[0]
    scoped.ClearField("spans")
    encoded.ClearField("scope_spans")
    return (
        encoded.SerializeToString(),
        scoped.SerializeToString(),
        field(_RESOURCE_SPANS_SCHEMA_URL, schema.encode()) if schema else b"",
    )


def _request(frame: _Frame, span: bytes) -> bytes:
    """The messages around it, each with its length, from the inside out."""
    resource, scope, schema = frame
    behind = _SCOPE_SPANS_SPANS + varint(len(span))
    scoped = len(scope) + len(behind) + len(span)
    before = resource + _RESOURCE_SPANS_SCOPE_SPANS + varint(scoped) + scope + behind
    size = len(before) + len(span) + len(schema)
    return b"".join((_REQUEST_RESOURCE_SPANS, varint(size), before, span, schema))


def _plain(span: ReadableSpan) -> bytes:
    """A span without events, links and nested values; nothing if it is another one."""
    context = span.get_span_context()
    if context is None or span.events or span.links or _dropped(span):
        return b""
    # The SDK's mapping locks and copies for each step of an iteration.
    said = attributes({**(span.attributes or {})})
    if said is None:
        return b""
    start = span.start_time or 0
    end = span.end_time or start
    return b"".join(
        (
            place_of(context, span.parent),
            named(span.name, span.kind),
            said,
            ended(start, end, span.status),
        )
    )


def _dropped(span: ReadableSpan) -> int:
    return span.dropped_attributes or span.dropped_events or span.dropped_links


def _any(span: ReadableSpan) -> bytes:
    """Any span, by the exporter's encoder."""
    request = encode_spans([_sendable(span)])
    return request.resource_spans[0].scope_spans[0].spans[0].SerializeToString()


def _sendable(span: ReadableSpan) -> ReadableSpan:
    """The span with texts that are UTF-8; for attributes the exporter's encoder sees to that."""
    status = span.status
    texts = (span.name, status.description or "", *(event.name for event in span.events))
    if all(text.isascii() for text in texts):
        return span
    description = status.description and sendable(status.description)
    return ReadableSpan(
        sendable(span.name),
        span.get_span_context(),
        span.parent,
        span.resource,
        span.attributes,
        [Event(sendable(each.name), each.attributes, each.timestamp) for each in span.events],
        span.links,
        span.kind,
        status=Status(status.status_code, description),
        start_time=span.start_time,
        end_time=span.end_time,
        instrumentation_scope=span.instrumentation_scope,
    )
