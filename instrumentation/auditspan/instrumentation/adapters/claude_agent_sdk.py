"""claude-agent-sdk: every tool of Claude Code, by hooks that the SDK registers with it.

The tools run in Claude Code's own process, or in this one if they are MCP tools of the program.
`PreToolUse` comes before each: a denial is its decision `deny`, whose reason the model reads. Where
the guard fails closed, a hook that fails blocks the call. `PostToolUse` and `PostToolUseFailure`
tell what came of it; a call that Claude Code or its user refuses afterwards ends as `unknown`.
https://docs.claude.com/en/docs/claude-code/hooks
"""

from collections.abc import Awaitable, Callable, Mapping
from typing import Any, Final

from auditspan.instrumentation.act import Act
from auditspan.instrumentation.adapters.adapter import Adapter, Target
from auditspan.instrumentation.capture import json_text
from auditspan.instrumentation.demands import fails_closed
from auditspan.instrumentation.errors import PolicyDenied
from auditspan.instrumentation.host import contain
from auditspan.instrumentation.identity import Identity
from auditspan.instrumentation.pairs import Pairs
from auditspan.instrumentation.result import Result
from auditspan.semconv import attributes as names

NAME: Final = "claude_agent_sdk"
Told = Mapping[str, Any]
"""What Claude Code tells a hook, and what it tells a server."""
_pairs: Final = Pairs(NAME)


def describe(told: Told) -> Act:
    """The call. A tool of an MCP server has the server before its name: `mcp__server__tool`."""
    server, name = "", told["tool_name"]
    if name.startswith("mcp__") and name.count("__") > 1:
        _, server, name = name.split("__", 2)
    attributes = {names.GEN_AI_TOOL_TYPE: "function"}
    if server:
        attributes[names.AUDIT_TOOL_SERVER] = server
    return Act(
        "execute_tool",
        name,
        json_text(told["tool_input"]),
        attributes=attributes,
        framework=NAME,
        call_id=told["tool_use_id"],
        known=Identity(
            session=told.get("session_id") or "",
            # Of the main agent, it is the program that says who it is.
            agent_name=(told.get("agent_type") or "") if told.get("agent_id") else "",
        ),
    )


async def before(told: Told, tool_use_id: str | None, context: object) -> dict[str, object]:
    """Before a tool runs."""
    try:
        _pairs.begin(tool_use_id or "", lambda: describe(told))
    except PolicyDenied as denied:
        return {
            "hookSpecificOutput": {
                "hookEventName": "PreToolUse",
                "permissionDecision": "deny",
                "permissionDecisionReason": str(denied),
            }
        }
    return {}


async def after(told: Told, tool_use_id: str | None, context: object) -> dict[str, object]:
    """After it ended."""
    _ended(told, tool_use_id or "")
    return {}


@contain(None)
def _ended(told: Told, tool_use_id: str) -> None:
    if told["hook_event_name"] == "PostToolUseFailure":
        _pairs.finish(tool_use_id, Result(error="tool_error", message=told["error"]))
    else:
        _pairs.finish(tool_use_id, Result(told["tool_response"]))


def hook(
    wrapped: Callable[..., Any], instance: object, args: tuple[Any, ...], kwargs: Mapping[str, Any]
) -> Any:
    """Register our hooks before those of the program."""
    guard: dict[str, object] = {"matcher": None, "hooks": [before]}
    if fails_closed():
        guard["on_failure"] = "block"
    told = {"matcher": None, "hooks": [after]}
    ours = {"PreToolUse": guard, "PostToolUse": told, "PostToolUseFailure": told}
    hooks = dict(kwargs.get("hooks") or {})
    for event, matcher in ours.items():
        hooks[event] = [matcher, *hooks.get(event, ())]
    return wrapped(*args, **{**kwargs, "hooks": hooks})


async def inside(
    wrapped: Callable[..., Awaitable[Any]],
    instance: object,
    args: tuple[Any, ...],
    kwargs: Mapping[str, Any],
) -> Any:
    """A server of the program runs the tool: what happens there is below the call."""
    with _pairs.active(_identifier(args)):
        return await wrapped(*args, **kwargs)


def _identifier(args: tuple[Any, ...]) -> str:
    """Claude Code says with each call of a server which one it is."""
    message = args[-1] if args and isinstance(args[-1], Mapping) else {}
    meta = (message.get("params") or {}).get("_meta") or {}
    return str(meta.get("claudecode/toolUseId", ""))


_MODULE: Final = "claude_agent_sdk._internal.query"
ADAPTER: Final = Adapter(
    name=NAME,
    distribution="claude-agent-sdk",
    tested=">=0.2.120,<0.3",
    targets=(
        Target(_MODULE, "Query.__init__", hook),
        Target(_MODULE, "Query._handle_sdk_mcp_request", inside),
    ),
)
