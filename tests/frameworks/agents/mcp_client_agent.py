"""mcp, the client's guard: `http`, `stdio`. The server is a process without one."""

import asyncio

import bookings
import mcp_tools

if bookings.VARIANT == "http":
    with mcp_tools.server_process(mcp_tools.__file__) as url:
        print(asyncio.run(mcp_tools.ask("http", url)))
else:
    print(asyncio.run(mcp_tools.ask(bookings.VARIANT)))
