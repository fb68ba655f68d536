"""Paths reach into arguments and do nothing else."""

import pytest
from pydantic import JsonValue

from auditspan.registry.paths import find, parse

BOOKING: JsonValue = {"id": "R1", "people": [{"dob": "a"}, {"name": "x"}, {"dob": "b"}]}


@pytest.mark.parametrize(
    ("path", "found"),
    [
        ("$.id", ["R1"]),
        ("$.people[*].dob", ["a", "b"]),
        ("$.people[1].name", ["x"]),
        ("$.people[9].name", []),
        ("$.id.more", []),
        ("$.nothing", []),
        ("$.id[0]", []),
    ],
)
def test_a_path_finds_what_is_there(path: str, found: list[str]) -> None:
    """Missing names, indexes and wrong kinds find nothing."""
    assert find(BOOKING, parse(path)) == found


@pytest.mark.parametrize("path", ["id", "$", "$..id", "$.a[?(@.x)]", "$.a[-1]", "$.a b", "$.a\n"])
def test_anything_else_is_refused(path: str) -> None:
    """Searching, computing and loose text are not paths."""
    with pytest.raises(ValueError, match="expected a path"):
        parse(path)
