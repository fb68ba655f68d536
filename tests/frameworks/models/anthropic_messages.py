"""https://docs.anthropic.com/en/api/messages"""

import json
import re
from collections.abc import Iterator
from typing import Any

from tests.frameworks.models.turn import CALL_ID, MODEL, Answer, Dialect, Event, ToolResult, Turn


def read(path: str, body: Any) -> Turn:
    """Tools, and the blocks of type `tool_result`."""
    return Turn(
        tuple(tool["name"] for tool in body.get("tools") or () if "name" in tool),
        tuple(_results(body["messages"])),
        bool(body.get("stream")),
    )


def _results(messages: Any) -> Iterator[ToolResult]:
    for message in messages:
        blocks = message["content"] if isinstance(message["content"], list) else []
        for block in blocks:
            if block["type"] == "tool_result":
                told = {key: block[key] for key in ("content", "is_error") if block.get(key)}
                yield ToolResult(json.dumps(told), block["tool_use_id"])


def whole(answer: Answer) -> object:
    """A message."""
    reason = "tool_use" if answer.tool else "end_turn"
    return _message() | {"content": [_block(answer)], "stop_reason": reason}


def events(answer: Answer) -> Iterator[Event]:
    """The message as it grows."""
    yield "message_start", {"type": "message_start", "message": _message()}
    if answer.tool:
        block = _block(answer) | {"input": {}}
        delta = {"type": "input_json_delta", "partial_json": json.dumps(answer.arguments)}
    else:
        block = {"type": "text", "text": ""}
        delta = {"type": "text_delta", "text": answer.text}
    place = {"index": 0}
    yield "content_block_start", place | {"type": "content_block_start", "content_block": block}
    yield "content_block_delta", place | {"type": "content_block_delta", "delta": delta}
    yield "content_block_stop", place | {"type": "content_block_stop"}
    ended = {"stop_reason": "tool_use" if answer.tool else "end_turn", "stop_sequence": None}
    yield "message_delta", {"type": "message_delta", "delta": ended, "usage": {"output_tokens": 1}}
    yield "message_stop", {"type": "message_stop"}


def _block(answer: Answer) -> dict[str, object]:
    if answer.tool:
        input_ = dict(answer.arguments)
        return {"type": "tool_use", "id": CALL_ID, "name": answer.tool, "input": input_}
    return {"type": "text", "text": answer.text}


def _message() -> dict[str, object]:
    return {
        "id": "msg_1",
        "type": "message",
        "role": "assistant",
        "model": MODEL,
        "content": [],
        "stop_reason": None,
        "stop_sequence": None,
        "usage": {"input_tokens": 1, "output_tokens": 1},
    }


DIALECT = Dialect(re.compile(r"/v1/messages"), read, whole, events)
