"""What goes over the wire of MCP, and whom both ends name, with the real SDK.

Runs where `mcp` is installed. What must hold of every adapter is in tests/frameworks.
"""

import asyncio
import importlib
import json
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from auditspan.instrumentation import identify, tool
from auditspan.instrumentation.adapters import mcp_client, mcp_server
from auditspan.instrumentation.adapters.guards import Guards
from tests.instrumentation.recorded import running, written

mcp = pytest.importorskip("mcp")
URL = "http://127.0.0.1:{}/mcp"
# Warnings of the SDK's own dependencies are not ours.
pytestmark = pytest.mark.filterwarnings("default")


class Verifier:
    """Every token is somebody's."""

    async def verify_token(self, token: str) -> object:
        """A token `NAME` is of that subject, and of a client that has another name."""
        made = importlib.import_module("mcp.server.auth.provider").AccessToken
        return made(token=token, client_id="a-client", scopes=[], subject=token)


@contextmanager
def guarded() -> Iterator[None]:
    """Both guards, in this process."""
    guards = Guards((mcp_client.ADAPTER, mcp_server.ADAPTER), lambda: ())
    guards.instrument()
    try:
        yield
    finally:
        guards.uninstrument()


def server(port: int) -> Any:
    """A tool that tells what came with its call."""
    context, made = _server_class()
    settings = importlib.import_module("mcp.server.auth.settings").AuthSettings(
        issuer_url="http://127.0.0.1:9", resource_server_url=URL.format(port)
    )
    found = made("desk", auth=settings, token_verifier=Verifier())

    def tell(booking_id: str, ctx: Any) -> str:
        meta = ctx.request_context.meta
        return json.dumps(getattr(meta, "model_extra", meta) or {})

    tell.__annotations__["ctx"] = context
    found.add_tool(tell)
    return found


def _server_class() -> tuple[Any, Any]:
    try:
        found = importlib.import_module("mcp.server.mcpserver")
    except ImportError:
        found = importlib.import_module("mcp.server.fastmcp")
        return found.Context, found.FastMCP
    return found.Context, found.MCPServer


@contextmanager
def serving() -> Iterator[str]:
    """The server over HTTP, in a thread: its URL."""
    uvicorn = importlib.import_module("uvicorn")
    with socket.create_server(("127.0.0.1", 0)) as listening:
        port = listening.getsockname()[1]
        app = server(port).streamable_http_app()
        found = uvicorn.Server(uvicorn.Config(app, log_level="error"))
        thread = threading.Thread(target=found.run, kwargs={"sockets": [listening]})
        thread.start()
        try:
            yield URL.format(port)
        finally:
            found.should_exit = True
            thread.join()


async def call(url: str, token: str) -> dict[str, object]:
    """Call the tool over HTTP; what it says."""
    http = importlib.import_module("mcp.shared._httpx_utils").create_mcp_http_client(
        headers={"Authorization": f"Bearer {token}"}
    )
    streams = importlib.import_module("mcp.client.streamable_http").streamable_http_client
    async with (
        http,
        streams(url, http_client=http) as (read, write, *_),
        mcp.ClientSession(read, write) as session,
    ):
        await session.initialize()
        result = await session.call_tool("tell", {"booking_id": "b-7"})
        found: dict[str, object] = json.loads(result.content[0].text)
        return found


def test_the_trace_goes_along_and_no_identity(tmp_path: Path) -> None:
    """The server's record is below the client's; `_meta` has the trace and nothing of the user."""
    with running(tmp_path), guarded(), serving() as url, identify(user="alice", purpose="support"):
        meta = asyncio.run(call(url, "bob"))
    theirs, ours = written(tmp_path)
    assert set(meta) == {"traceparent"}
    assert str(meta["traceparent"]).startswith(f"00-{ours.trace}-{ours.id}-")
    assert (theirs.trace, theirs.parent) == (ours.trace, ours.id)
    assert ours.text("user.id") == "alice"
    assert theirs.text("user.id") == "bob"
    for record in (ours, theirs):
        assert record.text("audit.tool.server") == "desk"
        assert record.text("mcp.method.name") == "tools/call"
        assert record.text("mcp.protocol.version") >= "2025-11-25"
    assert ours.text("gen_ai.tool.call.result") == theirs.text("gen_ai.tool.call.result")


def test_a_tool_that_calls_a_tool_is_one_decision(tmp_path: Path) -> None:
    """A framework's tool of the same name: the way to the server is a nested record below it."""

    @tool(name="tell")
    async def outer(booking_id: str) -> object:
        return await call(url, "bob")

    with running(tmp_path), guarded(), serving() as url:
        asyncio.run(outer("b-7"))
    records = {record.text("audit.agent.framework"): record for record in written(tmp_path)}
    nested, first = records["mcp_client"], records[""]
    assert nested.attributes["audit.call.nested"] is True
    assert nested.parent == first.id
    assert "audit.call.nested" not in first.attributes


def test_in_memory(tmp_path: Path) -> None:
    """Version 2 calls the server's handler within the call: one act, one record."""

    async def calling() -> None:
        made = server(9)
        if hasattr(mcp, "Client"):
            found = mcp.Client(made)
        else:
            memory = importlib.import_module("mcp.shared.memory")
            found = memory.create_connected_server_and_client_session(made._mcp_server)
        async with found as client:
            await client.call_tool("tell", {"booking_id": "b-7"})

    with running(tmp_path), guarded():
        asyncio.run(calling())
    *inner, outer = written(tmp_path)
    assert outer.text("audit.agent.framework") == "mcp_client"
    assert [record.parent for record in inner] == ([] if hasattr(mcp, "Client") else [outer.id])


def test_taken_away(tmp_path: Path) -> None:
    """A server that was guarded goes on without a guard."""
    with running(tmp_path), serving() as url:
        with guarded():
            asyncio.run(call(url, "bob"))
        assert len(written(tmp_path)) == 2
        asyncio.run(call(url, "bob"))
    assert len(written(tmp_path)) == 2
