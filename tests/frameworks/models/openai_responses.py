"""https://platform.openai.com/docs/api-reference/responses"""

import json
import re
from collections.abc import Iterator
from typing import Any

from tests.frameworks.models.turn import CALL_ID, MODEL, Answer, Dialect, Event, ToolResult, Turn

# Identifiers of items are never used twice in a conversation.
_CALL, _MESSAGE = "fc_1", "msg_1"


def read(path: str, body: Any) -> Turn:
    """Tools, and the items of type `function_call_output`."""
    given = body["input"]
    items = given if isinstance(given, list) else []
    return Turn(
        tuple(tool["name"] for tool in body.get("tools") or () if "name" in tool),
        tuple(
            ToolResult(json.dumps(item["output"]), item["call_id"])
            for item in items
            if item.get("type") == "function_call_output"
        ),
        bool(body.get("stream")),
    )


def whole(answer: Answer) -> object:
    """A response."""
    return _response("completed", [_item(answer, "completed")])


def events(answer: Answer) -> Iterator[Event]:
    """The response as it grows."""
    numbered: list[dict[str, object]] = [
        {"type": "response.created", "response": _response("in_progress", [])},
        {
            "type": "response.output_item.added",
            "output_index": 0,
            "item": _item(Answer(answer.tool, {}, ""), "in_progress"),
        },
        *_growing(answer),
        {
            "type": "response.output_item.done",
            "output_index": 0,
            "item": _item(answer, "completed"),
        },
        {"type": "response.completed", "response": whole(answer)},
    ]
    for number, event in enumerate(numbered):
        yield str(event["type"]), event | {"sequence_number": number}


def _growing(answer: Answer) -> Iterator[dict[str, object]]:
    if answer.tool:
        place: dict[str, object] = {"item_id": _CALL, "output_index": 0}
        text = json.dumps(answer.arguments)
        yield place | {"type": "response.function_call_arguments.delta", "delta": text}
        yield place | {
            "type": "response.function_call_arguments.done",
            "arguments": text,
            "name": answer.tool,
        }
        return
    place = {"item_id": _MESSAGE, "output_index": 0, "content_index": 0}
    yield place | {"type": "response.content_part.added", "part": _part("")}
    yield place | {"type": "response.output_text.delta", "delta": answer.text, "logprobs": []}
    yield place | {"type": "response.output_text.done", "text": answer.text, "logprobs": []}
    yield place | {"type": "response.content_part.done", "part": _part(answer.text)}


def _item(answer: Answer, status: str) -> dict[str, object]:
    if answer.tool:
        return {
            "type": "function_call",
            "id": _CALL,
            "call_id": CALL_ID,
            "name": answer.tool,
            "arguments": json.dumps(answer.arguments) if answer.arguments else "",
            "status": status,
        }
    content = [_part(answer.text)] if answer.text else []
    return {
        "type": "message",
        "id": _MESSAGE,
        "role": "assistant",
        "status": status,
        "content": content,
    }


def _part(text: str) -> dict[str, object]:
    return {"type": "output_text", "text": text, "annotations": []}


def _response(status: str, output: list[dict[str, object]]) -> dict[str, object]:
    return {
        "id": "resp_1",
        "object": "response",
        "created_at": 0,
        "model": MODEL,
        "status": status,
        "output": output,
        "parallel_tool_calls": False,
        "tool_choice": "auto",
        "tools": [],
        "error": None,
        "incomplete_details": None,
        "usage": {
            "input_tokens": 1,
            "input_tokens_details": {"cached_tokens": 0, "cache_write_tokens": 0},
            "output_tokens": 1,
            "output_tokens_details": {"reasoning_tokens": 0},
            "total_tokens": 2,
        },
    }


DIALECT = Dialect(re.compile(r"/v1/responses"), read, whole, events)
