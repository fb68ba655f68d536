"""Every adapter that we have, and the frameworks that are known and have none."""

import json
from dataclasses import dataclass
from importlib.resources import files

from auditspan.instrumentation.adapters import (
    anthropic,
    claude_agent_sdk,
    google_genai,
    langchain,
    mcp_client,
    mcp_server,
    openai,
    openai_agents,
)
from auditspan.instrumentation.adapters.adapter import Adapter

ADAPTERS: tuple[Adapter, ...] = (
    anthropic.ADAPTER,
    claude_agent_sdk.ADAPTER,
    google_genai.ADAPTER,
    langchain.ADAPTER,
    mcp_client.ADAPTER,
    mcp_server.ADAPTER,
    openai.ADAPTER,
    openai_agents.ADAPTER,
)


@dataclass(frozen=True, slots=True)
class Framework:
    """One that calls tools and is not guarded."""

    name: str
    distribution: str
    module: str
    """What a program imports of it."""


def unguarded() -> tuple[Framework, ...]:
    """The frameworks without an adapter."""
    text = (files(__package__) / "unguarded.json").read_text(encoding="utf-8")
    return tuple(Framework(*row) for row in json.loads(text)["frameworks"])
