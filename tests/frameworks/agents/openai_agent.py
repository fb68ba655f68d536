"""openai: its tool runner for responses; `sync`, `async`, `stream`."""

import asyncio
import inspect

import bookings
from openai import AsyncOpenAI, OpenAI
from openai.lib.responses_tool_runner import (
    AsyncRegisteredFunction,
    AsyncResponsesToolRunner,
    RegisteredFunction,
    ResponsesToolRunner,
    ToolRunnerError,
)

ASKED = {"model": bookings.MODEL, "input": bookings.TASK}
CLIENT = {"base_url": f"{bookings.MODEL_URL}/v1", "api_key": "none", "max_retries": 0}


def declared(function) -> dict:
    return {
        "type": "function",
        "name": function.__name__,
        "description": inspect.getdoc(function),
        "parameters": {
            "type": "object",
            "properties": {"booking_id": {"type": "string"}},
            "required": ["booking_id"],
            "additionalProperties": False,
        },
        "strict": True,
    }


def sync(stream: bool) -> str:
    runner = ResponsesToolRunner(
        functions=[
            RegisteredFunction(declared(tool), lambda given, tool=tool: tool(**given))
            for tool in bookings.PLAIN
        ]
    )
    return runner.run(OpenAI(**CLIENT), ASKED, stream=stream).output_text


async def asynchronous() -> str:
    runner = AsyncResponsesToolRunner(
        functions=[
            AsyncRegisteredFunction(declared(tool), lambda given, tool=tool: tool(**given))
            for tool in bookings.COROUTINES
        ]
    )
    return (await runner.run(AsyncOpenAI(**CLIENT), ASKED)).output_text


try:
    match bookings.VARIANT:
        case "sync" | "stream":
            print(sync(bookings.VARIANT == "stream"))
        case "async":
            print(asyncio.run(asynchronous()))
except ToolRunnerError as error:
    print("the run ended:", error)
