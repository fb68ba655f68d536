"""langchain-core: every tool, by `BaseTool.run` and `arun`; so `ToolNode`, LangGraph, create_agent.

A denial of a call that the model made is the tool's message with status `error`. It is not raised:
a `ToolNode` would raise it again and the agent would end. Without a call's id nobody waits for a
message, and the denial is the tool's `ToolException`.
"""

import sys
from collections.abc import Iterable, Mapping
from typing import Any, Final

from auditspan.instrumentation.act import Act
from auditspan.instrumentation.adapters.adapter import Adapter, Target
from auditspan.instrumentation.capture import json_text
from auditspan.instrumentation.chokepoint import Chokepoint
from auditspan.instrumentation.errors import PolicyDenied
from auditspan.instrumentation.identity import NOBODY, Identity
from auditspan.instrumentation.result import Result
from auditspan.semconv import attributes as names

NAME: Final = "langchain"


def describe(
    tool: Any,
    tool_input: str | dict[str, Any],
    *_: object,
    config: Mapping[str, Any] | None = None,
    tool_call_id: str | None = None,
    **__: object,
) -> Act:
    """The call, with what the model wrote and nothing that the framework adds to it."""
    if isinstance(tool_input, str):
        # As the framework does: the text is the first argument.
        given: dict[str, Any] = {next(iter(tool.args), "input"): tool_input}
    else:
        given = tool._filter_injected_args(tool_input)
    return Act(
        "execute_tool",
        tool.name,
        json_text(given),
        attributes={names.GEN_AI_TOOL_TYPE: "function"},
        framework=NAME,
        call_id=tool_call_id or "",
        known=_known(config) if config else NOBODY,
    )


def deny(
    denied: PolicyDenied,
    tool: Any,
    *_: object,
    tool_call_id: str | None = None,
    **__: object,
) -> object:
    """Tell the model, or whoever called the tool without one."""
    from langchain_core.messages import ToolMessage
    from langchain_core.tools import ToolException

    if tool_call_id is not None:
        return ToolMessage(str(denied), name=tool.name, tool_call_id=tool_call_id, status="error")
    if tool.handle_tool_error:
        return str(denied)
    raise ToolException(str(denied)) from denied


def read(result: Any) -> Result:
    """What the model gets to see; its words of a failure are kept as results are."""
    failed = any(getattr(each, "status", "") == "error" for each in _messages(result))
    value = result.content if getattr(result, "type", "") == "tool" else result
    return Result(value, "tool_error" if failed else "")


def raised(error: BaseException) -> Result | None:
    """`interrupt()` asks somebody; the tool runs again from its start when the answer is there."""
    interrupt = getattr(sys.modules.get("langgraph.errors"), "GraphInterrupt", ())
    return Result(unfinished="pending") if isinstance(error, interrupt) else None


def _messages(result: Any) -> Iterable[Any]:
    """The messages of a result: it is one, or a `Command` with some, or a list of both."""
    parts = result if isinstance(result, list) else [result]
    for part in parts:
        update = getattr(part, "update", None)
        yield from update.get("messages", ()) if isinstance(update, dict) else (part,)


def _known(config: Mapping[str, Any]) -> Identity:
    configurable = config.get("configurable") or {}
    metadata = config.get("metadata") or {}
    # Whom the LangGraph server has authenticated, else whom the program names.
    server = getattr(configurable.get("langgraph_auth_user"), "identity", None)
    return Identity(
        user=_text(server or metadata.get("user_id")),
        conversation=_text(configurable.get("thread_id")),
        agent_name=_text(metadata.get("lc_agent_name")),
    )


def _text(value: object) -> str:
    """An identifier; a UUID is one, too."""
    return "" if value is None else str(value)


_POINT: Final = Chokepoint(NAME, describe, deny, read, raised)
ADAPTER: Final = Adapter(
    name=NAME,
    distribution="langchain-core",
    tested=">=1.0.7,<2",
    targets=(
        # Older ones cannot tell injected arguments from the model's.
        Target("langchain_core.tools.base", "BaseTool.run", _POINT.around, versions=">=1.0.7"),
        Target(
            "langchain_core.tools.base", "BaseTool.arun", _POINT.around_async, versions=">=1.0.7"
        ),
    ),
)
