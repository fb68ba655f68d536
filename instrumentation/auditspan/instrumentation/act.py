"""What an agent is about to do, as the guard judges it and the recorder writes it."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field

from opentelemetry.util.types import AttributeValue
from pydantic import JsonValue


@dataclass(frozen=True, slots=True)
class Act:
    """One action before it happens."""

    operation: str
    """`execute_tool`, `invoke_agent`, …"""
    name: str = ""
    """The tool or agent."""
    arguments: str | None = None
    """Its arguments as JSON text, None if it has none."""
    target_type: str = ""
    """Kind of thing that it acts on, if the caller says so."""
    target_id: str = ""
    """Which one."""
    capture: bool | None = None
    """Whether content is kept; None is as the settings say."""
    attributes: Mapping[str, AttributeValue] = field(default_factory=dict)
    """What else is written on its span."""

    @property
    def title(self) -> str:
        """What it is called to people, and the name of its span."""
        return f"{self.operation} {self.name}" if self.name else self.operation

    def argument_values(self) -> Mapping[str, JsonValue]:
        """The arguments as everybody after us reads them."""
        found = json.loads(self.arguments) if self.arguments else {}
        return found if isinstance(found, dict) else {}
