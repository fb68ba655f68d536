"""What the columns of a batch hold, so that its sealing statement says no more than it must.

Digests leave defaults out (docs/integrity-format.md): a column without a value in the whole batch
is not named, for the engine takes milliseconds to understand what a statement says of it. One with
a value in every row needs no question whether there is one, where all values are equally long,
their length is a part of the statement and not of the work, and a map that is in order already is
not sorted.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc


@dataclass(frozen=True, slots=True)
class Filling:
    """What is known of a column that holds anything."""

    always: bool = False
    """It does so in every row."""
    length: int = 0
    """Bytes of its canonical value, if it is as long in every row; 0 if that is not known."""
    ordered: bool = False
    """Of a map: in every row its keys ascend as bytes, and none is there twice."""


def filled(table: pa.Table) -> Mapping[str, Filling]:
    """The columns with a value other than the default of their type in some row.

    A column of a kind that is not known here counts as filled.
    """
    found = {name: _filling(table[name]) for name in table.column_names}
    return {name: filling for name, filling in found.items() if filling is not None}


def _filling(column: pa.ChunkedArray) -> Filling | None:
    kind = column.type
    if pa.types.is_string(kind) or pa.types.is_binary(kind):
        least, most = _extremes(pc.binary_length(column))
        return _of(column, least, most, least if least == most else 0)
    if pa.types.is_list(kind) or pa.types.is_map(kind):
        counts = [np.diff(chunk.offsets.to_numpy()) for chunk in column.chunks if len(chunk)]
        least, most = _extremes(
            pa.chunked_array([np.concatenate(counts or [np.zeros(0, np.int64)])])
        )
        found = _of(column, least, most, 0)
        if found and pa.types.is_map(kind):
            return replace(found, ordered=_ascend(column))
        return found
    for test, number in _NUMBERS:
        if test(kind):
            least, most = _extremes(column if number is None else column.cast(number))
            return _of(column, least, most, _digits(least, most))
    return Filling()


_NUMBERS = (
    (pa.types.is_integer, None),
    (pa.types.is_timestamp, pa.int64()),
    (pa.types.is_date32, pa.int32()),
)
"""Kinds whose canonical value is a number in decimal, and what they are as one."""


def _digits(least: int, most: int) -> int:
    """How many all numbers between have; 0 if not the same."""
    digits = len(str(least))
    return digits if least > 0 and digits == len(str(most)) else 0


def _ascend(maps: pa.ChunkedArray) -> bool:
    """Whether each key is greater than the one before it in its row."""
    # Mostly the first rows tell that it is not so.
    parts = [maps.slice(0, _FEW).chunks, maps.chunks]
    return all(_ascending(chunk) for part in parts for chunk in part)


_FEW = 20


def _ascending(maps: pa.MapArray) -> bool:
    offsets = maps.offsets.to_numpy()
    begin, end = int(offsets[0]), int(offsets[-1])
    keys = maps.keys.slice(begin, end - begin)
    if len(keys) < 2:
        return True
    greater = pc.less(keys.slice(0, len(keys) - 1), keys.slice(1)).to_numpy(zero_copy_only=False)
    starts = offsets[(offsets > begin) & (offsets < end)] - begin
    within = np.ones(len(greater), dtype=np.bool_)
    within[starts - 1] = False
    return bool(greater[within].all())


def _extremes(numbers: pa.ChunkedArray) -> tuple[int, int]:
    found = pc.min_max(numbers).as_py()
    return found["min"] or 0, found["max"] or 0


def _of(column: pa.ChunkedArray, least: int, most: int, length: int) -> Filling | None:
    """From the least and the greatest number of bytes, of elements, or of the values themselves."""
    if least == most == 0:
        return None
    always = not least <= 0 <= most and not column.null_count
    return Filling(always, length if always else 0)
