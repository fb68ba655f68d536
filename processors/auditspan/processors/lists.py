"""Work on the fields of events and links without leaving Arrow."""

from collections.abc import Callable

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc


def empty(type: pa.DataType, length: int) -> pa.Array:
    """Nothing on every record, as lists or maps."""
    offsets = pa.array(np.zeros(length + 1, dtype=np.int32))
    if pa.types.is_map(type):
        keys, items = pa.array([], type.key_type), pa.array([], type.item_type)
        return pa.MapArray.from_arrays(offsets, keys, items, type=type)
    return pa.ListArray.from_arrays(offsets, pa.array([], type.value_type), type=type)


def lengths(column: pa.ListArray) -> npt.NDArray[np.int64]:
    """How many items each record has."""
    counted = pc.fill_null(pc.list_value_length(column), 0).to_numpy(zero_copy_only=False)
    return np.asarray(counted, dtype=np.int64)


def owners(column: pa.ListArray) -> npt.NDArray[np.int64]:
    """For each item of the flattened column the record that holds it."""
    return np.repeat(np.arange(len(column), dtype=np.int64), lengths(column))


def mapped_field(
    column: pa.ListArray, name: str, function: Callable[[pa.Array], pa.Array]
) -> pa.ListArray:
    """The column with one field of its items changed as a whole."""
    return mapped_fields(column, lambda key, array: function(array) if key == name else array)


def mapped_fields(
    column: pa.ListArray, function: Callable[[str, pa.Array], pa.Array]
) -> pa.ListArray:
    """The column with every field of its items changed as a whole."""
    inner = column.flatten()
    arrays = [function(field.name, inner.field(field.name)) for field in inner.type]
    structs = pa.StructArray.from_arrays(arrays, fields=list(inner.type))
    offsets = np.concatenate([[0], np.cumsum(lengths(column))]).astype(np.int32)
    return pa.ListArray.from_arrays(pa.array(offsets), structs, type=column.type)
