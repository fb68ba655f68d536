"""The events of a batch's spans, opened once and read by name."""

from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from auditspan.processors.batch import Batch, mask_of
from auditspan.processors.lists import owners
from auditspan.processors.maps import MapView, Positions
from auditspan.processors.texts import constant, filled


@dataclass(frozen=True, slots=True)
class Events:
    """All events of a batch, one after the other."""

    names: pa.Array
    """The name of each."""
    attributes: MapView | None
    """The attributes of each; None without any event."""
    rows: Positions
    """The record that each belongs to."""
    length: int
    """Number of records."""

    @classmethod
    def of(cls, batch: Batch) -> "Events":
        """Open the column."""
        column = batch.column("Events")
        inner = column.flatten()
        rows = owners(column)
        if not len(inner):
            return cls(pa.array([], pa.string()), None, rows, len(batch))
        return cls(inner.field("Name"), MapView.of(inner.field("Attributes")), rows, len(batch))

    def text(self, name: str, attribute: str) -> pa.Array:
        """An attribute of the last event of a name per record; any event if the name is ""."""
        if self.attributes is None or attribute not in self.attributes.index:
            return constant("", self.length)
        values = filled(self.attributes.value(attribute))
        found = mask_of(pc.not_equal(values, ""))
        if name:
            found &= mask_of(pc.equal(self.names, name))
        places = np.flatnonzero(found)
        last = np.full(self.length, -1, dtype=np.int64)
        last[self.rows[places]] = places
        return filled(values.take(pa.array(last, mask=last < 0)))
