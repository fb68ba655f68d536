"""https://platform.openai.com/docs/api-reference/chat"""

import json
import re
from collections.abc import Iterator
from typing import Any

from tests.frameworks.models.turn import CALL_ID, MODEL, Answer, Dialect, Event, ToolResult, Turn


def read(path: str, body: Any) -> Turn:
    """Tools, and the messages of role `tool`."""
    return Turn(
        tuple(tool["function"]["name"] for tool in body.get("tools") or ()),
        tuple(
            ToolResult(json.dumps(message["content"]), message["tool_call_id"])
            for message in body["messages"]
            if message["role"] == "tool"
        ),
        bool(body.get("stream")),
    )


def whole(answer: Answer) -> object:
    """A chat completion."""
    message = {"role": "assistant", "content": None, "tool_calls": [_call(answer)]}
    if not answer.tool:
        message = {"role": "assistant", "content": answer.text}
    choice = {"index": 0, "message": message, "finish_reason": _reason(answer)}
    return _head("chat.completion") | {"choices": [choice], "usage": _USAGE}


def events(answer: Answer) -> Iterator[Event]:
    """Chunks of it."""
    delta: dict[str, object] = {"role": "assistant", "content": answer.text}
    if answer.tool:
        delta = {"role": "assistant", "tool_calls": [{"index": 0, **_call(answer)}]}
    last = {"index": 0, "delta": {}, "finish_reason": _reason(answer)}
    for choice in ({"index": 0, "delta": delta, "finish_reason": None}, last):
        yield "", _head("chat.completion.chunk") | {"choices": [choice]}
    yield "", _head("chat.completion.chunk") | {"choices": [], "usage": _USAGE}
    yield "", "[DONE]"


def _call(answer: Answer) -> dict[str, object]:
    function = {"name": answer.tool, "arguments": json.dumps(answer.arguments)}
    return {"id": CALL_ID, "type": "function", "function": function}


def _reason(answer: Answer) -> str:
    return "tool_calls" if answer.tool else "stop"


def _head(kind: str) -> dict[str, object]:
    return {"id": "chatcmpl-1", "object": kind, "created": 0, "model": MODEL}


_USAGE = {"prompt_tokens": 1, "completion_tokens": 1, "total_tokens": 2}
DIALECT = Dialect(re.compile(r"/v1/chat/completions"), read, whole, events)
