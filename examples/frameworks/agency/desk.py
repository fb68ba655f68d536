"""The refund desk: an agent of the OpenAI Agents SDK, with two tools and an MCP server."""

import sys
from pathlib import Path

from agents.mcp import MCPServerStdio

from agents import (
    Agent,
    Runner,
    function_tool,
    set_default_openai_api,
    set_tracing_disabled,
)

set_default_openai_api("chat_completions")
set_tracing_disabled(True)
MAILER = {"command": sys.executable, "args": [str(Path(__file__).with_name("mailer.py"))]}


@function_tool
def refund_booking(booking_id: str, amount: float) -> str:
    """Pay money back."""
    return f"{amount} EUR for {booking_id} are on their way"


@function_tool
def delete_booking(booking_id: str) -> str:
    """Remove a booking and all traces of it."""
    raise AssertionError("the policy forbids this")


async def work(request: str) -> str:
    """See to one request."""
    async with MCPServerStdio(name="mailer", params=MAILER) as mailer:
        desk = Agent(
            name="refund-desk",
            model="scripted",
            tools=[refund_booking, delete_booking],
            mcp_servers=[mailer],
        )
        done = await Runner.run(desk, request)
    return str(done.final_output)
