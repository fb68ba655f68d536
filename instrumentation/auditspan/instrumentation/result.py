"""What came of a call, where a framework tells failures by a value and not by an exception."""

from dataclasses import dataclass
from typing import Literal


@dataclass(frozen=True, slots=True)
class Result:
    """What a call gave back."""

    value: object = None
    error: str = ""
    """Kind of failure that the value tells of, as `error.type` says it; "" if it tells of none."""
    message: str = ""
    """Its words."""
    unfinished: Literal["", "pending", "unknown"] = ""
    """It waits for something, or nobody can say what came of it."""

    @property
    def outcome(self) -> str:
        """The word for `audit.outcome`."""
        return self.unfinished or ("failure" if self.error else "success")
