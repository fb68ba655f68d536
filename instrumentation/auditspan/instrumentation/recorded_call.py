"""A call with a span: what it was asked, what the guard said, what came of it."""

from contextlib import AbstractContextManager
from dataclasses import dataclass

from opentelemetry.context import Context, attach, detach, get_value, set_value
from opentelemetry.trace import (
    Span,
    Status,
    StatusCode,
    format_span_id,
    get_current_span,
    set_span_in_context,
)
from opentelemetry.util.types import AttributeValue

from auditspan.instrumentation.act import Act
from auditspan.instrumentation.act_span import ActSpan
from auditspan.instrumentation.capture import cut, json_text, short
from auditspan.instrumentation.content_hash import content_hash
from auditspan.instrumentation.guard import Verdict
from auditspan.instrumentation.host import contain
from auditspan.instrumentation.identity import NOBODY, Identity, within
from auditspan.instrumentation.result import Result
from auditspan.instrumentation.runtime import Runtime
from auditspan.instrumentation.same_call import ACTIVE, tie_outer
from auditspan.instrumentation.settings import Content
from auditspan.semconv import attributes as names


@dataclass(frozen=True, slots=True)
class Recorded:
    """An act with a span. It ends once: what is said of it afterwards changes nothing."""

    act: Act
    span: Span
    runtime: Runtime
    verdict: Verdict | None
    identity: Identity
    """Under which everything inside happens."""

    def active(self) -> AbstractContextManager[None, None]:
        """Make it current."""
        context = set_value(ACTIVE, self, set_span_in_context(self.span))
        return _Active(context if self.act.known is NOBODY else within(self.identity, context))

    def succeeded(self, result: object = None) -> None:
        """Record the result."""
        self.returned(Result(result))

    @contain(None)
    def returned(self, result: Result) -> None:
        """Record what came back, which may say that the call failed."""
        found: dict[str, AttributeValue] = {names.AUDIT_OUTCOME: result.outcome}
        try:
            if result.error:
                found[names.ERROR_TYPE] = result.error
                self.span.set_status(
                    Status(StatusCode.ERROR, short(result.message or result.error))
                )
            if result.value is not None and self.act.operation == "execute_tool":
                found |= content(self.runtime, self.act, "results", json_text(result.value))
        finally:
            self.span.set_attributes(found)
            self.span.end()

    @contain(None)
    def failed(self, error: BaseException) -> None:
        """Record the exception."""
        told = Result.of(error)
        try:
            self.span.set_attributes(
                {names.AUDIT_OUTCOME: told.outcome, names.ERROR_TYPE: told.error}
            )
            self.span.record_exception(error)
            self.span.set_status(Status(StatusCode.ERROR, told.message))
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


def active_call() -> Recorded | None:
    """The recorded call that we are inside of."""
    found = get_value(ACTIVE)
    return found if isinstance(found, Recorded) else None


def start(
    runtime: Runtime,
    act: Act,
    identity: Identity,
    verdict: Verdict | None,
    further: dict[str, AttributeValue] | None = None,
) -> Recorded:
    """Begin the record of an act."""
    attributes: dict[str, AttributeValue] = {
        **runtime.own,
        **identity.attributes(),
        **act.attributes,
        **described(runtime, act),
    }
    if verdict is not None:
        attributes |= verdict.attributes(runtime.settings.mode)
    if further:
        attributes |= further
    span = ActSpan(act.title, act.kind, attributes, runtime.place, runtime.durable.on_end)
    tie_outer(get_current_span(), act, span)
    return Recorded(act, span, runtime, verdict, identity)


def intend(recorded: Recorded) -> None:
    """Put a tool call that may happen on disk, if policies decide. Raises SpoolFull."""
    span = recorded.span
    if (
        recorded.runtime.settings.mode == "enforce"
        and recorded.act.operation == "execute_tool"
        and isinstance(span, ActSpan)
    ):
        recorded.runtime.durable.intend(span.so_far())


def nested_in(outer: Recorded) -> dict[str, AttributeValue]:
    """What a hop says of the call that it is a part of."""
    span_id = format_span_id(outer.span.get_span_context().span_id)
    return {names.AUDIT_CALL_NESTED: True, names.AUDIT_CALL_SPAN_ID: span_id}


_NAMED_BY = {"invoke_agent": names.GEN_AI_AGENT_NAME}


def described(runtime: Runtime, act: Act) -> dict[str, AttributeValue]:
    """What an act says of itself."""
    attributes: dict[str, AttributeValue] = {names.GEN_AI_OPERATION_NAME: act.operation}
    if act.name:
        attributes[_NAMED_BY.get(act.operation, names.GEN_AI_TOOL_NAME)] = act.name
    if act.arguments is not None:
        attributes |= content(runtime, act, "arguments", act.arguments)
    if act.target_type:
        attributes[names.AUDIT_TARGET_TYPE] = act.target_type
    if act.target_id:
        attributes[names.AUDIT_TARGET_ID] = act.target_id
    if act.framework:
        attributes[names.AUDIT_AGENT_FRAMEWORK] = act.framework
    if act.call_id:
        attributes[names.GEN_AI_TOOL_CALL_ID] = act.call_id
    return attributes


_CONTENT_NAMES: dict[Content, tuple[str, str]] = {
    "arguments": (names.GEN_AI_TOOL_CALL_ARGUMENTS, names.AUDIT_ARGUMENTS_HASH),
    "results": (names.GEN_AI_TOOL_CALL_RESULT, names.AUDIT_RESULT_HASH),
}


def content(runtime: Runtime, act: Act, kind: Content, text: str) -> dict[str, AttributeValue]:
    """The attributes of arguments or result."""
    name, hash_name = _CONTENT_NAMES[kind]
    attributes: dict[str, AttributeValue] = {}
    captured = act.capture if act.capture is not None else kind in runtime.settings.capture
    if captured:
        attributes[name] = cut(text, runtime.settings.capture_max_bytes)
    if runtime.hash_key:
        attributes[hash_name] = content_hash(text, runtime.hash_key)
    return attributes
