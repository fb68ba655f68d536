"""A span processor that puts every ended span on disk before the call that ended it goes on.

OpenTelemetry's batch processor drops the oldest spans of a full queue and loses what it holds when
the process is killed; this one does neither. It may stand on several providers.
"""

import threading
from collections import deque
from collections.abc import Callable

from opentelemetry.context import Context
from opentelemetry.sdk.trace import ReadableSpan, Span, SpanProcessor

from auditspan.instrumentation.act_span import ActSpan
from auditspan.instrumentation.errors import SpoolFull, SpoolGone
from auditspan.instrumentation.host import contain, contained, warn
from auditspan.instrumentation.outlet import Outlet
from auditspan.semconv import attributes as names

AGENT_PREFIXES = (
    "gen_ai.",
    "audit.",
    "mcp.",
    "llm.",
    "openinference.",
    "traceloop.",
    "ai.",
    "langfuse.",
    "mlflow.",
    "pydantic_ai.",
)
"""Attributes by which a span of an agent is told; only such spans are kept against the sampler."""


class Durable(SpanProcessor):
    """Writes ended spans to the spool of this process. Threads and forks may share it."""

    def __init__(
        self,
        make_outlet: Callable[[], Outlet],
        stamp: Callable[[Span, Context | None], None],
        tell_lost: Callable[[int, int], None] = lambda spans, since: None,
    ) -> None:
        """`tell_lost` records that so many spans were not written, since when in nanoseconds."""
        self._make_outlet = make_outlet
        self._stamp = stamp
        self._tell_lost = tell_lost
        self._outlet: Outlet | None = None
        self._mutex = threading.RLock()
        self._waiting: deque[ReadableSpan | ActSpan] = deque()
        self._writing = False
        self.dropped = 0
        """Spans that could not be written; their numbers are missing in the sequence."""
        self._lost = 0
        """Those of them that no record tells of yet."""
        self._lost_since = 0

    def on_start(self, span: Span, parent_context: Context | None = None) -> None:
        """Say on whose behalf the span happens."""
        with contained("stamp"):
            self._stamp(span, parent_context)

    @contain(None)
    def on_end(self, span: ReadableSpan) -> None:
        """Write it down."""
        context = span.get_span_context()
        if context is None or not (context.trace_flags.sampled or _of_agent(span)):
            return
        self._put(span)

    @contain(None)
    def act_ended(self, act: ActSpan) -> None:
        """Write it down, whatever the sampler says."""
        self._put(act)

    def intend(self, act: ActSpan) -> None:
        """A call that this span is the record of is about to happen. Raises SpoolFull."""
        with self._mutex:
            try:
                self._opened().intend(act)
            except SpoolGone as error:
                self._reopened(error).intend(act)

    def check(self) -> None:
        """Raises SpoolFull if a span that ended now would not be recorded."""
        with self._mutex:
            try:
                self._opened().spool.check()
            except SpoolGone as error:
                self._reopened(error).spool.check()

    def close(self, seconds: float) -> bool:
        """At the end of the process: send what is there; whether everything is sent."""
        with self._mutex:
            outlet, self._outlet = self._outlet, None
        if self.dropped > 1:  # The first was told when it was lost, the others at most by minute.
            warn("lost", "auditspan: %d spans in all were not recorded", self.dropped)
        return outlet is None or outlet.close(seconds)

    @property
    def used(self) -> bool:
        """Whether anything was written in this process."""
        return self._outlet is not None and self._outlet.sequence.last > 0

    def forked(self) -> None:
        """In a fork: leave spool and numbers to the parent, and get own ones when needed."""
        outlet, self._outlet = self._outlet, None
        self._mutex = threading.RLock()
        self._waiting.clear()
        self._writing = False
        self.dropped = self._lost = self._lost_since = 0
        if outlet is not None:
            outlet.forget()

    def shutdown(self) -> None:
        """Nothing: the spool outlives every provider."""

    def force_flush(self, timeout_millis: int = 30_000) -> bool:
        """Nothing: spans are on disk already."""
        return True

    def _put(self, span: ReadableSpan | ActSpan) -> None:
        with self._mutex:
            self._waiting.append(span)
            if not self._writing:
                self._write_waiting()

    def _write_waiting(self) -> None:
        """Write what waits: one span, and those that end meanwhile in the same thread.

        A signal handler or the garbage collector can end a span at any point, here too; it must
        neither wait for us nor come between.
        """
        self._writing = True
        try:
            while self._waiting:
                self._write(self._waiting.popleft())
        finally:
            self._writing = False

    def _write(self, span: ReadableSpan | ActSpan) -> None:
        try:
            try:
                self._opened().write(span)
            except SpoolGone as error:
                self._reopened(error).write(span)
        except SpoolFull as error:
            self.dropped += 1
            self._lost += 1
            self._lost_since = self._lost_since or span.end_time or 0
            warn("spool", "auditspan: %s; %d spans were not recorded", error, self.dropped)
        else:
            if self._lost:
                self._after_loss(span)

    def _after_loss(self, written: ReadableSpan | ActSpan) -> None:
        """There is room again: have it recorded what was lost, until that is written."""
        said = {} if isinstance(written, ActSpan) else written.attributes or {}
        told = said.get(names.AUDIT_LOSS_COUNT)
        if isinstance(told, int):
            self._lost = max(0, self._lost - told)
            self._lost_since = self._lost_since if self._lost else 0
        else:
            # That span waits behind this one, and is lost itself if it finds no room.
            self._tell_lost(self._lost, self._lost_since)

    def _reopened(self, error: SpoolGone) -> Outlet:
        """Another spool, since somebody deleted the one that was. Raises SpoolFull."""
        warn("gone", "auditspan: %s; what it held is lost, and another one is made", error)
        former, self._outlet = self._outlet, self._make_outlet()
        if former is not None:
            self._outlet.take_over(former)
        return self._outlet

    def _opened(self) -> Outlet:
        if self._outlet is None:
            self._outlet = self._make_outlet()
        return self._outlet


def _of_agent(span: ReadableSpan) -> bool:
    return any(key.startswith(AGENT_PREFIXES) for key in span.attributes or ())
