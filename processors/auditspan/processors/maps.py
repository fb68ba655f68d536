"""Work on Arrow map columns per key instead of per row.

The flat keys of a column are dictionary-encoded once; a key is then found by comparing integers,
and a value per row is one `take`. Keys are unique within a row: decode renames repeats to `k#2`.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

Positions = npt.NDArray[np.int64]

_TEXTS = pa.map_(pa.string(), pa.string())


@dataclass(frozen=True, slots=True)
class MapView:
    """A map column opened for look-ups by key."""

    keys: list[str]
    """The distinct keys."""
    codes: npt.NDArray[np.int32]
    """For each entry the index into `keys`."""
    rows: npt.NDArray[np.int32]
    """For each entry the row that holds it."""
    items: pa.Array
    """For each entry its value."""
    length: int
    """Number of rows."""
    index: Mapping[str, int] = field(repr=False)
    """`keys` the other way round."""

    @classmethod
    def of(cls, column: pa.MapArray) -> "MapView":
        """Open a column; a slice of a longer one and null maps are fine."""
        offsets = _offsets(column)
        start, length = int(offsets[0]), int(offsets[-1] - offsets[0])
        encoded = column.keys.slice(start, length).dictionary_encode()
        keys = encoded.dictionary.to_pylist()
        rows = np.repeat(np.arange(len(column), dtype=np.int32), np.diff(offsets))
        return cls(
            keys,
            encoded.indices.to_numpy(zero_copy_only=False),
            rows,
            column.items.slice(start, length),
            len(column),
            {key: code for code, key in enumerate(keys)},
        )

    def with_items(self, column: pa.MapArray) -> "MapView":
        """The view of a column with the same keys in the same places, and other values."""
        start, length = _span(column)
        return replace(self, items=column.items.slice(start, length))

    def entries(self, key: str) -> Positions:
        """Where the entries of a key are."""
        code = self.index.get(key)
        if code is None:
            return np.empty(0, dtype=np.int64)
        return np.flatnonzero(self.codes == code)

    def value(self, key: str) -> pa.Array:
        """The value of a key per row; null where a row has none."""
        if key not in self.index:
            return pa.nulls(self.length, self.items.type)
        entries = self.entries(key)
        return self.items.take(pa.array(self.spread(entries, entries), mask=self._absent(entries)))

    def has(self, key: str) -> npt.NDArray[np.bool_]:
        """Which rows have a key."""
        return ~self._absent(self.entries(key))

    def spread(self, entries: Positions, values: npt.NDArray[np.int64]) -> npt.NDArray[np.int64]:
        """One number per row from one per entry; 0 where there is none."""
        spread = np.zeros(self.length, dtype=np.int64)
        spread[self.rows[entries]] = values
        return spread

    def _absent(self, entries: Positions) -> npt.NDArray[np.bool_]:
        absent = np.ones(self.length, dtype=np.bool_)
        absent[self.rows[entries]] = False
        return absent


def map_value(column: pa.MapArray, key: str) -> pa.Array:
    """The value of one key per row; null where a row has none."""
    return MapView.of(column).value(key)


def map_values(column: pa.MapArray, keys: Iterable[str]) -> dict[str, pa.Array]:
    """The values of many keys in one pass over the column."""
    view = MapView.of(column)
    return {key: view.value(key) for key in keys}


def rename_keys(column: pa.MapArray, names: Mapping[str, str]) -> pa.MapArray:
    """Give keys another name; the column itself if it has none of them."""
    view = MapView.of(column)
    if not names.keys() & view.index.keys():
        return column
    renamed = pa.array([names.get(key, key) for key in view.keys], type=column.type.key_type)
    return _rebuilt(column, renamed.take(pa.array(view.codes)), view.items)


def drop_keys(column: pa.MapArray, keys: Iterable[str]) -> pa.MapArray:
    """Leave keys out; the column itself if it has none of them."""
    view = MapView.of(column)
    codes = [view.index[key] for key in keys if key in view.index]
    if not codes:
        return column
    kept = np.flatnonzero(~np.isin(view.codes, codes))
    counts = np.bincount(view.rows[kept], minlength=view.length)
    offsets = np.concatenate([[0], np.cumsum(counts)]).astype(np.int32)
    names = pa.array(view.keys, type=column.type.key_type)
    return pa.MapArray.from_arrays(
        pa.array(offsets),
        names.take(pa.array(view.codes[kept])),
        view.items.take(pa.array(kept)),
        type=column.type,
    )


def replace_items(column: pa.MapArray, entries: Positions, values: pa.Array) -> pa.MapArray:
    """Give the entries at some positions of `MapView.items` other values, in their order."""
    if not len(entries):
        return column
    start, length = _span(column)
    # Ascending, and the last one counts where an entry is named twice.
    _, last = np.unique(entries[::-1], return_index=True)
    chosen = values.take(pa.array(len(entries) - 1 - last)).cast(column.type.item_type)
    mask = np.zeros(length, dtype=np.bool_)
    mask[entries] = True
    items = pc.replace_with_mask(column.items.slice(start, length), pa.array(mask), chosen)
    return _rebuilt(column, column.keys.slice(start, length), items)


def build_map(values: Mapping[str, pa.Array], length: int) -> pa.MapArray:
    """One map per row of all values that are not null; keys in the order given."""
    names, arrays = list(values), [_text(array) for array in values.values()]
    present = [np.flatnonzero(_valid(array)) for array in arrays]
    rows = np.concatenate([np.empty(0, dtype=np.int64), *present])
    codes = np.repeat(np.arange(len(names), dtype=np.int32), [len(part) for part in present])
    # Stable: within a row the keys keep their order.
    order = np.argsort(rows, kind="stable")
    items = pa.concat_arrays([pa.array([], pa.string())] + [array.drop_null() for array in arrays])
    counts = np.bincount(rows, minlength=length)
    return pa.MapArray.from_arrays(
        pa.array(np.concatenate([[0], np.cumsum(counts)]).astype(np.int32)),
        pa.array(names, type=pa.string()).take(pa.array(codes[order])),
        items.take(pa.array(order)),
        type=_TEXTS,
    )


def merge_maps(first: pa.MapArray, second: pa.MapArray) -> pa.MapArray:
    """The entries of two columns in one; what the second says stands after the first."""
    views: Sequence[MapView] = (MapView.of(first), MapView.of(second))
    rows = np.concatenate([view.rows for view in views])
    order = pa.array(np.argsort(rows, kind="stable"))
    keys = pa.concat_arrays([pa.array(v.keys, pa.string()).take(pa.array(v.codes)) for v in views])
    items = pa.concat_arrays([view.items for view in views])
    counts = np.bincount(rows, minlength=len(first))
    offsets = pa.array(np.concatenate([[0], np.cumsum(counts)]).astype(np.int32))
    return pa.MapArray.from_arrays(offsets, keys.take(order), items.take(order), type=_TEXTS)


def _offsets(column: pa.MapArray) -> npt.NDArray[np.int64]:
    return np.asarray(column.offsets.to_numpy(zero_copy_only=False), dtype=np.int64)


def _span(column: pa.MapArray) -> tuple[int, int]:
    offsets = _offsets(column)
    return int(offsets[0]), int(offsets[-1] - offsets[0])


def _rebuilt(column: pa.MapArray, keys: pa.Array, items: pa.Array) -> pa.MapArray:
    offsets = _offsets(column)
    own = pa.array((offsets - offsets[0]).astype(np.int32))
    return pa.MapArray.from_arrays(own, keys, items, type=column.type)


def _text(array: pa.Array) -> pa.Array:
    return array if array.type == pa.string() else pc.cast(array, pa.string())


def _valid(array: pa.Array) -> npt.NDArray[np.bool_]:
    return np.asarray(array.is_valid().to_numpy(zero_copy_only=False))
