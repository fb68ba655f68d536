"""Other people's words for ours: how a span's dialect is told, and what its attributes mean.

The table stands in `dialects.yaml`; what is loaded is the JSON that `make semconv` makes of it. A
new dialect is a new entry there and no code.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cache
from importlib.resources import files
from typing import TypedDict


@dataclass(frozen=True, slots=True)
class Condition:
    """What a span has; all that is named must hold."""

    attribute: str = ""
    """An attribute that is present."""
    values: tuple[str, ...] = ()
    """Its value is one of these; empty: any."""
    family: str = ""
    """Some attribute begins with this."""
    scope: str = ""
    """The name of the instrumentation scope begins with this."""


@dataclass(frozen=True, slots=True)
class Source:
    """Where a dialect says something; either `attribute` or `span_name` is given."""

    attribute: str = ""
    """The attribute, of the span or of the event."""
    span_name: str = ""
    """A pattern with the group `value`, matched with the span's name."""
    event: str = ""
    """Name of the event that has the attribute, "" for the span itself."""
    inside: str = ""
    """Key within the JSON object that the attribute is; the whole text if it is none."""
    values: Mapping[str, str] = field(default_factory=dict)
    """Their words for ours; `*` stands for all others, and a word that is not listed stays."""
    when: Condition | None = None
    """Only on spans that meet this."""


@dataclass(frozen=True, slots=True)
class Dialect:
    """Somebody else's attribute names."""

    name: str
    """What the column `Dialect` says."""
    detect: tuple[Condition, ...]
    """A span that meets one of them speaks it."""
    sources: Mapping[str, tuple[Source, ...]]
    """Our names, and where the dialect says it; the first that says something counts."""
    folds: Mapping[str, str]
    """Prefixes of indexed families, and the attribute that each becomes one JSON list of."""


class _Condition(TypedDict, total=False):
    attribute: str
    values: list[str]
    family: str
    scope: str


class _Source(TypedDict, total=False):
    attribute: str
    span_name: str
    event: str
    inside: str
    values: dict[str, str]
    when: _Condition


class _Dialect(TypedDict):
    name: str
    detect: list[_Condition]
    sources: dict[str, list[_Source]]
    folds: dict[str, str]


@cache
def load() -> tuple[Dialect, ...]:
    """All dialects in the order in which they are tried; the first that fits is the span's."""
    text = files(__package__).joinpath("dialects.json").read_text(encoding="utf-8")
    return tuple(_dialect(entry) for entry in json.loads(text)["dialects"])


def _dialect(entry: _Dialect) -> Dialect:
    sources = {
        name: tuple(_source(source) for source in sources)
        for name, sources in entry.get("sources", {}).items()
    }
    detect = tuple(_condition(condition) for condition in entry["detect"])
    return Dialect(entry["name"], detect, sources, entry.get("folds", {}))


def _condition(entry: _Condition) -> Condition:
    return Condition(
        entry.get("attribute", ""),
        tuple(entry.get("values", ())),
        entry.get("family", ""),
        entry.get("scope", ""),
    )


def _source(entry: _Source) -> Source:
    return Source(
        entry.get("attribute", ""),
        entry.get("span_name", ""),
        entry.get("event", ""),
        entry.get("inside", ""),
        entry.get("values", {}),
        _condition(entry["when"]) if "when" in entry else None,
    )
