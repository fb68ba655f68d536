"""Events and links of spans: lists of structs made from flat arrays."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from auditspan.storage.items import Flags, Ints, Items, items, offsets_of
from auditspan.storage.parts import MapParts
from auditspan.storage.scalars import LAST_TIME, Unsigned, times


@dataclass(frozen=True, slots=True)
class Lists:
    """The events, or the links, of all spans, one after the other."""

    name: str
    """`event` or `link`, as in the keys of extras and types."""
    offsets: Ints
    """Span n has the elements from `offsets[n]` up to `offsets[n + 1]`."""
    fields: dict[str, pa.Array]
    """The struct's fields but the attributes."""
    items: Items
    """The attributes of each element."""
    numbers: dict[str, Unsigned]
    """What no field holds, by the name it has in the extras; 0 is absent."""

    @property
    def rows(self) -> Ints:
        """The span of each element."""
        return np.repeat(np.arange(len(self.offsets) - 1), np.diff(self.offsets))

    def structs(self) -> pa.Array:
        """The list column."""
        arrays = [*self.fields.values(), self.items.maps()]
        structs = pa.StructArray.from_arrays(arrays, [*self.fields, "Attributes"])
        return pa.ListArray.from_arrays(pa.array(self.offsets.astype(np.int32)), structs)

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
        flags = np.zeros(len(self.offsets) - 1, dtype=np.bool_)
        flags[self.rows[of_element]] = True
        return flags

    def _keys(self, elements: Ints, mark: str, tails: pa.Array) -> pa.Array:
        numbers = elements - self.offsets[:-1][self.rows[elements]]
        heads = [f"{self.name}{mark}{number}{mark}" for number in numbers.tolist()]
        return pc.binary_join_element_wise(pa.array(heads, pa.string()), tails, "")


def events(flat: pa.Table, marker: str) -> Lists:
    """The events of a decoding statement's result."""
    nanos = _numbers(flat, "EventTimes")
    return Lists(
        "event",
        offsets_of(_array(flat, "EventKeys")),
        {"Timestamp": times(nanos), "Name": _array(flat, "EventNames").flatten()},
        _items(flat, "Event", marker),
        {
            "dropped_attributes_count": _numbers(flat, "EventDropped"),
            "time_unix_nano": np.where(nanos > LAST_TIME, nanos, 0),
        },
    )


def links(flat: pa.Table, marker: str) -> Lists:
    """The links of a decoding statement's result."""
    fields = {"TraceId": "LinkTraceIds", "SpanId": "LinkSpanIds", "TraceState": "LinkStates"}
    return Lists(
        "link",
        offsets_of(_array(flat, "LinkKeys")),
        {name: _array(flat, column).flatten() for name, column in fields.items()},
        _items(flat, "Link", marker),
        {
            "flags": _numbers(flat, "LinkFlags"),
            "dropped_attributes_count": _numbers(flat, "LinkDropped"),
        },
    )


def _array(flat: pa.Table, name: str) -> pa.Array:
    column = flat.column(name)
    return column.chunk(0) if column.num_chunks else pa.array([], column.type)


def _numbers(flat: pa.Table, name: str) -> Unsigned:
    values: npt.NDArray[np.uint64] = _array(flat, name).flatten().to_numpy(zero_copy_only=False)
    return values


def _items(flat: pa.Table, name: str, marker: str) -> Items:
    keys, values, kinds = (
        _array(flat, f"{name}{what}").flatten() for what in ("Keys", "Values", "Kinds")
    )
    return items(keys, values, kinds, marker)
