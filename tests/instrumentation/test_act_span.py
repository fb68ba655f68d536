"""The span of an act is, to everybody else, a span as the SDK makes them."""

import threading
from collections.abc import Callable
from typing import Any

import pytest
from opentelemetry import trace
from opentelemetry.exporter.otlp.proto.common.trace_encoder import encode_spans
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import ReadableSpan, TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from opentelemetry.sdk.util.instrumentation import InstrumentationScope
from opentelemetry.trace import (
    NonRecordingSpan,
    Span,
    SpanContext,
    SpanKind,
    Status,
    StatusCode,
    TraceFlags,
    TraceState,
)

from auditspan.instrumentation.act_span import ActSpan
from auditspan.instrumentation.encode import Encoder
from auditspan.instrumentation.said import NOTHING, Said

RESOURCE = Resource({"service.name": "test"})
OTHER = SpanContext(5, 6, is_remote=True, trace_flags=TraceFlags(1))


def own(name: str = "act", **attributes: Any) -> tuple[ActSpan, list[ReadableSpan]]:
    """A span, and what is written when it ends: the same by our encoder and by the exporter's."""
    written: list[ReadableSpan] = []
    place = (RESOURCE, InstrumentationScope("auditspan"))
    said = Said(NOTHING, attributes)

    def write(act: ActSpan) -> None:
        encoded = ExportTraceServiceRequest.FromString(Encoder().encode_act(act, b""))
        written.append(act.readable())
        assert encoded == encode_spans(written[-1:])

    outer = trace.get_current_span()
    return ActSpan(name, SpanKind.CLIENT, said, place, write, outer), written


def theirs(name: str = "act", **attributes: Any) -> tuple[Span, InMemorySpanExporter]:
    """The same of the SDK."""
    kept = InMemorySpanExporter()
    provider = TracerProvider(resource=RESOURCE, shutdown_on_exit=False)
    provider.add_span_processor(SimpleSpanProcessor(kept))
    tracer = provider.get_tracer("auditspan")
    return tracer.start_span(name, kind=SpanKind.CLIENT, attributes=attributes), kept


def told(span: ReadableSpan) -> Any:
    """What a collector gets, without ids and times."""
    encoded = encode_spans([span])
    [found] = encoded.resource_spans[0].scope_spans[0].spans
    for name in ("trace_id", "span_id", "start_time_unix_nano", "end_time_unix_nano"):
        found.ClearField(name)
    for event in found.events:
        event.ClearField("time_unix_nano")
    return encoded


def _attributes(span: Span) -> None:
    values = ["a", "b"]
    span.set_attribute("list", values)
    values.append("c")
    span.set_attributes({"n": 1, "x": 0.5, "yes": True, "given": "new"})


def _event(span: Span) -> None:
    span.add_event("happened", {"what": "it"})
    span.add_event("nothing")


def _failed(span: Span) -> None:
    try:
        raise KeyError("gone")
    except KeyError as error:
        span.record_exception(error, {"more": 1})
    span.set_status(StatusCode.ERROR, "gone")


def _status(span: Span) -> None:
    span.set_status(Status(StatusCode.ERROR, "first"))
    span.set_status(StatusCode.UNSET)
    span.set_status(StatusCode.OK)
    span.set_status(StatusCode.ERROR, "too late")


def _late(span: Span) -> None:
    span.end()
    assert not span.is_recording()


@pytest.mark.parametrize(
    "use",
    [
        _attributes,
        _event,
        _failed,
        _status,
        lambda span: span.add_link(OTHER, {"why": "so"}),
        lambda span: span.add_link(trace.INVALID_SPAN_CONTEXT),
        lambda span: span.update_name("other"),
        lambda span: None,
    ],
)
def test_what_is_said_of_it_is_told_as_the_sdk_does(use: Callable[[Span], object]) -> None:
    """Whatever an application does with its current span."""
    (span, written), (other, kept) = own(given="old"), theirs(given="old")
    for each in (span, other):
        assert each.is_recording()
        use(each)
        each.end()
    [expected] = kept.get_finished_spans()
    [found] = written
    assert told(found) == told(expected)


def test_it_ends_once_and_hears_nothing_afterwards() -> None:
    """Two threads that end it write one record."""
    span, written = own(a=1)
    threads = [threading.Thread(target=span.end) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    span.set_attribute("a", 2)
    span.update_name("late")
    span.set_status(StatusCode.ERROR)
    span.add_event("late")
    span.add_link(OTHER)
    [found] = written
    assert (found.name, dict(found.attributes or {}), found.events) == ("act", {"a": 1}, ())
    assert (found.status.is_unset, found.links) == (True, ())
    assert found.start_time is not None
    assert found.end_time is not None
    assert found.start_time <= found.end_time


@pytest.mark.parametrize("flags", [0, 1, 2, 3])
def test_it_stands_below_the_current_span_and_is_as_sampled(flags: int) -> None:
    """Services further on see the decision of the application's sampler."""
    state = TraceState([("vendor", "x")])
    parent = SpanContext(2**127 + 1, 9, is_remote=True, trace_flags=TraceFlags(flags))
    parent = SpanContext(parent.trace_id, 9, True, TraceFlags(flags), state)
    with trace.use_span(NonRecordingSpan(parent)):
        span, written = own()
    span.end()
    context = span.get_span_context()
    assert (context.trace_id, context.trace_flags) == (parent.trace_id, flags)
    assert (context.trace_state, context.is_remote) == (state, False)
    assert context.span_id not in (0, 9)
    assert written[0].parent == parent


def test_without_one_it_begins_a_trace() -> None:
    """As the SDK's root spans do: sampled, with ids of its own."""
    (one, _), (two, _), (other, _) = own(), own(), theirs()
    contexts = [each.get_span_context() for each in (one, two)]
    assert len({context.trace_id for context in contexts}) == 2
    assert all(context.is_valid for context in contexts)
    assert contexts[0].trace_flags == other.get_span_context().trace_flags
    one.end()
    two.end()
    other.end()


def test_a_name_that_is_none_is_left_out() -> None:
    """It could not be found again."""
    span, written = own(a=1)
    span.set_attribute("", "no key")
    span.end()
    assert dict(written[0].attributes or {}) == {"a": 1}
