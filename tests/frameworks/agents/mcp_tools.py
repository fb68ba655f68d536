"""The bookings as tools of MCP servers, and the ways to them: `http`, `stdio`.

As a program, it is the server (`serve-http`, `serve-stdio`), or a client without a guard (`ask`).
Both major versions of the SDK, told apart by what can be imported.
"""

import asyncio
import json
import os
import socket
import subprocess
import sys
import threading
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager

import bookings
import mcp
import uvicorn
from hand_written_loop import loop
from mcp.client.stdio import StdioServerParameters, stdio_client

try:
    from mcp.server.mcpserver import MCPServer
except ImportError:
    from mcp.server.fastmcp import FastMCP as MCPServer

Call = Callable[[str, dict[str, object]], Awaitable[object]]
PLAIN_ENVIRONMENT = {
    key: os.environ[key]
    for key in ("PATH", "HOME", "BOOKINGS_RAN", "SCRIPTED_MODEL_URL", "SERVER_ENVIRONMENT")
    if key in os.environ
}
"""Without what makes a guard start."""


def server() -> MCPServer:
    """All tools."""
    made = MCPServer("desk")
    for function in bookings.PLAIN:
        made.add_tool(function)
    return made


@contextmanager
def serving(app: object) -> Iterator[str]:
    """An application on a free port, in a thread: its URL."""
    with socket.create_server(("127.0.0.1", 0)) as listening:
        found = uvicorn.Server(uvicorn.Config(app, log_level="error"))
        thread = threading.Thread(target=found.run, kwargs={"sockets": [listening]})
        thread.start()
        try:
            yield f"http://127.0.0.1:{listening.getsockname()[1]}/mcp"
        finally:
            found.should_exit = True
            thread.join()


def serve(app: object) -> None:
    """Print the URL, and serve until the input ends."""
    with serving(app) as url:
        print(url, flush=True)
        sys.stdin.read()


@contextmanager
def server_process(program: str) -> Iterator[str]:
    """A server in a process of its own, without a guard: its URL."""
    command = [sys.executable, program, "serve-http"]
    with subprocess.Popen(
        command, env=PLAIN_ENVIRONMENT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as process:
        yield process.stdout.readline().strip()
        process.stdin.close()


def stdio(program: str) -> StdioServerParameters:
    """A server that is started by its client, in the environment that we are told."""
    told = os.environ.get("SERVER_ENVIRONMENT")
    environment = json.loads(told) if told else PLAIN_ENVIRONMENT
    return StdioServerParameters(
        command=sys.executable, args=[program, "serve-stdio"], env=environment
    )


@asynccontextmanager
async def client(way: str, url: str = "") -> AsyncIterator[Call]:
    """A way to call tools, with what the SDK offers for it in its version."""
    async with _session(way, url) as session:

        async def call(name: str, arguments: dict[str, object]) -> object:
            result = await session.call_tool(name, arguments)
            return result.model_dump(mode="json", by_alias=True, exclude_none=True)

        yield call


@asynccontextmanager
async def _session(way: str, url: str) -> AsyncIterator[object]:
    if hasattr(mcp, "Client"):
        target = stdio_client(stdio(__file__)) if way == "stdio" else url
        async with mcp.Client(target) as found:
            yield found
    else:
        async with _streams(way, url) as streams, mcp.ClientSession(*streams[:2]) as found:
            await found.initialize()
            yield found


def _streams(way: str, url: str) -> object:
    from mcp.client.streamable_http import streamable_http_client

    return stdio_client(stdio(__file__)) if way == "stdio" else streamable_http_client(url)


async def ask(way: str, url: str = "") -> str:
    """The model's last words."""
    async with client(way, url) as call:
        return await loop(call)


def ask_elsewhere(program: str, way: str, url: str = "") -> str:
    """The same, by a program without a guard that starts its server as we were started."""
    environment = PLAIN_ENVIRONMENT | {"SERVER_ENVIRONMENT": json.dumps(dict(os.environ))}
    command = [sys.executable, program, "ask", way, url]
    return subprocess.run(
        command, env=environment, check=True, capture_output=True, text=True
    ).stdout


def main() -> None:
    match sys.argv[1:]:
        case ["ask", way, url]:
            print(asyncio.run(ask(way, url)))
        case ["serve-stdio"]:
            server().run("stdio")
        case ["serve-http"]:
            serve(server().streamable_http_app())


if __name__ == "__main__":
    main()
