"""openai: the functions that its tool runners for responses call.

A denial is the call's output, which the model reads: an exception would end the runner. Loops that
people write around `chat.completions` or `responses` call tools themselves; `@tool` guards those.
"""

import json
from collections.abc import Mapping
from typing import Any, Final

from auditspan.instrumentation.act import Act
from auditspan.instrumentation.adapters.adapter import Adapter, Target
from auditspan.instrumentation.capture import json_text
from auditspan.instrumentation.chokepoint import Chokepoint
from auditspan.instrumentation.errors import PolicyDenied
from auditspan.instrumentation.identity import Identity
from auditspan.instrumentation.result import Result
from auditspan.semconv import attributes as names

NAME: Final = "openai"


def describe(runner: object, run: Any, item: Any) -> Act:
    """The call as the model wrote it, and for whom the program makes its requests."""
    return Act(
        "execute_tool",
        item.name,
        json_text(json.loads(item.arguments)) if item.arguments else "{}",
        attributes={names.GEN_AI_TOOL_TYPE: "function"},
        framework=NAME,
        call_id=item.call_id,
        known=_known(run.request),
    )


def deny(denied: PolicyDenied, runner: object, run: Any, item: Any) -> object:
    """The output of the call."""
    return {"type": "function_call_output", "call_id": item.call_id, "output": str(denied)}


def read(result: Any) -> Result:
    """What the model gets to see of the function's output."""
    return Result(result["output"])


def _known(request: Mapping[str, Any]) -> Identity:
    """https://platform.openai.com/docs/api-reference/responses/create"""
    conversation = request.get("conversation")
    if isinstance(conversation, Mapping):
        conversation = conversation.get("id")
    user = request.get("safety_identifier") or request.get("user")
    return Identity(user=_text(user), conversation=_text(conversation))


def _text(value: object) -> str:
    """Anything else stands for a parameter that is left out."""
    return value if isinstance(value, str) else ""


_POINT: Final = Chokepoint(NAME, describe, deny, read)
_MODULE: Final = "openai.lib.responses_tool_runner"
ADAPTER: Final = Adapter(
    name=NAME,
    distribution="openai",
    tested=">=3.31,<4",
    # Before, it had no runner.
    calls_tools=">=3.31",
    targets=(
        Target(_MODULE, "ResponsesToolRunner._execute_function", _POINT.around),
        Target(_MODULE, "AsyncResponsesToolRunner._execute_function", _POINT.around_async),
    ),
)
