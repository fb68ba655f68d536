"""What a reader's statement may name: `functions.yaml` and `lists.yaml` as sets.

Names of functions are compared without regard to case. That is no wider than the engine: no
function that is refused differs from an allowed one in case alone (a test asks the engine).
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import Any

import yaml

_FOLDER = files("auditspan.storage.reading")
_NOT_CALLED = frozenset({"aggregates", "windows", "forms", "typed", "paired"})


@dataclass(frozen=True, slots=True)
class Functions:
    """The functions of `functions.yaml`, in lower case."""

    plain: frozenset[str]
    """Functions of values."""
    aggregates: frozenset[str]
    """Functions of groups, without combinators."""
    windows: frozenset[str]
    """Functions that are called over a window alone."""
    forms: frozenset[str]
    """What the engine calls that which a statement says without naming it."""
    typed: Mapping[str, int]
    """Which argument names a type."""
    paired: frozenset[str]
    """What takes two lists, one of which has to be written down."""
    combinators: Sequence[str]
    """What may follow the name of an aggregate, in lower case."""

    def callable(self, name: str) -> bool:
        """Whether a statement may call it by this name."""
        low = name.lower()
        return low in self.plain or low in self.windows or self.aggregate(low)

    def aggregate(self, name: str) -> bool:
        """Whether it is an aggregate, with or without combinators."""
        low = name.lower()
        if low in self.aggregates:
            return True
        return any(
            low.endswith(suffix) and self.aggregate(low.removesuffix(suffix))
            for suffix in self.combinators
        )


@dataclass(frozen=True, slots=True)
class RowFunctions:
    """Functions in place of a relation."""

    names: frozenset[str]
    most: int
    """Largest argument."""


@dataclass(frozen=True, slots=True)
class Bounds:
    """The whole numbers that a setting may have."""

    least: int
    most: int


SettingRule = str | Sequence[str] | Bounds
"""`bool`, `timezone`, the words that a setting may have, or its least and most."""


@dataclass(frozen=True, slots=True)
class Lists:
    """The rest of what may be named."""

    relations: Mapping[str, str]
    system: frozenset[str]
    row_functions: RowFunctions
    types: Mapping[str, str]
    """The engine's spelling of a type by its name in lower case."""
    formats: Mapping[str, str]
    """The engine's spelling of a format by its name in lower case."""
    settings: Mapping[str, SettingRule]
    ignored: frozenset[str]


@cache
def functions() -> Functions:
    """The functions that a reader may call."""
    groups = _read("functions.yaml")
    plain = [
        name for key, names in groups.items() if key not in _NOT_CALLED for name in names.split()
    ]
    return Functions(
        _low(plain),
        _low(groups["aggregates"].split()),
        _low(groups["windows"].split()),
        _low(groups["forms"].split()),
        {name.lower(): place for name, place in groups["typed"].items()},
        _low(groups["paired"].split()),
        [name.lower() for name in _read("lists.yaml")["combinators"]],
    )


@cache
def lists() -> Lists:
    """The other allow-lists."""
    read = _read("lists.yaml")
    rows = read["row_functions"]
    return Lists(
        read["relations"],
        frozenset(read["system"]),
        RowFunctions(_low(rows["names"]), rows["most"]),
        {name.lower(): name for name in read["types"].split()},
        {name.lower(): name for name in read["formats"].split()},
        {name: _rule(rule) for name, rule in read["settings"].items()},
        frozenset(read["ignored"].split()),
    )


def _rule(rule: object) -> SettingRule:
    match rule:
        case [int(least), int(most)]:
            return Bounds(least, most)
        case str(word):
            return word
        case list(words):
            return [str(word) for word in words]
    raise TypeError(f"lists.yaml: {rule!r} is no rule of a setting")


def _low(names: Sequence[str]) -> frozenset[str]:
    return frozenset(name.lower() for name in names)


def _read(name: str) -> dict[str, Any]:
    loaded: dict[str, Any] = yaml.safe_load((_FOLDER / name).read_text("utf-8"))
    return loaded
