"""Attribute lists as flat Arrow arrays, and the maps made of them: nothing here walks the rows."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from auditspan.storage import nested
from auditspan.storage.otlp import KINDS

Ints = npt.NDArray[np.int64]
Flags = npt.NDArray[np.bool_]

STRING = KINDS.index("string")
MAP = pa.map_(pa.string(), pa.string())


@dataclass(frozen=True, slots=True)
class Items:
    """The attributes of many owners (spans, scopes, events, …), one after the other."""

    offsets: Ints
    """Owner n has the items from `offsets[n]` up to `offsets[n + 1]`."""
    keys: pa.Array
    """Keys; within one owner each stands once."""
    values: pa.Array
    """Values as text, nested ones as JSON."""
    kinds: npt.NDArray[np.int8]
    """Index into `KINDS` for each item."""
    duplicates: Flags
    """Owners that had a key twice."""
    undecodable: Flags
    """Owners with an empty key or a value that could not be read."""

    def __len__(self) -> int:
        return len(self.offsets) - 1

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
        mask = pa.array(keep)
        return Items(
            count[self.offsets],
            self.keys.filter(mask),
            self.values.filter(mask),
            self.kinds[keep],
            self.duplicates,
            self.undecodable,
        )


def items(keys: pa.Array, values: pa.Array, kinds: pa.Array, marker: str) -> Items:
    """Take three list arrays of one shape apart; rename duplicate keys, read nested values."""
    offsets = offsets_of(keys)
    flat, text = keys.flatten(), values.flatten()
    kind = kinds.flatten().to_numpy(zero_copy_only=False)
    owners = np.repeat(np.arange(len(keys)), np.diff(offsets))
    undecodable = np.zeros(len(keys), dtype=np.bool_)
    undecodable[owners[_true(pc.equal(flat, ""))]] = True
    undecodable[owners[kind == KINDS.index("strindex")]] = True
    text, failed = _read_nested(text, kind, marker)
    undecodable[owners[failed]] = True
    flat, duplicates = _unique_keys(flat, owners, len(keys))
    return Items(offsets, flat, text, kind, duplicates, undecodable)


def map_array(offsets: Ints, keys: pa.Array, values: pa.Array) -> pa.Array:
    """A map array over flat keys and values."""
    return pa.MapArray.from_arrays(pa.array(offsets.astype(np.int32)), keys, values)


def offsets_of(lists: pa.Array) -> Ints:
    """Where the lists of a list array begin, counted from its first item."""
    offsets: Ints = lists.offsets.to_numpy(zero_copy_only=False).astype(np.int64)
    offsets -= offsets[0]
    return offsets


def _true(mask: pa.Array) -> Flags:
    return np.asarray(mask.to_numpy(zero_copy_only=False), dtype=np.bool_)


def _read_nested(
    text: pa.Array, kind: npt.NDArray[np.int8], marker: str
) -> tuple[pa.Array, npt.NDArray[np.int64]]:
    """Put JSON in place of marked bytes; also gives the items that could not be read in full."""
    places = np.flatnonzero((kind == KINDS.index("array")) | (kind == KINDS.index("kvlist")))
    if not len(places):
        return text, places
    marked = text.take(pa.array(places)).dictionary_encode()
    read = [nested.text(value[len(marker) :]) for value in marked.dictionary.to_pylist()]
    codes = marked.indices.to_numpy(zero_copy_only=False)
    good = np.array([whole for _, whole in read], dtype=np.bool_)
    fresh = pa.array([words for words, _ in read], pa.string()).take(marked.indices)
    return _replace(text, places, fresh), places[~good[codes]]


def _replace(array: pa.Array, places: Ints, fresh: pa.Array) -> pa.Array:
    mask = np.zeros(len(array), dtype=np.bool_)
    mask[places] = True
    return pc.replace_with_mask(array, pa.array(mask), fresh)


def _unique_keys(keys: pa.Array, owners: Ints, count: int) -> tuple[pa.Array, Flags]:
    """Rename the second and later uses of a key within its owner to `k#2`, `k#3`, …"""
    flags = np.zeros(count, dtype=np.bool_)
    encoded = keys.dictionary_encode()
    codes = encoded.indices.to_numpy(zero_copy_only=False).astype(np.int64)
    pairs = owners * (len(encoded.dictionary) + 1) + codes
    ordered = np.sort(pairs)
    repeated = ordered[1:][ordered[1:] == ordered[:-1]]
    if not len(repeated):
        return keys, flags
    flags[repeated // (len(encoded.dictionary) + 1)] = True
    places = np.flatnonzero(flags[owners])
    fresh = _renamed(keys.take(pa.array(places)).to_pylist(), owners[places].tolist())
    return _replace(keys, places, pa.array(fresh, pa.string())), flags


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
