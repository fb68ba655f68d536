"""Ties spans of other libraries to the guard's record of the same call.

Libraries and instrumentations have spans of their own for tool calls, inside or around ours. The
guard knows which those are while they are open; afterwards nobody could tell two spans of one call
from two calls.
"""

from typing import Final, Protocol

from opentelemetry.context import Context, create_key, get_value
from opentelemetry.sdk.trace import Span
from opentelemetry.trace import Span as AnySpan
from opentelemetry.trace import format_span_id

from auditspan.instrumentation.act import Act
from auditspan.semconv import attributes as names

ACTIVE: Final = create_key("auditspan-active")


class OpenCall(Protocol):
    """The call that is going on, under `ACTIVE` of the context."""

    @property
    def act(self) -> Act:
        """What it is."""
        ...

    @property
    def span(self) -> AnySpan:
        """Its record."""
        ...


def tie_inner(span: Span, context: Context | None) -> None:
    """A span starts: if it tells of the call that is going on, it says so."""
    call: OpenCall | None = get_value(ACTIVE, context)  # type: ignore[assignment]
    if call is not None and _tells_of(span, call.act):
        _tie(span, call.span)


def tie_outer(outer: AnySpan, act: Act, ours: AnySpan) -> None:
    """A guarded call starts inside a span: if that tells of the same call, it says so."""
    if isinstance(outer, Span) and outer.is_recording() and _tells_of(outer, act):
        _tie(outer, ours)


def _tells_of(span: Span, act: Act) -> bool:
    """Whether it names the same tool; names of spans hold it as a word."""
    if not act.name or act.operation != "execute_tool":
        return False
    named = (span.attributes or {}).get(names.GEN_AI_TOOL_NAME)
    return named == act.name or act.name in span.name.split()


def _tie(span: Span, ours: AnySpan) -> None:
    span.set_attribute(names.AUDIT_CALL_SPAN_ID, format_span_id(ours.get_span_context().span_id))
