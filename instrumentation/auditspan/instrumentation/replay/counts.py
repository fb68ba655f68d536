"""What a replay counts."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Counts:
    """What happened."""

    model_calls: int = 0
    tool_calls: int = 0
    denied: int = 0
    """Tool calls that a policy stopped."""

    def __add__(self, other: "Counts") -> "Counts":
        return Counts(
            self.model_calls + other.model_calls,
            self.tool_calls + other.tool_calls,
            self.denied + other.denied,
        )
