"""The question put to the policies: who wants to do what to which thing, in which context.

The same request is built by the collector from a record, by the guard before a call, and from an
example of the registry. `schema.py` says how each field is called in Cedar.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Protocol

from pydantic import JsonValue


@dataclass(frozen=True, slots=True)
class AgentFacts:
    """The agent that acts: Cedar's `principal`."""

    id: str
    name: str = ""
    owner: str = ""
    risk_tier: str = ""
    environments: tuple[str, ...] = ()
    """Where it may run."""
    roles: tuple[str, ...] = ()
    tags: tuple[str, ...] = ()
    registered: bool = True
    """Whether the registry knows it and lets it act."""
    disabled: bool = False
    """The registry knows it and says that it may do nothing."""
    provenance: str = ""
    """`claimed`, `verified` or `derived`."""


@dataclass(frozen=True, slots=True)
class UserFacts:
    """On whose behalf it acts: `context.user`."""

    id: str
    organisation: str = ""
    roles: tuple[str, ...] = ()
    scopes: tuple[str, ...] = ()
    provenance: str = ""
    """`claimed`, `verified` or `derived`."""


class ToolLike(Protocol):
    """What policies know of a tool; the registry's tools are this."""

    @property
    def server(self) -> str: ...
    @property
    def effect(self) -> str: ...
    @property
    def data_class(self) -> str: ...
    @property
    def review_required(self) -> bool: ...
    @property
    def arguments(self) -> Mapping[str, JsonValue]: ...


@dataclass(frozen=True, slots=True)
class ToolSchema:
    """A tool of the catalogue, for callers that have no registry."""

    server: str = ""
    effect: str = "unknown"
    data_class: str = ""
    review_required: bool = False
    """Every call must be reviewed by a person."""
    arguments: Mapping[str, JsonValue] = field(default_factory=dict)
    """JSON schema of the input."""


@dataclass(frozen=True, slots=True)
class ToolFacts:
    """The tool that is called. What the catalogue says about it goes before what stands here."""

    name: str = ""
    server: str = ""
    effect: str = "unknown"
    data_class: str = ""


@dataclass(frozen=True, slots=True)
class TargetFacts:
    """What is acted on: `context.target`, and the resource of operations without a tool."""

    type: str = ""
    id: str = ""


@dataclass(frozen=True, slots=True)
class Request:
    """One question to the policies."""

    operation: str
    """`execute_tool`, `chat`, `invoke_agent`, …"""
    agent: AgentFacts
    user: UserFacts | None = None
    tool: ToolFacts = ToolFacts()
    target: TargetFacts = TargetFacts()
    model: str = ""
    """The model asked, for model calls."""
    environment: str = ""
    grant_id: str = ""
    """The grant that covers the action, "" if none does."""
    purpose: str = ""
    at: int = 0
    """When, in unix nanoseconds."""
    arguments: Mapping[str, JsonValue] | None = field(default_factory=dict)
    """The tool's arguments; None if there were some that nobody can read any more."""
