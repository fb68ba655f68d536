"""One act from the question to the result: guarded, made current, recorded.

call = begin(act)          # may raise PolicyDenied, and nothing else
with call.active():        # what happens inside is below it in the trace
    ...
call.succeeded(result)     # or call.failed(error)
"""

from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from typing import Protocol

from opentelemetry.context import Context, attach, create_key, detach, get_value, set_value
from opentelemetry.trace import Span, SpanKind, Status, StatusCode, set_span_in_context
from opentelemetry.util.types import AttributeValue

from auditspan.instrumentation.act import Act
from auditspan.instrumentation.capture import cut, json_text
from auditspan.instrumentation.content_hash import content_hash
from auditspan.instrumentation.guard import UNRECORDABLE, Verdict, denied
from auditspan.instrumentation.host import contain, report, warn
from auditspan.instrumentation.identity import current
from auditspan.instrumentation.runtime import Runtime, closed_without_runtime, runtime
from auditspan.instrumentation.settings import Content
from auditspan.semconv import attributes as names

_ACTIVE = create_key("auditspan-active")


class Call(Protocol):
    """An act that is happening."""

    def active(self) -> AbstractContextManager[None, None]:
        """Make it current in a block; may be entered again later."""
        ...

    def succeeded(self, result: object = None) -> None:
        """It came to an end."""
        ...

    def failed(self, error: BaseException) -> None:
        """It ended with an exception."""
        ...


@dataclass(frozen=True, slots=True)
class Unrecorded:
    """An act that is not ours to record: one inside itself, or without a runtime."""

    def active(self) -> AbstractContextManager[None, None]:
        """Nothing."""
        return nullcontext()

    def succeeded(self, result: object = None) -> None:
        """Nothing."""

    def failed(self, error: BaseException) -> None:
        """Nothing."""


@dataclass(frozen=True, slots=True)
class Recorded:
    """An act with a span."""

    act: Act
    span: Span
    runtime: Runtime

    def active(self) -> "AbstractContextManager[None, None]":
        """Make it current."""
        return _Active(set_value(_ACTIVE, self.act, set_span_in_context(self.span)))

    @contain(None)
    def succeeded(self, result: object = None) -> None:
        """Record the result."""
        found: dict[str, AttributeValue] = {names.AUDIT_OUTCOME: "success"}
        try:
            if result is not None and self.act.operation == "execute_tool":
                found |= _content(self.runtime, self.act, "results", json_text(result))
        finally:
            self.span.set_attributes(found)
            self.span.end()

    @contain(None)
    def failed(self, error: BaseException) -> None:
        """Record the exception."""
        kind = _qualified(type(error))
        try:
            self.span.set_attributes({names.AUDIT_OUTCOME: "failure", names.ERROR_TYPE: kind})
            self.span.record_exception(error)
            self.span.set_status(Status(StatusCode.ERROR, f"{type(error).__name__}: {error}"))
        finally:
            self.span.end()


class _Active(AbstractContextManager[None, None]):
    """A context in force inside a block."""

    __slots__ = ("_context", "_token")

    def __init__(self, context: Context) -> None:
        self._context = context

    def __enter__(self) -> None:
        self._token = attach(self._context)

    def __exit__(self, *exception: object) -> None:
        detach(self._token)


def begin(act: Act) -> Call:
    """Ask the guard and start the record. Raises PolicyDenied."""
    if _inside_itself(act):
        return Unrecorded()
    try:
        found = runtime()
        verdict = found.guard.judge(act, current())
        span = _start(found, act, verdict)
    except Exception as error:
        return _without(act, error)
    if verdict is not None and verdict.blocks:
        _end_denied(span)
        raise verdict.denial(act)
    return Recorded(act, span, found)


def _inside_itself(act: Act) -> bool:
    """Whether the same call is happening already, seen by an outer wrapper."""
    outer = get_value(_ACTIVE)
    return (
        isinstance(outer, Act)
        and outer.operation == act.operation == "execute_tool"
        and outer.name == act.name
        and outer.arguments == act.arguments
    )


def _without(act: Act, error: Exception) -> Call:
    """What becomes of an act that we cannot handle."""
    if closed_without_runtime():
        warn("call", "auditspan: %s: %s", type(error).__name__, error)
        raise denied(UNRECORDABLE, "it could not be recorded").denial(act) from error
    report("call", error)
    return Unrecorded()


def _start(found: Runtime, act: Act, verdict: Verdict | None) -> Span:
    attributes: dict[str, AttributeValue] = {
        names.GEN_AI_OPERATION_NAME: act.operation,
        **act.attributes,
    }
    if act.name:
        attributes[_NAMED_BY.get(act.operation, names.GEN_AI_TOOL_NAME)] = act.name
    if act.arguments is not None:
        attributes |= _content(found, act, "arguments", act.arguments)
    for name, value in (
        (names.AUDIT_TARGET_TYPE, act.target_type),
        (names.AUDIT_TARGET_ID, act.target_id),
    ):
        if value:
            attributes[name] = value
    if verdict is not None:
        attributes |= verdict.attributes(found.settings.mode)
    return found.tracer.start_span(act.title, kind=SpanKind.INTERNAL, attributes=attributes)


_NAMED_BY = {"invoke_agent": names.GEN_AI_AGENT_NAME}
_CONTENT_NAMES: dict[Content, tuple[str, str]] = {
    "arguments": (names.GEN_AI_TOOL_CALL_ARGUMENTS, names.AUDIT_ARGUMENTS_HASH),
    "results": (names.GEN_AI_TOOL_CALL_RESULT, names.AUDIT_RESULT_HASH),
}


def _content(found: Runtime, act: Act, content: Content, text: str) -> dict[str, AttributeValue]:
    """The attributes of arguments or result."""
    name, hash_name = _CONTENT_NAMES[content]
    attributes: dict[str, AttributeValue] = {}
    captured = act.capture if act.capture is not None else content in found.settings.capture
    if captured:
        attributes[name] = cut(text, found.settings.capture_max_bytes)
    if found.hash_key:
        attributes[hash_name] = content_hash(text, found.hash_key)
    return attributes


def _end_denied(span: Span) -> None:
    span.set_attribute(names.AUDIT_OUTCOME, "denied")
    span.end()


def _qualified(kind: type) -> str:
    """The name of an exception as OpenTelemetry writes it."""
    module = kind.__module__
    return (
        kind.__qualname__ if module in ("builtins", "__main__") else f"{module}.{kind.__qualname__}"
    )
