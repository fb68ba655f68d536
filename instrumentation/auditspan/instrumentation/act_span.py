"""The span of an act: what OpenTelemetry's API promises of a span, written once when it ends.

The SDK's checks, copies and locks for each attribute cost more than all else that a guard does.
This one keeps attributes as they are given: by us at once, or by the application, whose code finds
it as its current span. It ends in `Durable` as the SDK's spans do, and in the trace it stands as
one of them: with the parent's trace, sampling decision and state, or as the root of a trace.
"""

import os
import threading
import time
import traceback
from collections.abc import Callable, Mapping

from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import Event, ReadableSpan
from opentelemetry.sdk.trace.id_generator import RandomIdGenerator
from opentelemetry.sdk.util.instrumentation import InstrumentationScope
from opentelemetry.trace import (
    INVALID_SPAN,
    Link,
    Span,
    SpanContext,
    SpanKind,
    Status,
    StatusCode,
    TraceFlags,
)
from opentelemetry.util.types import AnyValue, Attributes

from auditspan.instrumentation.capture import short, words
from auditspan.instrumentation.otlp_fields import ended, named, place_of
from auditspan.instrumentation.said import Said

_IDS = RandomIdGenerator()
_ROOT = TraceFlags(TraceFlags.SAMPLED | TraceFlags.RANDOM_TRACE_ID)
_UNSET = Status()


class ActSpan(Span):
    """A span that is written down by `write` when it ends, once. Threads may share it."""

    def __init__(
        self,
        name: str,
        kind: SpanKind,
        said: Said,
        place: tuple[Resource, InstrumentationScope],
        write: Callable[["ActSpan"], None],
        outer: Span = INVALID_SPAN,
    ) -> None:
        """It takes `said` over, and starts now, below the outer span."""
        parent = outer.get_span_context()
        self._parent = parent if parent.is_valid else None
        self._context = _below(self._parent)
        self._place_fields = place_of(self._context, self._parent)
        self._name = name
        self._kind = kind
        self._said = said
        self.place = place
        """Resource and scope."""
        self._write = write
        self._events: list[Event] = []
        self._links: list[Link] = []
        self._status = _UNSET
        self._ended = threading.Lock()
        self._pid = os.getpid()
        self._start = time.time_ns()
        self.end_time = self._start
        """In nanoseconds; of one that has not ended, its start."""

    def end(self, end_time: int | None = None) -> None:
        """Write it down; what is said of it later is not heard."""
        # A fork inside of it unwinds through it as well; there was one act, the parent's.
        if not self._ended.acquire(blocking=False) or self._pid != os.getpid():
            return
        self.end_time = end_time if end_time is not None else time.time_ns()
        self._write(self)

    def fields(self) -> bytes:
        """What it has said, as fields of an OTLP span; nothing if that is more than fields."""
        if self._events or self._links:
            return b""
        said = self._said.encode()
        if said is None:
            return b""
        return b"".join(
            (
                self._place_fields,
                named(self._name, self._kind),
                said,
                ended(self._start, self.end_time, self._status),
            )
        )

    def readable(self) -> ReadableSpan:
        """What it has said, as the SDK hands it to exporters."""
        resource, scope = self.place
        return ReadableSpan(
            name=self._name,
            context=self._context,
            parent=self._parent,
            resource=resource,
            attributes=self._said.values(),
            events=tuple(self._events),
            links=tuple(self._links),
            kind=self._kind,
            status=self._status,
            start_time=self._start,
            end_time=self.end_time,
            instrumentation_scope=scope,
        )

    def get_span_context(self) -> SpanContext:
        """What names it."""
        return self._context

    def is_recording(self) -> bool:
        """Whether it has not ended."""
        return not self._ended.locked()

    def set_attributes(self, attributes: Mapping[str, AnyValue]) -> None:
        """Set some. A list is copied, since its owner may change it before the span is written."""
        if self._ended.locked():
            return
        for key, value in attributes.items():
            if key and isinstance(key, str):
                self._said.set(key, tuple(value) if isinstance(value, list) else value)

    def set_attribute(self, key: str, value: AnyValue) -> None:
        """Set one."""
        self.set_attributes({key: value})

    def add_event(
        self, name: str, attributes: Attributes = None, timestamp: int | None = None
    ) -> None:
        """Add an event."""
        if self.is_recording():
            self._events.append(Event(name, dict(attributes or {}), timestamp))

    def add_link(self, context: SpanContext, attributes: Attributes = None) -> None:
        """Add a link."""
        if self.is_recording() and context.is_valid:
            self._links.append(Link(context, dict(attributes or {})))

    def update_name(self, name: str) -> None:
        """Call it otherwise."""
        if self.is_recording():
            self._name = name

    def set_status(self, status: Status | StatusCode, description: str | None = None) -> None:
        """Say how it went. What is OK stays so, and nothing is made unset again."""
        found = Status(status, description) if isinstance(status, StatusCode) else status
        if self.is_recording() and self._status.status_code is not StatusCode.OK:
            self._status = self._status if found.is_unset else found

    def record_exception(
        self,
        exception: BaseException,
        attributes: Attributes = None,
        timestamp: int | None = None,
        escaped: bool = False,
    ) -> None:
        """Add the event of an exception, as the SDK writes it."""
        kind = type(exception)
        module = "" if kind.__module__ in ("", "builtins") else f"{kind.__module__}."
        found: dict[str, AnyValue] = {
            "exception.type": f"{module}{kind.__qualname__}",
            "exception.message": words(exception),
            "exception.stacktrace": short("".join(traceback.format_exception(exception))),
            "exception.escaped": str(escaped),
        }
        self.add_event("exception", {**found, **(attributes or {})}, timestamp)


def _below(parent: SpanContext | None) -> SpanContext:
    """Ids of a new span: in its parent's trace, as sampled as that is, or in a new one."""
    span_id = _IDS.generate_span_id()
    if parent is None:
        trace_id = _IDS.generate_trace_id()
        return SpanContext(trace_id, span_id, is_remote=False, trace_flags=_ROOT)
    kept = parent.trace_flags & (TraceFlags.SAMPLED | TraceFlags.RANDOM_TRACE_ID)
    flags = TraceFlags(kept)
    return SpanContext(parent.trace_id, span_id, False, flags, parent.trace_state)
