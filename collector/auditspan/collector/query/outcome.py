"""A statement's way between the front and the engine process: what is asked, what came of it."""

from dataclasses import dataclass, field
from typing import Final, Literal, Protocol

from auditspan.collector.query.error_names import error_text
from auditspan.storage.query import Statement

OK: Final = 0

# https://github.com/ClickHouse/ClickHouse/blob/master/src/Common/ErrorCodes.cpp
BAD_ARGUMENTS: Final = 36
SYNTAX_ERROR: Final = 62
TIMEOUT_EXCEEDED: Final = 159
REQUIRED_PASSWORD: Final = 194
QUOTA_EXCEEDED: Final = 201
TOO_MANY_SIMULTANEOUS_QUERIES: Final = 202
NETWORK_ERROR: Final = 210
QUERY_WAS_CANCELLED: Final = 394
ACCESS_DENIED: Final = 497
AUTHENTICATION_FAILED: Final = 516
UNKNOWN_EXCEPTION: Final = 1002

Access = Literal["reader", "investigator"]
"""Whose views a statement sees: without content, or all of it."""


@dataclass(frozen=True, slots=True)
class Asked:
    """A statement with what it may see."""

    statement: Statement
    """What the client sent."""
    access: Access
    """By the roles of who asks."""
    id: str
    """Names this read in the access log, and its statement while it runs."""


@dataclass(frozen=True, slots=True)
class Facts:
    """What the engine knows of a statement besides its result."""

    tables: tuple[str, ...] = ()
    """Tables and views that it reads; empty if it was refused before that was known."""
    rows: int | None = 0
    """Rows of the result; None if the engine does not say."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """A result in its format, or an error of ClickHouse."""

    body: bytes
    """The result, or the error's text."""
    format: str = "TabSeparated"
    """Format of the result."""
    code: int = OK
    """ClickHouse error code."""
    facts: Facts = field(default_factory=Facts)
    """For the access log."""

    @classmethod
    def error(cls, code: int, message: str, facts: Facts | None = None) -> "Outcome":
        """An error in the words that ClickHouse clients look for."""
        return cls(
            error_text(code, message).encode() + b"\n", "TabSeparated", code, facts or Facts()
        )


class Engine(Protocol):
    """What the endpoint asks of the engine, in this process or in another one."""

    async def __call__(self, asked: Asked) -> Outcome:
        """Run a statement; what is wrong with it is an outcome."""
        ...

    async def cancel(self, id: str) -> None:
        """End the statement of this read, if it still runs. Raises nothing."""
        ...
