"""One call of a tool through each framework's own function, guarded if the adapter is in place.

Measured without the guard, then with it; the difference is what the guard costs there. A framework
that is not installed is left out.
"""

import asyncio
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


def _google_genai() -> Call:
    from google.genai import _extra_utils as utils

    return lambda: utils.invoke_function_from_dict_args(dict(GIVEN), get_order)


def _langchain() -> Call:
    from langchain_core.tools import tool

    made = tool(get_order)
    return lambda: made.run(dict(GIVEN), tool_call_id="call_1")


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
    "google_genai": _google_genai,
    "langchain": _langchain,
    "openai_agents": _openai_agents,
    "mcp_client and mcp_server, in memory": _mcp,
}
"""By framework."""
