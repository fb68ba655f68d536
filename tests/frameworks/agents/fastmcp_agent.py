"""FastMCP: its client's guard by `http` and `stdio`, its server's by `server`.

A server of its own process has no guard, and the client of `server` has none.
"""

import asyncio
import sys

import bookings
import mcp_tools
from fastmcp import Client, FastMCP
from fastmcp.client.transports import StdioTransport
from hand_written_loop import loop


def server() -> FastMCP:
    made = FastMCP("desk")
    for function in bookings.PLAIN:
        made.tool(function)
    return made


def started() -> StdioTransport:
    told = mcp_tools.stdio(__file__)
    return StdioTransport(told.command, told.args, told.env)


async def ask(way: str, url: str = "") -> str:
    async with Client(started() if way == "stdio" else url) as client:

        async def call(name: str, arguments: dict[str, object]) -> object:
            result = await client.call_tool_mcp(name, arguments)
            return result.model_dump(mode="json", by_alias=True, exclude_none=True)

        return await loop(call)


match sys.argv[1:]:
    case ["ask", way, url]:
        print(asyncio.run(ask(way, url)))
    case ["serve-http"]:
        mcp_tools.serve(server().http_app())
    case ["serve-stdio"]:
        server().run("stdio", show_banner=False)
    case ["http"]:
        with mcp_tools.server_process(__file__) as found:
            print(asyncio.run(ask("http", found)))
    case ["server"]:
        with mcp_tools.serving(server().http_app()) as found:
            print(mcp_tools.ask_elsewhere(__file__, "http", found))
    case ["stdio"]:
        print(asyncio.run(ask("stdio")))
