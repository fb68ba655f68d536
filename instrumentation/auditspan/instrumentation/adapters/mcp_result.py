"""What MCP says of a tool call that ended, read and written alike for client and server.

Version 1 of the SDK has `isError` where 2 has `is_error`; on the wire both are the former.
https://modelcontextprotocol.io/specification/2025-11-25/server/tools#tool-result
"""

from typing import Any, Final

from auditspan.instrumentation.errors import PolicyDenied
from auditspan.instrumentation.result import Result
from auditspan.semconv import attributes as names

METHOD: Final = {names.MCP_METHOD_NAME: "tools/call"}
"""Of every record."""


def denial(denied: PolicyDenied) -> Any:
    """A `CallToolResult` by which the model sees the reason; the transport tells of no error."""
    from mcp.types import CallToolResult

    text = {"type": "text", "text": str(denied)}
    return CallToolResult.model_validate({"content": [text], "isError": True})


def read(result: Any) -> Result:
    """The content, both kinds of it; without any, the result comes with another request.

    `tool_error` is what OpenTelemetry's conventions say where the tool failed.
    """
    found = getattr(result, "root", result)
    wire = found if isinstance(found, dict) else _on_the_wire(found)
    content = {name: wire[name] for name in ("content", "structuredContent") if wire.get(name)}
    if "content" not in wire:
        return Result(unfinished="pending")
    return Result(content, "tool_error" if wire.get("isError") else "")


def _on_the_wire(result: Any) -> Any:
    return result.model_dump(mode="json", by_alias=True, exclude_none=True)
