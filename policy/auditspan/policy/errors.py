"""What the policy folder refuses, and where it stood.

PolicyError
└── PolicyInvalid  the policy texts cannot be used; carries every problem found
"""

from dataclasses import dataclass
from typing import ClassVar


class PolicyError(Exception):
    """Root of this folder's errors."""

    retryable: ClassVar[bool] = False


@dataclass(frozen=True, slots=True)
class Problem:
    """One thing that is wrong in the policy texts."""

    file: str
    """The source it stands in."""
    line: int
    """1-based line."""
    column: int
    """1-based column, in characters."""
    message: str
    """What is wrong and what to do."""
    text: str = ""
    """The line of the source, without its indent."""

    def __str__(self) -> str:
        shown = f"\n    {self.text}" if self.text else ""
        return f"{self.file}:{self.line}:{self.column}: {self.message}{shown}"


class PolicyInvalid(PolicyError):
    """The policies cannot be loaded; `problems` has everything found, in file order."""

    def __init__(self, problems: tuple[Problem, ...]) -> None:
        self.problems = problems
        super().__init__("\n".join(map(str, problems)))
