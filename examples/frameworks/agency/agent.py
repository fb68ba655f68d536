"""The agent of a travel agency: LangChain, with a desk of another framework among its tools."""

import asyncio
import os

from desk import work
from langchain.agents import create_agent
from langchain_core.tools import tool
from langchain_openai import ChatOpenAI
from opentelemetry import trace

TASK = "Customer c-3 wants booking b-7 refunded and all traces of it removed."


@tool
def find_booking(booking_id: str) -> str:
    """Look a booking up."""
    return f"{booking_id}: two nights in Lyon, 240 EUR, customer c-3"


@tool
def quote_refund(booking_id: str) -> float:
    """How much of a booking would be refunded, in EUR."""
    return 240.0


@tool
async def ask_refund_desk(request: str) -> str:
    """Hand something to the refund desk."""
    return await work(request)


async def main() -> None:
    """One request of a customer."""
    model = ChatOpenAI(model="scripted", base_url=os.environ["OPENAI_BASE_URL"])
    agent = create_agent(model, [find_booking, quote_refund, ask_refund_desk])
    thread = {"configurable": {"thread_id": "case-7"}}
    with trace.get_tracer("travel-agency").start_as_current_span("customer request"):
        done = await agent.ainvoke({"messages": [{"role": "user", "content": TASK}]}, thread)
    print(done["messages"][-1].content)


asyncio.run(main())
