"""https://ai.google.dev/api/generate-content"""

import json
import re
from collections.abc import Iterator
from typing import Any

from tests.frameworks.models.turn import MODEL, Answer, Dialect, Event, ToolResult, Turn


def read(path: str, body: Any) -> Turn:
    """Declared functions, and the parts that are a `functionResponse`."""
    declared = (
        function["name"]
        for tool in body.get("tools") or ()
        for function in tool.get("functionDeclarations") or ()
    )
    return Turn(
        tuple(declared),
        tuple(
            ToolResult(json.dumps(part["functionResponse"]["response"]))
            for content in body["contents"]
            for part in content.get("parts") or ()
            if "functionResponse" in part
        ),
        ":stream" in path,
    )


def whole(answer: Answer) -> object:
    """A response with one candidate."""
    part: dict[str, object] = {"text": answer.text}
    if answer.tool:
        part = {"functionCall": {"name": answer.tool, "args": dict(answer.arguments)}}
    content = {"role": "model", "parts": [part]}
    return {
        "candidates": [{"index": 0, "content": content, "finishReason": "STOP"}],
        "usageMetadata": {"promptTokenCount": 1, "candidatesTokenCount": 1, "totalTokenCount": 2},
        "modelVersion": MODEL,
    }


def events(answer: Answer) -> Iterator[Event]:
    """It comes as one chunk."""
    yield "", whole(answer)


DIALECT = Dialect(
    re.compile(r"/v1[a-z0-9]*/models/[^/]+:(generateContent|streamGenerateContent)"),
    read,
    whole,
    events,
)
