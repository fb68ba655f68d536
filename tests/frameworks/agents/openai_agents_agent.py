"""openai-agents: its runner, plain and coroutine functions; `sync`, `async`, `stream`, `chat`."""

import asyncio

import bookings
from openai import AsyncOpenAI

from agents import (
    Agent,
    OpenAIChatCompletionsModel,
    OpenAIResponsesModel,
    Runner,
    function_tool,
    set_tracing_disabled,
)

set_tracing_disabled(True)
CLIENT = AsyncOpenAI(base_url=f"{bookings.MODEL_URL}/v1", api_key="none", max_retries=0)
API = OpenAIChatCompletionsModel if bookings.VARIANT == "chat" else OpenAIResponsesModel


def agent(functions: tuple[object, ...]) -> Agent:
    tools = [function_tool(function) for function in functions]
    model = API(model=bookings.MODEL, openai_client=CLIENT)
    return Agent(name="front-desk", instructions="Help.", model=model, tools=tools)


async def asynchronous() -> str:
    return (await Runner.run(agent(bookings.COROUTINES), bookings.TASK)).final_output


async def stream() -> str:
    run = Runner.run_streamed(agent(bookings.COROUTINES), bookings.TASK)
    async for _ in run.stream_events():
        pass
    return run.final_output


match bookings.VARIANT:
    case "sync" | "chat":
        print(Runner.run_sync(agent(bookings.PLAIN), bookings.TASK).final_output)
    case "async":
        print(asyncio.run(asynchronous()))
    case "stream":
        print(asyncio.run(stream()))
