"""What an agent is about to do, as the guard judges it and the recorder writes it."""

import json
from collections.abc import Mapping
from types import MappingProxyType
from typing import Final, NamedTuple

from opentelemetry.trace import SpanKind
from opentelemetry.util.types import AttributeValue
from pydantic import JsonValue

from auditspan.instrumentation.identity import NOBODY, Identity

_NONE: Final[Mapping[str, AttributeValue]] = MappingProxyType({})


class Act(NamedTuple):
    """One action before it happens.

    A tuple, since each call makes one: a frozen dataclass takes three times as long.
    """

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
    attributes: Mapping[str, AttributeValue] = _NONE
    """What else is written on its span."""
    framework: str = ""
    """Library that makes the call, by the name of its adapter; "" for `@tool` and `action`."""
    call_id: str = ""
    """What the model calls this call."""
    known: Identity = NOBODY
    """What the framework knows of agent, conversation and user; what `identify` says goes first."""
    hop: bool = False
    """Whether the call leaves for another process: recorded inside the same call, too."""
    kind: SpanKind = SpanKind.INTERNAL
    """Of its span."""
    function: object = None
    """What is called, where each passage is a call of its own: a `@tool` that calls itself."""

    @property
    def title(self) -> str:
        """What it is called to people, and the name of its span."""
        return f"{self.operation} {self.name}" if self.name else self.operation

    def same(self, other: "Act") -> bool:
        """Whether both are one tool call, seen at two places."""
        return (
            self.operation == other.operation == "execute_tool"
            and self.name == other.name
            and (self.function is None or self.function is not other.function)
            and (not self.call_id or not other.call_id or self.call_id == other.call_id)
            and (self.arguments == other.arguments or _equal(self, other))
        )

    def argument_values(self) -> Mapping[str, JsonValue]:
        """The arguments as everybody after us reads them."""
        found = json.loads(self.arguments) if self.arguments else {}
        return found if isinstance(found, dict) else {}


def _equal(one: Act, other: Act) -> bool:
    """Frameworks write the same arguments in another order, and leave those out that are null."""
    return _given(one) == _given(other)


def _given(act: Act) -> dict[str, JsonValue]:
    return {name: value for name, value in act.argument_values().items() if value is not None}
