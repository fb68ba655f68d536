"""Maps put together from pieces that each concern some rows."""

from dataclasses import dataclass, field

import numpy as np
import pyarrow as pa

from auditspan.storage.items import map_array
from auditspan.storage.scalars import Ints


@dataclass(frozen=True, slots=True)
class MapParts:
    """Pieces of one map column; within a row entries keep the order in which they were added."""

    rows: list[Ints] = field(default_factory=list)
    keys: list[pa.Array] = field(default_factory=list)
    values: list[pa.Array] = field(default_factory=list)

    def add(self, rows: Ints, keys: pa.Array | str, values: pa.Array) -> None:
        """Give each of the rows one entry; one key for all, or one a row."""
        if not len(rows):
            return
        if isinstance(keys, str):
            keys = pa.repeat(pa.scalar(keys), len(rows))
        self.rows.append(rows.astype(np.int64, copy=False))
        self.keys.append(keys)
        self.values.append(values.cast(pa.string()))

    def build(self, count: int) -> pa.Array:
        """The map column of `count` rows."""
        if not self.rows:
            empty = pa.array([], pa.string())
            return map_array(np.zeros(count + 1, dtype=np.int64), empty, empty)
        rows = np.concatenate(self.rows)
        order = np.argsort(rows, kind="stable")
        offsets = np.searchsorted(rows[order], np.arange(count + 1))
        places = pa.array(order)
        keys, values = pa.concat_arrays(self.keys), pa.concat_arrays(self.values)
        return map_array(offsets.astype(np.int64), keys.take(places), values.take(places))


def spread(offsets: Ints, owner_of_row: Ints) -> tuple[Ints, Ints]:
    """For rows that share owners: the row and the place of each item that a row gets."""
    counts = np.diff(offsets)[owner_of_row]
    rows = np.repeat(np.arange(len(owner_of_row)), counts)
    starts = np.repeat(offsets[:-1][owner_of_row] - (np.cumsum(counts) - counts), counts)
    return rows, starts + np.arange(len(rows))
