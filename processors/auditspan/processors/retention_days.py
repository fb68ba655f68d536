"""For how many days each class is kept: what is configured, over presets, over 400.

The presets are those of `retention_presets.yaml`. Of several the longest counts. What is configured
explicitly goes before them, and may be shorter only if the configuration says why.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Annotated, Final, Self

from pydantic import BaseModel, ConfigDict, Field, StringConstraints, TypeAdapter, model_validator

from auditspan.processors.data import data_file

DEFAULT: Final = "default"
OTHER: Final = "other"
FALLBACK_DAYS: Final = 400
FALLBACK_CLASSES: Final[Mapping[str, int]] = {OTHER: 30}

Days = Annotated[int, Field(ge=1, le=36_500)]
Reason = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=1024)]


class Preset(BaseModel):
    """What one law or standard asks for."""

    model_config = ConfigDict(frozen=True, extra="forbid", use_attribute_docstrings=True)

    title: str
    """Its name for people."""
    days: Days
    """Of every class that is not listed."""
    least: Days
    """What the source asks; `days` is that and some to spare."""
    classes: Mapping[str, Days] = {}
    """Classes that the source is not about, and how long they are kept."""
    source: str
    """Where it stands."""


@dataclass(frozen=True, slots=True)
class Kept:
    """How long one class is kept."""

    name: str
    days: int
    origin: str
    """`configured`, `preset <name>` or `built in`."""

    @property
    def partitions(self) -> int:
        """Days of receipt that are there at once: a record is kept from the end of its own."""
        return self.days + 1


class RetentionConfig(BaseModel):
    """Days per class."""

    model_config = ConfigDict(frozen=True, extra="forbid", use_attribute_docstrings=True)

    presets: tuple[str, ...] = ()
    """`soc2`, `pci_dss`, `hipaa`, `eu_ai_act`: of several the longest counts
    (docs/erasure-and-retention.md)."""
    days: Days | None = None
    """Of every class that is not listed; none: of the presets, else 400, which is twelve months and
    some to spare."""
    classes: Mapping[str, Days] | None = None
    """By class, over the presets; `other` is what is no act of an agent, such as a request of the
    web framework. None: `other: 30`."""
    below: Mapping[str, Reason] = {}
    """Why a class is kept for less than a preset asks, by class; without a reason it is refused."""

    @model_validator(mode="after")
    def _as_long_as_asked(self) -> Self:
        unknown = sorted(set(self.presets) - set(presets()))
        if unknown:
            raise ValueError(
                f"presets: expected some of {', '.join(presets())}, got {unknown[0]!r}"
            )
        found = [said for kept in self.effective() if (said := self._shortfall(kept))]
        if found:
            raise ValueError("; ".join(found))
        return self

    def days_of(self, name: str) -> int:
        """Days of a class, listed or not."""
        return self.kept(name).days

    def kept(self, name: str) -> Kept:
        """How long a class is kept, and who says so."""
        if self.classes is not None and name in self.classes:
            return Kept(name, self.classes[name], "configured")
        of_class = {p: presets()[p].classes.get(name, 0) for p in self.presets}
        if any(of_class.values()):
            return _longest(name, of_class)
        if not self.presets and self.classes is None and name in FALLBACK_CLASSES:
            return Kept(name, FALLBACK_CLASSES[name], "built in")
        if self.days is not None:
            return Kept(name, self.days, "configured")
        if self.presets:
            return _longest(name, {p: presets()[p].days for p in self.presets})
        return Kept(name, FALLBACK_DAYS, "built in")

    def effective(self) -> tuple[Kept, ...]:
        """Every class that is spoken of; `default` is all the others."""
        listed = self.classes if self.classes is not None else FALLBACK_CLASSES
        of_presets = {name for p in self.presets for name in presets()[p].classes}
        names = sorted({*listed, *of_presets, OTHER} - {DEFAULT})
        return tuple(self.kept(name) for name in (DEFAULT, *names))

    def shortfalls(self) -> tuple[str, ...]:
        """What is kept for less than a preset asks, with the reason that was given."""
        return tuple(
            f"{kept.name}: {short}: {self.below[kept.name]}"
            for kept in self.effective()
            if (short := self._short_of(kept))
        )

    def _shortfall(self, kept: Kept) -> str:
        short = self._short_of(kept)
        if not short or kept.name in self.below:
            return ""
        return f"class {kept.name!r}: {short}; keep it longer, or say why under below.{kept.name}"

    def _short_of(self, kept: Kept) -> str:
        asked = {
            name: preset
            for name in self.presets
            if kept.name not in (preset := presets()[name]).classes and kept.days < preset.least
        }
        said = (f"{name} asks for {p.least} ({p.source})" for name, p in asked.items())
        return f"{kept.days} days, and {', '.join(said)}" if asked else ""


def presets() -> Mapping[str, Preset]:
    """The presets by name."""
    return _PRESETS


def _longest(name: str, days: Mapping[str, int]) -> Kept:
    preset = max(days, key=lambda each: days[each])
    return Kept(name, days[preset], f"preset {preset}")


_PRESETS: Final = TypeAdapter(dict[str, Preset]).validate_python(
    data_file("retention_presets.yaml")
)
