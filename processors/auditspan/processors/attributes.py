"""The attributes of a batch's spans, opened once and read by name."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

import pyarrow as pa

from auditspan.processors.batch import Batch, Mask
from auditspan.processors.maps import MapView
from auditspan.processors.texts import constant, filled, first_of, nonempty


@dataclass(frozen=True, slots=True)
class Attributes:
    """What spans say first, then what a dialect maps to the same name, then their resources."""

    span: MapView
    """Attributes of the spans."""
    resource: MapView
    """Attributes of their resources."""
    mapped: Mapping[str, pa.Array] = field(default_factory=dict)
    """Values by name that a dialect says in other words, "" where it does not."""

    @classmethod
    def of(cls, batch: Batch) -> "Attributes":
        """Open both map columns."""
        return cls(batch.view("SpanAttributes"), batch.view("ResourceAttributes"))

    def text(self, name: str) -> pa.Array:
        """The value of an attribute per record, "" where there is none."""
        sources = [view.value(name) for view in (self.span,) if name in view.index]
        sources += [self.mapped[name]] if name in self.mapped else []
        sources += [self.resource.value(name)] if name in self.resource.index else []
        return first_of(sources) if sources else constant("", self.span.length)

    def has(self, name: str) -> Mask:
        """Which records have a value for an attribute."""
        return nonempty(self.text(name))

    def known(self, name: str) -> bool:
        """Whether any record may have the attribute."""
        return name in self.span.index or name in self.mapped or name in self.resource.index

    def with_mapped(self, values: Mapping[str, pa.Array]) -> "Attributes":
        """The same with what a dialect says."""
        return replace(self, mapped={**self.mapped, **{k: filled(v) for k, v in values.items()}})
