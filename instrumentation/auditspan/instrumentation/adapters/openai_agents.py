"""openai-agents: every function tool, those of MCP servers and agents as tools among them.

The guard is around the SDK's own call of a tool, behind its guardrails and approvals. A denial is
the tool's output, in the way of `ToolGuardrailFunctionOutput.reject_content`. The tools that the
SDK runs itself are in `openai_agents_actions`.
"""

import json
from functools import partial
from typing import Any, Final

from opentelemetry.util.types import AttributeValue

from auditspan.instrumentation.act import Act
from auditspan.instrumentation.adapters.adapter import Adapter, Target
from auditspan.instrumentation.adapters.openai_agents_actions import ACTIONS, NAME
from auditspan.instrumentation.adapters.openai_agents_run import (
    RUNS,
    Noted,
    guarded,
    known,
    note,
    noting_error,
)
from auditspan.instrumentation.capture import json_text
from auditspan.instrumentation.chokepoint import Arguments, Chokepoint, Named, Wrapped
from auditspan.instrumentation.errors import PolicyDenied
from auditspan.instrumentation.result import Result
from auditspan.semconv import attributes as names

_OLD: Final = "<0.19"
_NEW: Final = ">=0.19"
"""Since then the SDK tells its own texts from those of tools."""


def describe(_: object, *, function_tool: Any, context: Any, arguments: str) -> Act:
    """The call; of an MCP tool under the server's name for it, so that the hop is the same call."""
    binding = getattr(function_tool, "_mcp_tool_binding", None)
    attributes: dict[str, AttributeValue] = {names.GEN_AI_TOOL_TYPE: "function"}
    if binding:
        attributes[names.AUDIT_TOOL_SERVER] = binding[0]
    return Act(
        "execute_tool",
        binding[1] if binding else _qualified(function_tool, context),
        _object(arguments),
        attributes=attributes,
        framework=NAME,
        call_id=context.tool_call_id,
        known=known(context.agent, context.run_config),
    )


def deny(denied: PolicyDenied, *_: object, **__: object) -> object:
    """A text of the SDK, so that it is not held to the schema of the tool's output."""
    from agents.tool import _FunctionToolInvocationResult

    return _FunctionToolInvocationResult(str(denied), is_sdk_generated_error=True)


def deny_old(denied: PolicyDenied, *_: object, **__: object) -> object:
    """The output itself."""
    return str(denied)


def read(noted: Noted) -> Result:
    """What the model gets to see."""
    failed = noted.value.is_sdk_generated_error
    return noted.result(noted.value.output, "tool_error" if failed else "")


def read_old(noted: Noted) -> Result:
    """The same."""
    return noted.result(noted.value)


def _qualified(function_tool: Any, context: Any) -> str:
    """Its name, with that of its namespace if it has one."""
    name: str = getattr(context, "qualified_tool_name", "") or function_tool.name
    return name


def _object(arguments: str) -> str:
    """Arguments as the model wrote them, if it wrote an object; else the tool will refuse them."""
    try:
        given = json.loads(arguments or "{}")
    except ValueError:
        given = None
    return (arguments or "{}") if isinstance(given, dict) else json_text({"input": arguments})


def _late(wrapped: Wrapped, instance: Any, args: Arguments, kwargs: Named) -> object:
    """A tool did not end in time."""
    made = wrapped(*args, **kwargs)
    note(instance)
    return made


_AROUND: Final = partial(guarded, Chokepoint(NAME, describe, deny, read))
_AROUND_OLD: Final = partial(guarded, Chokepoint(NAME, describe, deny_old, read_old))
_EXECUTION: Final = "agents.run_internal.tool_execution"
_INVOKE: Final = "_invoke_function_tool_with_metadata"
_INVOKE_OLD: Final = "invoke_function_tool"
ADAPTER: Final = Adapter(
    name=NAME,
    distribution="openai-agents",
    tested=">=0.10.5,<0.25",
    targets=(
        # Each module has a name of its own for it, and is imported with the package.
        Target("agents.tool", _INVOKE, _AROUND, after="agents", versions=_NEW),
        Target(_EXECUTION, _INVOKE, _AROUND, after="agents", versions=_NEW),
        Target("agents.tool", _INVOKE_OLD, _AROUND_OLD, after="agents", versions=_OLD),
        Target(_EXECUTION, _INVOKE_OLD, _AROUND_OLD, after="agents", versions=_OLD),
        Target(
            "agents.tool",
            "maybe_invoke_function_tool_failure_error_function",
            noting_error,
            after="agents",
        ),
        Target("agents.exceptions", "ToolTimeoutError.__init__", _late, after="agents"),
        *ACTIONS,
        *RUNS,
    ),
)
