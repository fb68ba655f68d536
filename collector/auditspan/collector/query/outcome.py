"""A statement's outcome as it crosses from the engine process to the front."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from auditspan.storage.query import Statement

OK = 0


@dataclass(frozen=True, slots=True)
class Outcome:
    """A result in its format, or an error of ClickHouse."""

    body: bytes
    """The result, or the error's text."""
    format: str = "TabSeparated"
    """Format of the result."""
    code: int = OK
    """ClickHouse error code."""

    @classmethod
    def error(cls, code: int, message: str) -> "Outcome":
        """An error in the words that ClickHouse clients look for."""
        text = (
            message if message.startswith("Code: ") else f"Code: {code}. DB::Exception: {message}"
        )
        return cls(text.encode() + b"\n", "TabSeparated", code)


Answer = Callable[[Statement], Awaitable[Outcome]]
"""Runs a reader's statement; never raises for what is wrong with the statement."""
