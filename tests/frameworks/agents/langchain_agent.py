"""langchain: an agent of `create_agent`, which is a LangGraph; `sync`, `async`, `stream`."""

import asyncio

import bookings
from langchain.agents import create_agent
from langchain_core.tools import StructuredTool
from langchain_openai import ChatOpenAI

MODEL = ChatOpenAI(
    model=bookings.MODEL,
    base_url=f"{bookings.MODEL_URL}/v1",
    api_key="none",
    max_retries=0,
    streaming=bookings.VARIANT == "stream",
)
ASKED = {"messages": [{"role": "user", "content": bookings.TASK}]}


def sync() -> str:
    tools = [StructuredTool.from_function(tool) for tool in bookings.PLAIN]
    done = create_agent(MODEL, tools).invoke(ASKED)
    return done["messages"][-1].content


def stream() -> str:
    tools = [StructuredTool.from_function(tool) for tool in bookings.PLAIN]
    for done in create_agent(MODEL, tools).stream(ASKED, stream_mode="values"):
        last = done["messages"][-1]
    return last.content


async def asynchronous() -> str:
    tools = [StructuredTool.from_function(coroutine=tool) for tool in bookings.COROUTINES]
    done = await create_agent(MODEL, tools).ainvoke(ASKED)
    return done["messages"][-1].content


try:
    match bookings.VARIANT:
        case "sync":
            print(sync())
        case "stream":
            print(stream())
        case "async":
            print(asyncio.run(asynchronous()))
except LookupError as error:
    # By default a graph ends with what a tool raises.
    print(repr(error))
