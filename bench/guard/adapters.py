"""One call of a tool through each framework's own function, guarded if the adapter is in place.

Measured without the guard, then with it, each made anew; the difference is what the guard costs
there. A framework that is not installed is left out.
"""

import asyncio
import json
from collections.abc import Callable, Coroutine, Mapping
from typing import Any

Call = Callable[[], object]
GIVEN = {"order_id": "W-4211"}


def get_order(order_id: str) -> str:
    """Read one."""
    return f"{order_id} is shipped"


def _anthropic() -> Call:
    from anthropic import beta_tool

    tool = beta_tool(get_order)
    return lambda: tool.call(dict(GIVEN))


def _claude_agent_sdk() -> Call:
    """What Claude Code asks the program for at a call of a tool of its own: hooks, if any."""
    from claude_agent_sdk._internal.query import Query

    claude = _ClaudeCode()
    claude.query = query = Query(claude, is_streaming_mode=True)
    _LOOP.run_until_complete(query.initialize())
    told = {
        "session_id": "s-1",
        "tool_name": "get_order",
        "tool_input": GIVEN,
        "tool_use_id": "call_1",
        "tool_response": get_order(**GIVEN),
    }
    asked = [
        {
            "request_id": "r-1",
            "request": {
                "subtype": "hook_callback",
                "callback_id": callback,
                "tool_use_id": "call_1",
                "input": {**told, "hook_event_name": event},
            },
        }
        for event in ("PreToolUse", "PostToolUse")
        for callback in claude.callbacks.get(event, ())
    ]

    async def call() -> None:
        for request in asked:
            await query._handle_control_request(request)

    return _awaited(call)


class _ClaudeCode:
    """The other end of the SDK's transport: takes every answer, and knows which hooks there are."""

    def __init__(self) -> None:
        self.query: Any = None
        self.callbacks: dict[str, list[str]] = {}

    async def write(self, data: str) -> None:
        said = json.loads(data)
        if said["type"] == "control_request":
            for event, matchers in (said["request"]["hooks"] or {}).items():
                self.callbacks[event] = [i for each in matchers for i in each["hookCallbackIds"]]
            answer = {"response": {"hook_on_failure_supported": True}}
            self.query.pending_control_results[said["request_id"]] = answer
            self.query.pending_control_responses[said["request_id"]].set()


def _fastmcp() -> Call:
    from fastmcp import Client, FastMCP

    server = FastMCP("shop")
    server.tool(get_order)
    client = Client(server)
    _LOOP.run_until_complete(client.__aenter__())
    return _awaited(lambda: client.call_tool("get_order", dict(GIVEN)))


def _google_genai() -> Call:
    from google.genai import _extra_utils as utils

    return lambda: utils.invoke_function_from_dict_args(dict(GIVEN), get_order)


def _langchain() -> Call:
    from langchain_core.tools import tool

    made = tool(get_order)
    return lambda: made.run(dict(GIVEN), tool_call_id="call_1")


def _openai() -> Call:
    from openai.lib import responses_tool_runner as runner
    from openai.types.responses import ResponseFunctionToolCall

    declared: Any = {
        "type": "function",
        "name": "get_order",
        "parameters": {"type": "object", "properties": {"order_id": {"type": "string"}}},
        "strict": False,
    }
    function = runner.RegisteredFunction(declared, lambda given: get_order(str(given["order_id"])))
    made = runner.ResponsesToolRunner(functions=[function])
    asked: Any = {"model": "m", "input": "where is my order?"}
    run = runner._Run(asked, [declared], made._functions, None, False, False, None)
    run.arguments = {"call_1": dict(GIVEN)}
    item = ResponseFunctionToolCall(
        type="function_call", name="get_order", call_id="call_1", arguments=json.dumps(GIVEN)
    )
    return lambda: made._execute_function(run, item)


def _openai_agents() -> Call:
    from agents.tool_context import ToolContext

    from agents import tool as sdk

    made = sdk.function_tool(get_order)
    text = '{"order_id": "W-4211"}'

    async def call() -> object:
        context = ToolContext(
            None, tool_name="get_order", tool_call_id="call_1", tool_arguments=text
        )
        return await sdk._invoke_function_tool_with_metadata(
            function_tool=made, context=context, arguments=text
        )

    return _awaited(call)


def _mcp() -> Call:
    from mcp import Client
    from mcp.server import MCPServer

    server = MCPServer("shop")
    server.tool()(get_order)
    client = Client(server)
    _LOOP.run_until_complete(client.__aenter__())
    return _awaited(lambda: client.call_tool("get_order", dict(GIVEN)))


_LOOP = asyncio.new_event_loop()


def _awaited(call: Callable[[], Coroutine[Any, Any, object]]) -> Call:
    return lambda: _LOOP.run_until_complete(call())


ADAPTERS: Mapping[str, Callable[[], Call]] = {
    "anthropic": _anthropic,
    "claude_agent_sdk, without Claude Code": _claude_agent_sdk,
    "fastmcp, client and server in memory": _fastmcp,
    "google_genai": _google_genai,
    "langchain": _langchain,
    "mcp_client and mcp_server, in memory": _mcp,
    "openai": _openai,
    "openai_agents": _openai_agents,
}
"""By framework."""
