"""Conversations in OpenAI's chat format, one JSON object a line, read strictly and one at a time.

    {"conversation_id": "c-1", "messages": [{"role": "system", …}, …], "user": "u-1"}

`messages` is what https://platform.openai.com/docs/api-reference/chat/create calls so; `user` and
`purpose` may say on whose behalf it was. Other keys are passed over.
"""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO, Final, Literal

from pydantic import BaseModel, ConfigDict, Field, JsonValue, ValidationError, model_validator

from auditspan.instrumentation.errors import ConversationsInvalid

MAX_LINE: Final = 16 * 1024 * 1024
"""Bytes of one conversation."""
MAX_CONVERSATIONS: Final = 1_000_000
MAX_MESSAGES: Final = 10_000
"""Messages of one conversation."""


class _Model(BaseModel):
    model_config = ConfigDict(frozen=True, extra="ignore", use_attribute_docstrings=True)


class Function(_Model):
    """What a model wants to call."""

    name: str = Field(min_length=1, max_length=256)
    """The tool."""
    arguments: str
    """JSON text, as the model wrote it."""

    def values(self) -> dict[str, JsonValue]:
        """The arguments; what is no JSON object stands under one name, as the model wrote it."""
        try:
            found = json.loads(self.arguments or "{}")
        except (ValueError, RecursionError):
            found = None
        return found if isinstance(found, dict) else {"arguments": self.arguments}


class ToolCall(_Model):
    """One requested call."""

    id: str = Field(min_length=1, max_length=256)
    """Identifier that the result names."""
    type: Literal["function"] = "function"
    """Kind of tool; there is one."""
    function: Function
    """What is called."""


class Message(_Model):
    """One message."""

    role: Literal["system", "developer", "user", "assistant", "tool"]
    """Who speaks."""
    content: JsonValue = None
    """Text, parts, or nothing beside tool calls."""
    tool_calls: tuple[ToolCall, ...] | None = None
    """What an assistant requests."""
    tool_call_id: str = ""
    """Which request a tool answers."""

    @model_validator(mode="after")
    def _fits(self) -> "Message":
        if self.tool_calls and self.role != "assistant":
            raise ValueError(f"tool_calls in a message of role {self.role}, expected assistant")
        if self.role == "tool" and not self.tool_call_id:
            raise ValueError("a tool message without tool_call_id")
        return self

    def sent(self) -> dict[str, JsonValue]:
        """The message as it stands in a request."""
        found: dict[str, JsonValue] = {"role": self.role, "content": self.content}
        if self.tool_calls:
            found["tool_calls"] = [call.model_dump() for call in self.tool_calls]
        if self.role == "tool":
            found["tool_call_id"] = self.tool_call_id
        return found


class Conversation(_Model):
    """One conversation."""

    conversation_id: str = Field(min_length=1, max_length=256)
    """Identifier, once in a file."""
    messages: tuple[Message, ...] = Field(min_length=1, max_length=MAX_MESSAGES)
    """From the first to the last."""
    user: str = ""
    """On whose behalf, if it is known."""
    purpose: str = ""
    """What for, if it is known."""

    @model_validator(mode="after")
    def _in_order(self) -> "Conversation":
        for before, message in zip((None, *self.messages), self.messages, strict=False):
            asked = before is not None and (before.role == "tool" or before.tool_calls)
            if message.role == "tool" and not asked:
                raise ValueError(
                    f"a tool message ({message.tool_call_id}) that does not follow a request of "
                    "the assistant"
                )
        return self

    @property
    def answers(self) -> tuple[Message, ...]:
        """What the assistant said, in order."""
        return tuple(message for message in self.messages if message.role == "assistant")


def read(path: Path) -> Iterator[Conversation]:
    """The conversations of a file. Raises ConversationsInvalid at the first line that is none."""
    seen: set[str] = set()
    try:
        with path.open("rb") as file:
            for number, line in _lines(file, path):
                conversation = _conversation(line, f"{path}:{number}")
                if conversation.conversation_id in seen:
                    raise ConversationsInvalid(
                        f"{path}:{number}: conversation_id: {conversation.conversation_id!r} "
                        "stands on an earlier line, too; give every conversation its own"
                    )
                seen.add(conversation.conversation_id)
                yield conversation
    except OSError as error:
        raise ConversationsInvalid(f"{path}: {error.strerror}") from error
    if not seen:
        raise ConversationsInvalid(
            f"{path}: holds no conversation, expected one JSON object a line"
        )


def _lines(file: BinaryIO, path: Path) -> Iterator[tuple[int, bytes]]:
    """Lines with their numbers, without empty ones."""
    for number in range(1, MAX_CONVERSATIONS + 2):
        line = file.readline(MAX_LINE + 1)
        if not line:
            return
        if len(line) > MAX_LINE:
            raise ConversationsInvalid(
                f"{path}:{number}: longer than {MAX_LINE} bytes, expected one conversation a line"
            )
        if number > MAX_CONVERSATIONS:
            raise ConversationsInvalid(
                f"{path}:{number}: more than {MAX_CONVERSATIONS} lines; split the file"
            )
        if line.strip():
            yield number, line


def _conversation(line: bytes, where: str) -> Conversation:
    try:
        value = json.loads(line)
    except UnicodeDecodeError as error:
        raise ConversationsInvalid(f"{where}: is not UTF-8 at byte {error.start}") from error
    except json.JSONDecodeError as error:
        raise ConversationsInvalid(
            f"{where}: column {error.colno}: is not JSON: {error.msg.lower()}"
        ) from error
    except RecursionError:
        raise ConversationsInvalid(f"{where}: is nested too deeply") from None
    try:
        return Conversation.model_validate(value)
    except ValidationError as error:
        raise ConversationsInvalid(f"{where}: {_first(error)}") from None


def _first(error: ValidationError) -> str:
    """The first thing that is wrong, and where; never the value, which may be anybody's words."""
    found = error.errors(include_input=False, include_url=False)
    path = "".join(f"[{step}]" if isinstance(step, int) else f".{step}" for step in found[0]["loc"])
    more = f" (and {len(found) - 1} more)" if len(found) > 1 else ""
    message = found[0]["msg"].removeprefix("Value error, ")
    return f"{path.lstrip('.') or 'line'}: {message[:1].lower()}{message[1:]}{more}"
