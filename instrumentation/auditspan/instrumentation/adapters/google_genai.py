"""google-genai: functions that it calls by itself ("automatic function calling").

A denial is raised: the library makes a function response with `error` of it, which the model reads.
Tools of an MCP session go through the session, which has its own guard.
"""

from collections.abc import Callable, Mapping
from typing import Any, Final

from auditspan.instrumentation.act import Act
from auditspan.instrumentation.adapters.adapter import Adapter, Target
from auditspan.instrumentation.capture import json_text
from auditspan.instrumentation.chokepoint import Chokepoint
from auditspan.instrumentation.result import Result
from auditspan.semconv import attributes as names

NAME: Final = "google_genai"


def describe(_: object, args: Mapping[str, Any], function_to_invoke: Callable[..., Any]) -> Act:
    """The call with what the model wrote; this API gives no identifier to it."""
    return Act(
        "execute_tool",
        function_to_invoke.__name__,
        json_text(args),
        attributes={names.GEN_AI_TOOL_TYPE: "function"},
        framework=NAME,
    )


def raised(error: BaseException) -> Result | None:
    """The library wraps what a function raises; the record names that."""
    inner = error.__context__
    if inner is None or type(error).__name__ != "FunctionInvocationError":
        return None
    return Result.of(inner)


_POINT: Final = Chokepoint(NAME, describe, raised=raised)
_MODULE: Final = "google.genai._extra_utils"
ADAPTER: Final = Adapter(
    name=NAME,
    distribution="google-genai",
    tested=">=1.11,<4",
    targets=(
        Target(_MODULE, "invoke_function_from_dict_args", _POINT.around),
        Target(
            _MODULE, "invoke_function_from_dict_args_async", _POINT.around_async, versions=">=1.11"
        ),
    ),
)
