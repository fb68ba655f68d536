"""Paths into a tool's arguments, such as `$.reservation_id` or `$.passengers[*].dob`.

The subset of JSONPath (RFC 9535) with names, indexes and the wildcard index; nothing that could
search or compute.
"""

import re
from typing import Annotated

from pydantic import AfterValidator, JsonValue

_STEP = r"(?:\.[A-Za-z_][A-Za-z0-9_-]*|\[(?:\d{1,4}|\*)\])"
_PATH = re.compile(rf"\$(?:{_STEP})+")
_TOKEN = re.compile(r"\.([A-Za-z_][A-Za-z0-9_-]*)|\[(\d{1,4}|\*)\]")

Step = str | int | None
"""A name, an index, or None for every element."""


def parse(path: str) -> tuple[Step, ...]:
    """The steps of a path. Raises ValueError with what was expected."""
    if not _PATH.fullmatch(path):
        raise ValueError(f"is {path!r}, expected a path such as $.order_id or $.items[*].sku")
    steps: list[Step] = []
    for name, index in _TOKEN.findall(path):
        steps.append(name or (None if index == "*" else int(index)))
    return tuple(steps)


def find(value: JsonValue, steps: tuple[Step, ...]) -> list[JsonValue]:
    """Every value that the steps reach; none is an empty list."""
    if not steps:
        return [value]
    step, rest = steps[0], steps[1:]
    if isinstance(step, str):
        return find(value[step], rest) if isinstance(value, dict) and step in value else []
    if not isinstance(value, list):
        return []
    if step is None:
        return [found for item in value for found in find(item, rest)]
    return find(value[step], rest) if step < len(value) else []


def _checked(path: str) -> str:
    if path:
        parse(path)
    return path


ArgumentPath = Annotated[str, AfterValidator(_checked)]
"""A path into the arguments, or "" for none."""
