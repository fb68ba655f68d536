"""anthropic: the tools that its tool runners call, by `call` of each kind of tool.

A denial is the library's `ToolError`: the model gets its words as a result that is an error. Where
there is no `ToolError` yet, any exception is told to the model, with its name before the words.
"""

from collections.abc import Awaitable, Callable, Mapping
from contextvars import ContextVar
from typing import Any, Final

from auditspan.instrumentation.act import Act
from auditspan.instrumentation.adapters.adapter import Adapter, Target
from auditspan.instrumentation.capture import json_text
from auditspan.instrumentation.chokepoint import Chokepoint
from auditspan.instrumentation.errors import PolicyDenied
from auditspan.instrumentation.result import Result
from auditspan.semconv import attributes as names

NAME: Final = "anthropic"
_call_id: ContextVar[str] = ContextVar("auditspan-anthropic-call-id", default="")


def describe(tool: Any, input: object) -> Act:
    """The call; its identifier is known if a runner of messages makes it."""
    return Act(
        "execute_tool",
        tool.name,
        json_text(input),
        attributes={names.GEN_AI_TOOL_TYPE: "function"},
        framework=NAME,
        call_id=_call_id.get(),
    )


def deny(denied: PolicyDenied, *_: object) -> object:
    """The runner catches this and tells the model."""
    try:
        from anthropic.lib.tools import ToolError
    except ImportError:
        raise denied from None
    raise ToolError(str(denied)) from denied


def describe_member(runner: object, tool_use: Any) -> Act:
    """A call of one tool of a toolset, such as a browser."""
    return Act(
        "execute_tool",
        tool_use.name,
        json_text(tool_use.input),
        attributes={names.GEN_AI_TOOL_TYPE: "function"},
        framework=NAME,
        call_id=tool_use.id,
    )


def deny_member(denied: PolicyDenied, runner: object, tool_use: Any) -> object:
    """What the runner sends to the model as the result."""
    return {
        "type": "tool_result",
        "tool_use_id": tool_use.id,
        "content": str(denied),
        "is_error": True,
    }


def read_member(result: Any) -> Result:
    """The content of the result that is sent."""
    return Result(result.get("content"), "tool_error" if result.get("is_error") else "")


def remember(
    wrapped: Callable[..., Any], instance: object, args: tuple[Any, ...], kwargs: Mapping[str, Any]
) -> Any:
    """Keep the identifier of the call that a runner makes."""
    token = _call_id.set(_identifier(args))
    try:
        return wrapped(*args, **kwargs)
    finally:
        _call_id.reset(token)


async def remember_async(
    wrapped: Callable[..., Awaitable[Any]],
    instance: object,
    args: tuple[Any, ...],
    kwargs: Mapping[str, Any],
) -> Any:
    """The same for a coroutine function."""
    token = _call_id.set(_identifier(args))
    try:
        return await wrapped(*args, **kwargs)
    finally:
        _call_id.reset(token)


def _identifier(args: tuple[Any, ...]) -> str:
    return str(getattr(args[-1], "id", "")) if args else ""


_POINT: Final = Chokepoint(NAME, describe, deny)
_MEMBER: Final = Chokepoint(NAME, describe_member, deny_member, read_member)
_FUNCTIONS: Final = "anthropic.lib.tools._beta_functions"
_MEMORY: Final = "anthropic.lib.tools._beta_builtin_memory_tool"
_RUNNER: Final = "anthropic.lib.tools._beta_runner"
ADAPTER: Final = Adapter(
    name=NAME,
    distribution="anthropic",
    tested=">=0.68,<3",
    targets=(
        Target(_FUNCTIONS, "BetaFunctionTool.call", _POINT.around),
        Target(_FUNCTIONS, "BetaAsyncFunctionTool.call", _POINT.around_async),
        Target(_MEMORY, "BetaAbstractMemoryTool.call", _POINT.around, versions=">=0.69"),
        Target(_MEMORY, "BetaAsyncAbstractMemoryTool.call", _POINT.around_async, versions=">=0.69"),
        Target(_RUNNER, "BaseSyncToolRunner._run_tool", remember, versions=">=1.10"),
        Target(_RUNNER, "BaseAsyncToolRunner._run_tool", remember_async, versions=">=1.10"),
        Target(_RUNNER, "BaseSyncToolRunner._run_toolset_member", _MEMBER.around, versions=">=2"),
        Target(
            _RUNNER,
            "BaseAsyncToolRunner._run_toolset_member",
            _MEMBER.around_async,
            versions=">=2",
        ),
    ),
    # Before, it had no runner.
    calls_tools=">=0.68",
)
