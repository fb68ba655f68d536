"""A call with a span: what it was asked, what the guard said, what came of it."""

from collections.abc import Mapping
from contextlib import AbstractContextManager
from functools import lru_cache
from typing import Final, NamedTuple

from opentelemetry.context import Context, attach, detach, get_current, get_value
from opentelemetry.trace import (
    INVALID_SPAN,
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
from auditspan.instrumentation.said import NOTHING, Alike, Said
from auditspan.instrumentation.same_call import ACTIVE, tie_outer
from auditspan.instrumentation.settings import Content
from auditspan.semconv import attributes as names

_NAMED_BY: Final = {"invoke_agent": names.GEN_AI_AGENT_NAME}
[_CURRENT_SPAN] = set_span_in_context(INVALID_SPAN, Context())
"""The key of the current span, which the API has only a function for: it copies the context."""
_TEXT: Final = {str}
_Pairs = tuple[tuple[str, AttributeValue], ...]


class Recorded(NamedTuple):
    """An act with a span. It ends once: what is said of it afterwards changes nothing."""

    act: Act
    span: ActSpan
    runtime: Runtime
    verdict: Verdict | None
    identity: Identity
    """Under which everything inside happens."""

    def active(self) -> AbstractContextManager[None, None]:
        """Make it current."""
        context = Context({**get_current(), _CURRENT_SPAN: self.span, ACTIVE: self})
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
    said = _said(runtime, act, identity, verdict, further or {})
    outer = get_current_span()
    span = ActSpan(act.title, act.kind, said, runtime.place, runtime.durable.act_ended, outer)
    if outer is not INVALID_SPAN:
        tie_outer(outer, act, span)
    return Recorded(act, span, runtime, verdict, identity)


def _said(
    runtime: Runtime,
    act: Act,
    identity: Identity,
    verdict: Verdict | None,
    further: Mapping[str, AttributeValue],
) -> Said:
    """What it says before it happens. Of two values the later one holds, in the order below."""
    told: dict[str, AttributeValue] = {**described(runtime, act), **further}
    claimed, own = identity.attributes(), runtime.own
    if claimed:
        own = {name: value for name, value in own.items() if name not in claimed}
    alike = _alike_of(own, act, verdict, runtime.settings.mode)
    fresh = {**claimed, **told} if claimed else told
    if alike.values.keys().isdisjoint(fresh):
        return Said(alike, fresh)
    return Said(NOTHING, {**claimed, **alike.values, **told})


def _alike_of(own: Mapping[str, str], act: Act, verdict: Verdict | None, mode: str) -> Alike:
    given = tuple(act.attributes.items())
    texts = {*map(type, act.attributes.values())} <= _TEXT
    # To a cache, 1 and True are the same; and a list may change.
    make = _alike if texts else _alike.__wrapped__
    return make(tuple(own.items()), given, act.operation, act.name, act.framework, verdict, mode)


@lru_cache(maxsize=1024)
def _alike(
    own: _Pairs,
    given: _Pairs,
    operation: str,
    name: str,
    framework: str,
    verdict: Verdict | None,
    mode: str,
) -> Alike:
    """What the calls of one tool with one verdict have alike."""
    attributes: dict[str, AttributeValue] = {**dict(own), **dict(given)}
    attributes[names.GEN_AI_OPERATION_NAME] = operation
    if name:
        attributes[_NAMED_BY.get(operation, names.GEN_AI_TOOL_NAME)] = name
    if framework:
        attributes[names.AUDIT_AGENT_FRAMEWORK] = framework
    if verdict is not None:
        attributes |= verdict.attributes(mode)
    return Alike.of(attributes)


def intend(recorded: Recorded) -> None:
    """Put a tool call that may happen on disk, if policies decide. Raises SpoolFull."""
    found = recorded.runtime
    if found.settings.mode == "enforce" and recorded.act.operation == "execute_tool":
        found.durable.intend(recorded.span)


def nested_in(outer: Recorded) -> dict[str, AttributeValue]:
    """What a hop says of the call that it is a part of."""
    span_id = format_span_id(outer.span.get_span_context().span_id)
    return {names.AUDIT_CALL_NESTED: True, names.AUDIT_CALL_SPAN_ID: span_id}


def described(runtime: Runtime, act: Act) -> dict[str, AttributeValue]:
    """What an act says of itself, besides what all calls of the tool say."""
    attributes: dict[str, AttributeValue] = {}
    if act.arguments is not None:
        attributes |= content(runtime, act, "arguments", act.arguments)
    if act.target_type:
        attributes[names.AUDIT_TARGET_TYPE] = act.target_type
    if act.target_id:
        attributes[names.AUDIT_TARGET_ID] = act.target_id
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
