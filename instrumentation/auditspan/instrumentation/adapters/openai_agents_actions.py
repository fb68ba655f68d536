"""openai-agents: the tools that the SDK runs itself on this machine, beside function tools.

Shell, patches, custom tools and the computer: each has an `…Action.execute`. A denial is the output
that the Responses API has for the kind of call. A computer's output is a picture, in which no
reason can be told: there the denial is raised and ends the run.
"""

from collections.abc import Callable, Mapping
from functools import partial
from typing import Any, Final

from auditspan.instrumentation.act import Act
from auditspan.instrumentation.adapters.adapter import Target, Wrapper
from auditspan.instrumentation.adapters.openai_agents_run import (
    Noted,
    guarded,
    known,
    note_failure,
    noting_error,
)
from auditspan.instrumentation.capture import json_text
from auditspan.instrumentation.chokepoint import Arguments, Chokepoint, Named, Wrapped, refuse
from auditspan.instrumentation.errors import PolicyDenied
from auditspan.instrumentation.result import Result
from auditspan.semconv import attributes as names

NAME: Final = "openai_agents"
_MODULE: Final = "agents.run_internal.tool_actions"
_WRITTEN: Final = ("action", "actions", "operation", "operations", "input")
"""Where a call of one of these kinds has what the model wrote."""


def _shell(reason: str) -> dict[str, Any]:
    failed = {"type": "exit", "exit_code": 1}
    return {
        "type": "shell_call_output",
        "output": [{"stdout": "", "stderr": reason, "outcome": failed}],
    }


def _patch(reason: str) -> dict[str, Any]:
    return {"type": "apply_patch_call_output", "status": "failed", "output": reason}


def _custom(reason: str) -> dict[str, Any]:
    return {"type": "custom_tool_call_output", "output": reason}


def _local_shell(reason: str) -> dict[str, Any]:
    return {"type": "local_shell_call_output", "output": reason}


def describe(field: str, _: object, *, agent: Any, config: Any, **more: Any) -> Act:
    """The call; the tool stands in `field` of what is to be run."""
    run = more.get("call") or more["action"]
    call = run.tool_call
    return Act(
        "execute_tool",
        getattr(run, field).name,
        json_text(_written(call)),
        attributes={names.GEN_AI_TOOL_TYPE: "function"},
        framework=NAME,
        call_id=_of(call, "call_id") or "",
        known=known(agent, config),
    )


def deny(
    output: Callable[[str], dict[str, Any]],
    denied: PolicyDenied,
    _: object,
    *,
    agent: Any,
    call: Any,
    **more: object,
) -> object:
    """The output of a call that was not made."""
    from agents.items import ItemHelpers, ToolCallOutputItem

    raw = {"call_id": _of(call.tool_call, "call_id"), **output(str(denied))}
    copy_caller = getattr(ItemHelpers, "copy_tool_call_caller", None)
    if copy_caller is not None:
        copy_caller(call.tool_call, raw)
    return ToolCallOutputItem(agent=agent, output=str(denied), raw_item=raw)


def read(noted: Noted) -> Result:
    """Without an output, somebody is asked for approval first."""
    if not hasattr(noted.value, "output"):
        return Result(unfinished="pending")
    failed = _of(noted.value.raw_item, "status") == "failed"
    return noted.result(noted.value.output, "tool_error" if failed else "")


def _written(call: Any) -> dict[str, Any]:
    fields = call if isinstance(call, Mapping) else call.model_dump(mode="json", exclude_none=True)
    found = {name: fields[name] for name in _WRITTEN if fields.get(name) is not None}
    only = next(iter(found.values())) if len(found) == 1 else None
    return only if isinstance(only, dict) else found


def _of(value: Any, name: str) -> Any:
    return value.get(name) if isinstance(value, Mapping) else getattr(value, name, None)


def _rejected(wrapped: Wrapped, instance: object, args: Arguments, kwargs: Named) -> object:
    note_failure("approval_rejected")
    return wrapped(*args, **kwargs)


def _around(field: str, output: Callable[[str], dict[str, Any]] | None) -> Wrapper:
    told = refuse if output is None else partial(deny, output)
    return partial(guarded, Chokepoint(NAME, partial(describe, field), told, read))


def _target(action: str, wrapper: Wrapper, versions: str = "") -> Target:
    return Target(_MODULE, action, wrapper, after="agents", versions=versions)


ACTIONS: Final = (
    _target("ShellAction.execute", _around("shell_tool", _shell)),
    _target("LocalShellAction.execute", _around("local_shell_tool", _local_shell)),
    _target("ApplyPatchAction.execute", _around("apply_patch_tool", _patch)),
    _target("ComputerAction.execute", _around("computer_tool", None)),
    _target("CustomToolAction.execute", _around("custom_tool", _custom), versions=">=0.14"),
    _target("format_shell_error", noting_error),
    _target("resolve_approval_rejection_message", _rejected),
)
