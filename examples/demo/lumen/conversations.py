"""The demo's conversations: what people say, and what the scripted model answers."""

import json
from pathlib import Path
from typing import Any

import yaml

from auditspan.instrumentation.replay.conversations import Conversation

FILE = Path(__file__).parents[1] / "conversations.yaml"


def conversations() -> dict[str, Conversation]:
    """All of them by id."""
    entries = yaml.safe_load(FILE.read_text(encoding="utf-8"))
    return {entry["id"]: _conversation(entry) for entry in entries}


def _conversation(entry: dict[str, Any]) -> Conversation:
    messages: list[dict[str, Any]] = []
    for turn in entry["turns"]:
        messages.append({"role": "user", "content": turn["user"]})
        messages += [
            _answer(answer, f"{len(messages)}-{i}") for i, answer in enumerate(turn["model"])
        ]
    return Conversation.model_validate({"conversation_id": entry["id"], "messages": messages})


def _answer(answer: dict[str, Any], call_id: str) -> dict[str, Any]:
    if "say" in answer:
        return {"role": "assistant", "content": answer["say"]}
    [(name, arguments)] = answer["call"].items()
    call = {"name": name, "arguments": json.dumps(arguments)}
    return {
        "role": "assistant",
        "content": answer["because"],
        "tool_calls": [{"id": f"call-{call_id}", "function": call}],
    }
