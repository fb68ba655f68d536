"""The lists of statements: `tests/query_attacks.sql` and `tests/query_honest.sql`."""

import re
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

TESTS: Final = Path(__file__).parents[2]


@dataclass(frozen=True, slots=True)
class Listed:
    """One statement of a list."""

    name: str
    sql: str
    params: dict[str, str] = field(default_factory=dict)
    marks: frozenset[str] = frozenset()


def listed(file: str) -> list[Listed]:
    """The statements of a list, in order; names are unique."""
    text = (TESTS / file).read_text("utf-8")
    found = [_one(part) for part in re.split(r"^-- name: ", text, flags=re.M)[1:]]
    names = [one.name for one in found]
    assert len(names) == len(set(names)), "two statements have one name"
    return found


def _one(part: str) -> Listed:
    name, _, rest = part.partition("\n")
    params: dict[str, str] = {}
    marks: set[str] = set()
    while mark := re.match(r"-- (?:param (\w+) = (.*)|(\w+))\n", rest):
        if mark[1]:
            params[mark[1]] = mark[2]
        else:
            marks.add(mark[3])
        rest = rest[mark.end() :]
    return Listed(name.strip(), rest.strip("\n"), params, frozenset(marks))
