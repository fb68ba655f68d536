"""mcp, the server's guard: `http`, `stdio`. The client is a process without one."""

import bookings
import mcp_tools

if bookings.VARIANT == "http":
    with mcp_tools.serving(mcp_tools.server().streamable_http_app()) as url:
        print(mcp_tools.ask_elsewhere(mcp_tools.__file__, "http", url))
else:
    print(mcp_tools.ask_elsewhere(mcp_tools.__file__, "stdio"))
