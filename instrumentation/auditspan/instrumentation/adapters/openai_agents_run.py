"""What openai-agents knows around a call: the conversation, and exceptions of which it makes texts.

A run's session or conversation is an argument of the runner and is not handed to tools; what a tool
raises becomes words for the model. Both are kept in context variables while the run, or the call,
goes on.
"""

from collections.abc import Awaitable, Callable
from contextvars import ContextVar
from dataclasses import dataclass, field
from typing import Any, Final

from auditspan.instrumentation.adapters.adapter import Target
from auditspan.instrumentation.chokepoint import Arguments, Chokepoint, Named, Wrapped
from auditspan.instrumentation.identity import Identity
from auditspan.instrumentation.result import Result

_CONVERSATION: Final = ContextVar("auditspan-openai-agents-conversation", default="")


@dataclass(frozen=True, slots=True)
class Noted:
    """What came of a call, and what was raised on the way."""

    value: Any = None
    errors: list[tuple[str, str]] = field(default_factory=list)
    """Type and words, the first first."""

    def result(self, value: object, otherwise: str = "") -> Result:
        """The value, a failure if something was raised, else by what the value says."""
        error, message = self.errors[0] if self.errors else (otherwise, "")
        return Result(value, error, message)


_NOTED: Final[ContextVar[Noted | None]] = ContextVar("auditspan-openai-agents-noted", default=None)


async def guarded(
    point: Chokepoint, wrapped: Wrapped, instance: object, args: Arguments, kwargs: Named
) -> object:
    """One call through a chokepoint whose `read` gets a Noted."""

    async def noting(*args: object, **kwargs: object) -> Noted:
        noted = Noted()
        token = _NOTED.set(noted)
        try:
            return Noted(await wrapped(*args, **kwargs), noted.errors)
        finally:
            _NOTED.reset(token)

    came = await point.around_async(noting, instance, args, kwargs)
    return came.value if isinstance(came, Noted) else came


def note(error: BaseException) -> None:
    """Something was raised in the call that we are inside of."""
    told = Result.of(error)
    note_failure(told.error, told.message)


def noting_error(wrapped: Wrapped, instance: object, args: Arguments, kwargs: Named) -> object:
    """Around what makes a text of an exception."""
    error = args[0] if args else kwargs.get("error")
    if isinstance(error, BaseException):
        note(error)
    return wrapped(*args, **kwargs)


def note_failure(kind: str, words: str = "") -> None:
    """Something else went wrong in it."""
    noted = _NOTED.get()
    if noted is not None:
        noted.errors.append((kind, words))


def known(agent: Any, config: Any) -> Identity:
    """Agent and conversation, from the run's session before the group of its traces."""
    from agents.tracing import get_current_trace

    group = getattr(config, "group_id", None) or getattr(get_current_trace(), "group_id", None)
    return Identity(
        conversation=_CONVERSATION.get() or group or "", agent_name=getattr(agent, "name", "")
    )


async def _run(
    wrapped: Callable[..., Awaitable[object]], instance: object, args: Arguments, kwargs: Named
) -> object:
    token = _CONVERSATION.set(_conversation(kwargs))
    try:
        return await wrapped(*args, **kwargs)
    finally:
        _CONVERSATION.reset(token)


def _run_streamed(wrapped: Wrapped, instance: object, args: Arguments, kwargs: Named) -> object:
    # Its task starts within and keeps the context.
    token = _CONVERSATION.set(_conversation(kwargs))
    try:
        return wrapped(*args, **kwargs)
    finally:
        _CONVERSATION.reset(token)


def _conversation(kwargs: Named) -> str:
    """Of this run; that of the outer one if it is an agent's run as a tool."""
    found = kwargs.get("conversation_id") or getattr(kwargs.get("session"), "session_id", None)
    return str(found) if found else _CONVERSATION.get()


RUNS: Final = (
    Target("agents.run", "AgentRunner.run", _run, after="agents"),
    Target("agents.run", "AgentRunner.run_streamed", _run_streamed, after="agents"),
)
