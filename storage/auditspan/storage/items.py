"""Attribute lists as flat Arrow arrays, and the maps made of them: nothing here walks the rows."""

from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from auditspan.storage.otlp import KINDS
from auditspan.storage.scalars import Flags, Ints, Kinds, utf8
from auditspan.storage.texts import texts

Codes = npt.NDArray[np.int32]

MAP = pa.map_(pa.string(), pa.string())


@dataclass(frozen=True, slots=True)
class Items:
    """The attributes of many owners (spans, scopes, events, …), one after the other."""

    offsets: Ints
    """Owner n has the items from `offsets[n]` up to `offsets[n + 1]`."""
    names: pa.Array
    """The distinct keys."""
    codes: Codes
    """For each item which of them it has; within one owner each stands once."""
    values: pa.Array
    """Values as text, nested ones as JSON."""
    kinds: Kinds
    """Index into `KINDS` for each item."""
    duplicates: Flags
    """Owners that had a key twice."""
    undecodable: Flags
    """Owners with an empty key or a value that could not be read."""

    def __len__(self) -> int:
        return len(self.offsets) - 1

    @property
    def keys(self) -> pa.Array:
        """The key of each item."""
        return self.names.take(pa.array(self.codes))

    @property
    def owners(self) -> Ints:
        """The owner of each item."""
        return np.repeat(np.arange(len(self)), np.diff(self.offsets))

    def maps(self) -> pa.Array:
        """One map per owner."""
        return map_array(self.offsets, self.keys, self.values)

    def without(self, drop: Flags) -> "Items":
        """The same, less some items."""
        keep = ~drop
        count = np.concatenate(([0], np.cumsum(keep)))
        return replace(
            self,
            offsets=count[self.offsets],
            codes=self.codes[keep],
            values=self.values.filter(pa.array(keep)),
            kinds=self.kinds[keep],
        )


def items(lists: pa.ListArray) -> Items:
    """Take lists of attributes apart; rename duplicate keys, spell what is no string.

    Raises `SegmentUnreadable`.
    """
    offsets = offsets_of(lists)
    pairs = lists.flatten()
    owners = np.repeat(np.arange(len(lists)), np.diff(offsets))
    spelled = texts(pairs.field("value"))
    undecodable = np.zeros(len(lists), dtype=np.bool_)
    undecodable[owners[spelled.kinds == KINDS.index("strindex")]] = True
    undecodable[owners[spelled.failed]] = True
    names, codes = _coded(pairs.field("key"))
    undecodable[owners[codes == pc.index(names, "").as_py()]] = True
    names, codes, duplicates = _unique(names, codes, owners, len(lists))
    return Items(offsets, names, codes, spelled.values, spelled.kinds, duplicates, undecodable)


def _coded(keys: pa.Array) -> tuple[pa.Array, Codes]:
    """The distinct keys, and which of them each is."""
    encoded = keys.dictionary_encode()
    return utf8(encoded.dictionary), encoded.indices.to_numpy(zero_copy_only=False)


def map_array(offsets: Ints, keys: pa.Array, values: pa.Array) -> pa.Array:
    """A map array over flat keys and values."""
    return pa.MapArray.from_arrays(pa.array(offsets.astype(np.int32)), keys, values)


def offsets_of(lists: pa.Array) -> Ints:
    """Where the lists of a list array begin, counted from its first item."""
    offsets: Ints = lists.offsets.to_numpy(zero_copy_only=False).astype(np.int64)
    offsets -= offsets[0]
    return offsets


def _unique(
    names: pa.Array, codes: Codes, owners: Ints, count: int
) -> tuple[pa.Array, Codes, Flags]:
    """Rename the second and later uses of a key within its owner to `k#2`, `k#3`, …"""
    flags = np.zeros(count, dtype=np.bool_)
    repeated = _repeated(owners * len(names) + codes, count * len(names))
    if not len(repeated):
        return names, codes, flags
    flags[repeated // len(names)] = True
    places = np.flatnonzero(flags[owners])
    keys = names.take(pa.array(codes))
    fresh = _renamed(keys.take(pa.array(places)).to_pylist(), owners[places].tolist())
    mask = pa.array(flags[owners])
    renamed = pc.replace_with_mask(keys, mask, pa.array(fresh, pa.string()))
    return *_coded(renamed), flags


def _repeated(numbers: Ints, end: int) -> Ints:
    """Those of the numbers below `end` that are there more than once."""
    if end <= _DENSE * len(numbers):
        # A cell for each is a fifth of the work of sorting them.
        return np.flatnonzero(np.bincount(numbers, minlength=end) > 1)
    ordered = np.sort(numbers)
    repeated: Ints = ordered[1:][ordered[1:] == ordered[:-1]]
    return repeated


_DENSE = 8


def _renamed(keys: list[str], owners: list[int]) -> list[str]:
    """Only for owners with duplicates. A number is skipped where its name is taken already."""
    taken = set(zip(owners, keys, strict=True))
    seen: set[tuple[int, str]] = set()
    last: dict[tuple[int, str], int] = {}
    fresh = []
    for owner, key in zip(owners, keys, strict=True):
        name = key
        while (owner, name) in seen or (name != key and (owner, name) in taken):
            last[owner, key] = last.get((owner, key), 1) + 1
            name = f"{key}#{last[owner, key]}"
        seen.add((owner, name))
        fresh.append(name)
    return fresh
