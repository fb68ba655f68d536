"""Reads the registry from its folder; what is malformed is named with its file and place."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

import yaml
from generator.model import Attribute, AttributeGroup, ColumnFile, Definitions, Span, SpanRefinement
from pydantic import BaseModel, ValidationError

SECTIONS = (
    "record",
    "agent",
    "principal",
    "authorization",
    "action",
    "context",
    "policy",
    "content",
    "outcome",
    "usage",
    "risk",
    "compliance",
)
"""Files of attributes in the order of the reference page."""

Model = TypeVar("Model", bound=BaseModel)


class RegistryInvalid(Exception):
    """A file of the registry cannot be used."""


@dataclass(frozen=True, slots=True)
class Registry:
    """Everything that the generator knows."""

    sections: dict[str, tuple[Attribute, ...]]
    """Attributes by section."""
    groups: tuple[AttributeGroup, ...]
    """Attribute groups."""
    spans: tuple[Span, ...]
    """Types of span."""
    refinements: tuple[SpanRefinement, ...]
    """Refinements of spans."""
    columns: ColumnFile
    """Order and the columns without an attribute."""

    @property
    def attributes(self) -> Iterator[Attribute]:
        """All attributes."""
        return (attribute for section in self.sections.values() for attribute in section)


def load(package: Path) -> Registry:
    """Read the registry of the package folder; raises `RegistryInvalid`."""
    folder = package / "registry"
    found = {path.stem for path in folder.glob("*.yaml")} - {"manifest", "spans"}
    if found != set(SECTIONS):
        raise RegistryInvalid(f"{folder}: expected the files {SECTIONS}, found {sorted(found)}")
    files = {name: parse(Definitions, folder / f"{name}.yaml") for name in (*SECTIONS, "spans")}
    spans = files.pop("spans")
    return Registry(
        {name: file.attributes for name, file in files.items()},
        spans.attribute_groups,
        spans.spans,
        spans.span_refinements,
        parse(ColumnFile, package / "columns.yaml"),
    )


def parse(model: type[Model], path: Path) -> Model:
    """One file as its model."""
    try:
        return model.model_validate(yaml.safe_load(path.read_text("utf-8")))
    except yaml.YAMLError as error:
        raise RegistryInvalid(f"{path.name}: {error}") from error
    except ValidationError as error:
        first = error.errors()[0]
        place = ".".join(map(str, first["loc"]))
        raise RegistryInvalid(f"{path.name}: {place}: {first['msg']}") from error
