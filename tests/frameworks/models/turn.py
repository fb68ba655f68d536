"""What a scripted model reads in a request and answers, apart from how a provider writes it."""

import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

MODEL = "scripted"
CALL_ID = "call_1"
"""What the model calls its one tool call, where the dialect has a word for it."""
FINAL = "That is all I can do."


@dataclass(frozen=True, slots=True)
class ToolResult:
    """What a model is told about a call that it asked for."""

    content: str
    """The part of the request that tells it, as JSON text: also whether it is an error."""
    call_id: str = CALL_ID


@dataclass(frozen=True, slots=True)
class Turn:
    """A request to the model."""

    tools: tuple[str, ...]
    """Names of the tools that it may ask for."""
    results: tuple[ToolResult, ...]
    stream: bool = False
    """Whether the answer is to come as server-sent events."""


@dataclass(frozen=True, slots=True)
class Answer:
    """A call of a tool, or the last words if there is no tool."""

    tool: str = ""
    arguments: Mapping[str, object] = field(default_factory=dict)
    text: str = FINAL


Event = tuple[str, object]
"""Name, "" if the dialect has none, and data: JSON, or a text that is sent as it is."""


@dataclass(frozen=True, slots=True)
class Dialect:
    """How one provider's API writes turns and answers."""

    path: re.Pattern[str]
    read: Callable[[str, Any], Turn]
    """Path and body of a request."""
    whole: Callable[[Answer], object]
    """The body of an answer."""
    events: Callable[[Answer], Iterable[Event]]
    """The same answer as a stream."""
