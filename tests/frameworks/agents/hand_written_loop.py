"""An agent without a framework: the loop that people write around a chat API and a set of tools.

For libraries that call tools and know no model, such as an MCP client.
"""

import json
import urllib.request
from collections.abc import Awaitable, Callable

import bookings

TOOLS = tuple(function.__name__ for function in bookings.PLAIN)


async def loop(call: Callable[[str, dict[str, object]], Awaitable[object]]) -> str:
    """Ask the model, call what it asks for, tell it what came of it; returns its last words.

    `call` takes name and arguments of a tool, and returns what the model is told.
    """
    messages: list[dict[str, object]] = [{"role": "user", "content": bookings.TASK}]
    while True:
        message = _ask(messages)
        messages.append(message)
        if not message.get("tool_calls"):
            return message["content"]
        for asked in message["tool_calls"]:
            function = asked["function"]
            told = await call(function["name"], json.loads(function["arguments"]))
            messages.append(
                {"role": "tool", "tool_call_id": asked["id"], "content": json.dumps(told)}
            )


def _ask(messages: list[dict[str, object]]) -> dict:
    body = {
        "model": bookings.MODEL,
        "messages": messages,
        "tools": [{"type": "function", "function": {"name": name}} for name in TOOLS],
    }
    request = urllib.request.Request(
        f"{bookings.MODEL_URL}/v1/chat/completions",
        json.dumps(body).encode(),
        {"Content-Type": "application/json"},
    )
    with urllib.request.urlopen(request) as answer:
        return json.load(answer)["choices"][0]["message"]
