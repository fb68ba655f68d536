"""Events and links of spans: lists of structs made from flat arrays."""

from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from auditspan.storage.items import Items
from auditspan.storage.parts import MapParts
from auditspan.storage.requests import Level
from auditspan.storage.scalars import LAST_TIME, Flags, Integers, Ints, hexes, times


@dataclass(frozen=True, slots=True)
class Lists:
    """The events, or the links, of all spans, one after the other."""

    name: str
    """`event` or `link`, as in the keys of extras and types."""
    level: Level
    """The elements as they were read."""
    fields: dict[str, pa.Array]
    """The struct's fields but the attributes."""
    items: Items
    """The attributes of each element."""
    numbers: dict[str, Integers]
    """What no field holds, by the name it has in the extras; 0 is absent."""

    @property
    def rows(self) -> Ints:
        """The span of each element."""
        return self.level.owners

    def structs(self) -> pa.Array:
        """The list column."""
        arrays = [*self.fields.values(), self.items.maps()]
        structs = pa.StructArray.from_arrays(arrays, [*self.fields, "Attributes"])
        return pa.ListArray.from_arrays(pa.array(self.level.offsets.astype(np.int32)), structs)

    def add_extras(self, parts: MapParts) -> None:
        """What no field holds, under `event.<i>.<what>`."""
        for what, numbers in self.numbers.items():
            places = np.flatnonzero(numbers)
            keys = self._keys(places, ".", pa.repeat(pa.scalar(what), len(places)))
            parts.add(self.rows[places], keys, pa.array(numbers[places]))

    def add_types(self, parts: MapParts, places: Ints, kinds: pa.Array) -> None:
        """Types of attribute values, under `event/<i>/<key>`."""
        owners = self.items.owners[places]
        keys = self._keys(owners, "/", self.items.keys.take(pa.array(places)))
        parts.add(self.rows[owners], keys, kinds)

    def flags(self, of_element: Flags) -> Flags:
        """Spans of which an element is flagged."""
        flags = np.zeros(len(self.level.offsets) - 1, dtype=np.bool_)
        flags[self.rows[of_element]] = True
        return flags

    def _keys(self, elements: Ints, mark: str, tails: pa.Array) -> pa.Array:
        numbers = elements - self.level.offsets[:-1][self.rows[elements]]
        heads = [f"{self.name}{mark}{number}{mark}" for number in numbers.tolist()]
        return pc.binary_join_element_wise(pa.array(heads, pa.string()), tails, "")


def events(spans: Level) -> Lists:
    """The events of all spans."""
    level = spans.below("events")
    nanos = level.numbers("time_unix_nano")
    return Lists(
        "event",
        level,
        {"Timestamp": times(nanos), "Name": level.texts("name")},
        level.items(),
        {
            "dropped_attributes_count": level.numbers("dropped_attributes_count"),
            "time_unix_nano": np.where(nanos > LAST_TIME, nanos, 0),
        },
    )


def links(spans: Level) -> Lists:
    """The links of all spans."""
    level = spans.below("links")
    return Lists(
        "link",
        level,
        {
            "TraceId": hexes(level.field("trace_id")),
            "SpanId": hexes(level.field("span_id")),
            "TraceState": level.texts("trace_state"),
        },
        level.items(),
        {
            "flags": level.numbers("flags"),
            "dropped_attributes_count": level.numbers("dropped_attributes_count"),
        },
    )
