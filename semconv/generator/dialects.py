"""Reads `dialects.yaml`, written for people, and writes the JSON that the runtime loads."""

import json
import re
from pathlib import Path
from typing import Annotated, Self

from generator.load import Registry, RegistryInvalid, parse
from generator.model import Strict
from pydantic import BeforeValidator, Field, model_validator


def _words(value: object) -> object:
    return (value,) if isinstance(value, str) else value


class Condition(Strict):
    """What a span has; all that is named must hold."""

    attribute: str = ""
    """An attribute that is present."""
    values: Annotated[tuple[str, ...], BeforeValidator(_words)] = ()
    """Its value is one of these."""
    family: str = ""
    """An attribute begins with this."""
    scope: str = ""
    """The name of the scope begins with this."""

    @model_validator(mode="after")
    def _whole(self) -> Self:
        if not (self.attribute or self.family or self.scope):
            raise ValueError("names nothing; give attribute, family or scope")
        if self.values and not self.attribute:
            raise ValueError("has values, but no attribute")
        return self


def _source(value: object) -> object:
    return {"attribute": value} if isinstance(value, str) else value


class Source(Strict):
    """Where a value stands."""

    attribute: str = ""
    """The attribute, of the span or of the event."""
    span_name: str = ""
    """A pattern with the group `value`, matched with the span's name."""
    event: str = ""
    """Name of the event that has the attribute."""
    inside: str = ""
    """Key within the JSON object that the attribute is."""
    values: dict[str, str] = Field(default_factory=dict)
    """Their words for ours; `*` stands for all others."""
    when: Condition | None = None
    """Only on spans like this."""

    @model_validator(mode="after")
    def _whole(self) -> Self:
        if bool(self.attribute) == bool(self.span_name):
            raise ValueError("give either attribute or span_name")
        if self.span_name and "value" not in re.compile(self.span_name).groupindex:
            raise ValueError(f"span_name {self.span_name}: needs the group (?P<value>…)")
        return self


def _sources(value: object) -> object:
    return value if isinstance(value, list) else [value]


Sources = Annotated[
    tuple[Annotated[Source, BeforeValidator(_source)], ...], BeforeValidator(_sources)
]


class Dialect(Strict):
    """Somebody else's attribute names."""

    name: str = Field(pattern=r"^[a-z][a-z0-9-]*$")
    """What `Dialect` says."""
    brief: str
    """Whose it is."""
    detect: tuple[Condition, ...] = Field(min_length=1)
    """A span that meets one of them speaks it."""
    sources: dict[str, Sources] = Field(default_factory=dict)
    """Our names, and where they say it; the first that says something counts."""
    folds: dict[str, str] = Field(default_factory=dict)
    """Prefixes of indexed families, and the attribute that they become one JSON list of."""


class Shared(Strict):
    """`dialects.yaml`."""

    shared: dict[str, object] = Field(default_factory=dict)
    """Anchors that several dialects use."""
    dialects: tuple[Dialect, ...]
    """In the order in which they are tried."""


def read(path: Path, registry: Registry) -> tuple[Dialect, ...]:
    """The dialects; raises `RegistryInvalid`, also if one maps to a name we do not have."""
    dialects = parse(Shared, path).dialects
    known = {a.key for a in registry.attributes if "client" in a.ours.asserted_by}
    names = [dialect.name for dialect in dialects]
    if len(set(names)) < len(names):
        raise RegistryInvalid(f"{path.name}: a dialect stands twice: {names}")
    for dialect in dialects:
        for name in (*dialect.sources, *dialect.folds.values()):
            if name not in known:
                raise RegistryInvalid(
                    f"{path.name}: {dialect.name}: {name} is no attribute that a client may assert"
                )
    return dialects


def as_json(dialects: tuple[Dialect, ...]) -> str:
    """What the runtime loads."""
    plain = [dialect.model_dump(exclude_defaults=True) for dialect in dialects]
    return json.dumps({"dialects": plain}, ensure_ascii=False, indent=1) + "\n"
