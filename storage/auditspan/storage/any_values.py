"""`AnyValue` messages, told apart by their first bytes, on all of them at once.

A value as any protobuf library writes it is one field that fills the message
(https://protobuf.dev/programming-guides/encoding/). Any other is irregular: whoever meets one reads
it with the library.
"""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from auditspan.storage.otlp import KINDS
from auditspan.storage.scalars import Flags, Ints, Kinds

IRREGULAR = -1
"""Instead of an index into `KINDS`."""

_TAGS = {
    "string": 0x0A,
    "bool": 0x10,
    "int": 0x18,
    "double": 0x21,
    "array": 0x2A,
    "kvlist": 0x32,
    "bytes": 0x3A,
}
"""The first byte of a message: the number of the field, and how its content is written."""
_LONGEST_VARINT = 10
_KIND_OF_TAG = np.full(256, IRREGULAR, dtype=np.int8)
for _name, _tag in _TAGS.items():
    _KIND_OF_TAG[_tag] = KINDS.index(_name)


@dataclass(frozen=True, slots=True)
class AnyValues:
    """Many messages, one after the other."""

    data: npt.NDArray[np.uint8]
    """All bytes, and some behind the last that mean nothing."""
    starts: Ints
    sizes: Ints
    heads: Ints
    """How many bytes stand before the content."""
    kinds: Kinds
    """Index into `KINDS`, or `IRREGULAR`."""

    @classmethod
    def of(cls, raw: pa.Array) -> "AnyValues":
        """Look at the first bytes of each."""
        offsets = np.frombuffer(raw.buffers()[1] or bytes(4), dtype=np.int32)
        places = offsets[raw.offset :][: len(raw) + 1].astype(np.int64)
        data = np.frombuffer(raw.buffers()[2] or b"", dtype=np.uint8)
        if len(data) <= places[-1] + _LONGEST_VARINT:
            data = np.concatenate([data, np.zeros(_LONGEST_VARINT + 1, dtype=np.uint8)])
        starts, sizes = places[:-1], np.diff(places)
        kinds = np.where(sizes > 0, _KIND_OF_TAG[data[starts]], np.int8(KINDS.index("none")))
        heads = np.ones(len(starts), dtype=np.int64)
        for name in ("string", "array", "kvlist", "bytes"):
            own = np.flatnonzero(kinds == KINDS.index(name))
            heads[own] = _heads(data, starts[own], sizes[own])
        values = cls(data, starts, sizes, heads, kinds)
        kinds[values._irregular()] = IRREGULAR
        return values

    def of_kind(self, name: str) -> Ints:
        """Which messages are of a kind."""
        return np.flatnonzero(self.kinds == KINDS.index(name))

    def contents(self, places: Ints | None = None) -> pa.Array:
        """What stands behind the heads, for strings alone or for some messages."""
        wanted = self.kinds == KINDS.index("string")
        if places is not None:
            wanted = np.zeros(len(self.starts), dtype=np.bool_)
            wanted[places] = True
        # Each message becomes two pieces, head and content, and every second piece is copied.
        ends = self.starts + self.sizes
        pieces = np.empty(2 * len(ends) + 1, dtype=np.int32)
        pieces[0:-1:2] = self.starts
        pieces[1::2] = np.where(wanted, self.starts + self.heads, ends)
        pieces[-1] = ends[-1] if len(ends) else 0
        buffers = [None, pa.py_buffer(pieces), pa.py_buffer(self.data)]
        cut = pa.Array.from_buffers(pa.binary(), 2 * len(ends), buffers)
        chosen = np.arange(len(ends)) if places is None else places
        return cut.take(pa.array(2 * chosen + 1))

    def integers(self, places: Ints) -> Ints:
        """The numbers of messages that hold one."""
        starts, sizes = self.starts[places], self.sizes[places]
        value = np.zeros(len(places), dtype=np.uint64)
        for at in range(1, int(sizes.max(initial=0))):
            bits = (self.data[starts + np.minimum(at, sizes - 1)] & 0x7F).astype(np.uint64)
            value |= np.where(at < sizes, bits << np.uint64(7 * (at - 1)), np.uint64(0))
        return value.view(np.int64)

    def fractions(self, places: Ints) -> Ints:
        """The numbers of messages that hold a fraction, as their bits."""
        eight = self.data[self.starts[places][:, None] + np.arange(1, 9)]
        bits: Ints = np.ascontiguousarray(eight).view("<i8")[:, 0]
        return bits

    def _irregular(self) -> Flags:
        """Messages that are more or less than one field."""
        kinds, sizes = self.kinds, self.sizes
        bad: Flags = self.heads == 0
        truths = self.of_kind("bool")
        bad[truths] = (sizes[truths] != 2) | (self.data[self.starts[truths] + 1] > 1)
        bad |= (kinds == KINDS.index("double")) & (sizes != 9)
        whole = self.of_kind("int")
        bad[whole] = ~_is_varint(self.data, self.starts[whole] + 1, sizes[whole] - 1)
        return bad


def _heads(data: npt.NDArray[np.uint8], starts: Ints, sizes: Ints) -> Ints:
    """How many bytes tag and length take, 0 where the length is not that of the rest."""
    heads = np.zeros(len(starts), dtype=np.int64)
    length = np.zeros(len(starts), dtype=np.int64)
    left = np.arange(len(starts))
    for width in range(1, 6):
        byte = data[starts[left] + width].astype(np.int64)
        length[left] |= (byte & 0x7F) << (7 * (width - 1))
        fits = (byte < 0x80) & (length[left] == sizes[left] - width - 1)
        heads[left[fits]] = width + 1
        left = left[byte >= 0x80]
        if not len(left):
            break
    return heads


def _is_varint(data: npt.NDArray[np.uint8], starts: Ints, sizes: Ints) -> Flags:
    """Whether the only byte below 128 is the last."""
    good: Flags = (sizes > 0) & (sizes <= _LONGEST_VARINT)
    for at in range(min(int(sizes.max(initial=0)), _LONGEST_VARINT)):
        good &= (at >= sizes) | ((data[starts + at] < 0x80) == (at == sizes - 1))
    return good
