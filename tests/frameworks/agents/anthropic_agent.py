"""anthropic: its tool runner; `sync`, `async`, `stream`."""

import asyncio

import bookings
from anthropic import Anthropic, AsyncAnthropic, beta_async_tool, beta_tool

ASKED = {
    "model": bookings.MODEL,
    "max_tokens": 100,
    "messages": [{"role": "user", "content": bookings.TASK}],
}
CLIENT = {"base_url": bookings.MODEL_URL, "api_key": "none", "max_retries": 0}


def sync() -> str:
    tools = [beta_tool(tool) for tool in bookings.PLAIN]
    runner = Anthropic(**CLIENT).beta.messages.tool_runner(tools=tools, **ASKED)
    return runner.until_done().content[0].text


def stream() -> str:
    tools = [beta_tool(tool) for tool in bookings.PLAIN]
    runner = Anthropic(**CLIENT).beta.messages.tool_runner(tools=tools, stream=True, **ASKED)
    said = ""
    for turn in runner:
        for event in turn:
            if event.type == "text":
                said += event.text
    return said


async def asynchronous() -> str:
    tools = [beta_async_tool(tool) for tool in bookings.COROUTINES]
    runner = AsyncAnthropic(**CLIENT).beta.messages.tool_runner(tools=tools, **ASKED)
    return (await runner.until_done()).content[0].text


match bookings.VARIANT:
    case "sync":
        print(sync())
    case "stream":
        print(stream())
    case "async":
        print(asyncio.run(asynchronous()))
