"""claude-agent-sdk: tools of an MCP server in this process, called by the real Claude Code.

`query`, `client`. Claude Code talks to the scripted model only, and keeps everything in the run's
home.
"""

import asyncio
import os
from pathlib import Path

import bookings
from claude_agent_sdk import (
    AssistantMessage,
    ClaudeAgentOptions,
    ClaudeSDKClient,
    TextBlock,
    create_sdk_mcp_server,
    query,
    tool,
)


def offered(function):
    @tool(function.__name__, function.__doc__, {"booking_id": str})
    async def offer(given):
        return {"content": [{"type": "text", "text": function(**given)}]}

    return offer


OPTIONS = ClaudeAgentOptions(
    model="claude-sonnet-4-5",
    mcp_servers={
        "bookings": create_sdk_mcp_server("bookings", tools=[offered(f) for f in bookings.PLAIN])
    },
    permission_mode="bypassPermissions" if os.getuid() else "dontAsk",
    allowed_tools=[f"mcp__bookings__{function.__name__}" for function in bookings.PLAIN],
    setting_sources=[],
    cwd=Path.cwd(),
    env={
        "ANTHROPIC_BASE_URL": bookings.MODEL_URL,
        "ANTHROPIC_API_KEY": "none",
        "CLAUDE_CONFIG_DIR": str(Path.home() / ".claude"),
        "CLAUDE_CODE_DISABLE_NONESSENTIAL_TRAFFIC": "1",
        "ENABLE_TOOL_SEARCH": "false",
        "DISABLE_AUTOUPDATER": "1",
    },
)


def show(message) -> None:
    if isinstance(message, AssistantMessage):
        for block in message.content:
            if isinstance(block, TextBlock):
                print(block.text)


async def main() -> None:
    if bookings.VARIANT == "query":
        async for message in query(prompt=bookings.TASK, options=OPTIONS):
            show(message)
        return
    async with ClaudeSDKClient(OPTIONS) as client:
        await client.query(bookings.TASK)
        async for message in client.receive_response():
            show(message)


asyncio.run(main())
