"""Statements of our own reports, recognised word for word in the access log.

Only of these it is known what their parameters leave out. They are asked for by running each report
on a source that answers nothing and remembers the statement, so that none can be forgotten.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Final

import pyarrow as pa

from auditspan.reports.chain import chain
from auditspan.reports.errors import NothingFound
from auditspan.reports.filters import NAMES
from auditspan.reports.period import EARLIEST, LATEST, Period
from auditspan.reports.population import SQL as POPULATION
from auditspan.reports.questions import questions
from auditspan.reports.search import count, search

_EXCLUDES: Final[Mapping[str, frozenset[str]]] = {
    "record": frozenset({"record", "trace", "conversation", "id"}),
    "agent": frozenset({"record", "trace", "conversation", "id", "agent"}),
    # Another user's or target's record may be about the same subject.
    "subject": frozenset({"record", "trace", "conversation", "id"}),
}
"""Parameters that pick records out: with other values, a statement shows none of what is asked."""
_NO_CONTENT: Final = frozenset({"since", "until", "limit", "at"})
_TEXT_OF_LIST: Final = re.compile(r"'((?:[^'\\]|\\.)*)'")


@dataclass(frozen=True, slots=True)
class Known:
    """A statement of ours with the values of its parameters."""

    params: Mapping[str, str]
    bounded: bool
    """Whether it reads its window alone."""
    shows: bool = True
    """Whether it shows anything of a record; the population is numbers over all of them."""

    @property
    def values(self) -> Sequence[str]:
        """What it names."""
        named = (text for name, text in self.params.items() if name not in _NO_CONTENT)
        return [value for text in named for value in _values(text)]

    def names_others(self, kind: str) -> bool:
        """Whether it picked out something else, given that it does not name what is asked."""
        return any(name in _EXCLUDES[kind] for name in self.params)

    def window(self, since: str, until: str) -> tuple[datetime, datetime]:
        """The times that it could show."""
        if not self.bounded:
            return EARLIEST, LATEST
        return _moment(since, EARLIEST), _moment(until, LATEST)


def known_read(statement: str, params: Mapping[str, str]) -> Known | None:
    """The statement, if it is one of ours word for word."""
    statement = statement.strip()
    if statement in _FIXED:
        return Known(params, _FIXED[statement], statement != POPULATION.strip())
    names = [name for name in NAMES if name in params]
    if statement in _searches(names):
        return Known(params, True)
    return None


class _Remembering:
    """A source without rows, which keeps what it was asked."""

    def __init__(self) -> None:
        self.asked: list[str] = []

    def arrow(self, sql: str, params: Mapping[str, Any] | None = None) -> pa.Table:
        """Nothing, with a column that counts it."""
        self.asked.append(sql)
        return pa.table({"n": pa.array([0] if " AS n " in sql else [], pa.int64())})


def _searches(names: Sequence[str]) -> list[str]:
    source = _Remembering()
    filters = {name: 5 if name == "severity" else "x" for name in names}
    search(source, filters, Period(), 1)
    count(source, filters, Period())
    return source.asked


def _fixed() -> dict[str, bool]:
    """Statements without choices, and whether each reads its window alone."""
    source = _Remembering()
    for given in ({"trace": "x"}, {"conversation": "x"}):
        try:
            chain(source, **given)
        except NothingFound:
            continue
    found = dict.fromkeys(source.asked, False)
    found[POPULATION] = True
    for question in questions():
        found[question.sql] = "{since:" in question.sql and "{until:" in question.sql
    return {statement.strip(): bounded for statement, bounded in found.items()}


def _values(text: str) -> list[str]:
    """A parameter's value, or the values of a list."""
    if text.startswith("[") and text.endswith("]"):
        return [value.replace("\\'", "'").replace("\\\\", "\\")
                for value in _TEXT_OF_LIST.findall(text)]  # fmt: skip
    return [text]


def _moment(text: str, default: datetime) -> datetime:
    try:
        return datetime.fromisoformat(text).replace(tzinfo=UTC)
    except ValueError:
        return default


_FIXED: Final = _fixed()
