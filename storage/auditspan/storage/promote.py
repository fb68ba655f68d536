"""Registered attributes as columns of their own. The map keeps them too, as they came."""

import json
from collections.abc import Sequence

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from auditspan.storage.items import Items
from auditspan.storage.otlp import KINDS
from auditspan.storage.projection import Projection
from auditspan.storage.scalars import Ints, Kinds

_INTEGERS = {
    "UInt8": pa.uint8(),
    "UInt16": pa.uint16(),
    "UInt32": pa.uint32(),
    "UInt64": pa.uint64(),
    "Int32": pa.int32(),
    "Int64": pa.int64(),
}
_LIST = pa.list_(pa.string())


def promote(items: Items, projections: Sequence[Projection]) -> dict[str, pa.Array]:
    """One column per projection; empty text, 0 or an empty list where an owner has none."""
    code_of = {key: code for code, key in enumerate(items.names.to_pylist())}
    owners = items.owners
    columns: dict[str, pa.Array] = {}
    for projection in projections:
        places = np.flatnonzero(items.codes == code_of.get(projection.attribute, -1))
        column = _column(projection.type, items.values.take(pa.array(places)), items.kinds[places])
        columns[projection.column] = _to_owners(column, owners[places], len(items))
    return columns


def _column(type: str, values: pa.Array, kinds: Kinds) -> pa.Array:
    """The values as the column's type; a value of another type is not guessed at."""
    if type in _INTEGERS:
        return _integers(_INTEGERS[type], values, kinds)
    if type == "Float64":
        numeric = (kinds == KINDS.index("double")) | (kinds == KINDS.index("int"))
        return pc.cast(pc.if_else(pa.array(numeric), values, "0"), pa.float64())
    if type.startswith("Array("):
        return _lists(values, kinds)
    return values


def _integers(type: pa.DataType, values: pa.Array, kinds: Kinds) -> pa.Array:
    whole = pa.array(kinds == KINDS.index("int"))
    numbers = pc.cast(pc.if_else(whole, values, "0"), pa.int64()).to_numpy()
    limits = np.iinfo(type.to_pandas_dtype())
    fits = (numbers >= limits.min) & (numbers <= min(limits.max, 2**63 - 1))
    return pa.array(np.where(fits, numbers, 0)).cast(type)


def _lists(values: pa.Array, kinds: Kinds) -> pa.Array:
    encoded = values.dictionary_encode()
    texts = [_strings(text) for text in encoded.dictionary.to_pylist()]
    known = pa.array(texts, _LIST).take(encoded.indices)
    is_array = pa.array(kinds == KINDS.index("array"))
    return pc.if_else(is_array, known, pa.scalar([], _LIST))


def _strings(text: str) -> list[str]:
    """The texts of a JSON list of strings; anything else is no such list."""
    try:
        value = json.loads(text)
    except ValueError:
        return []
    whole = isinstance(value, list) and all(isinstance(item, str) for item in value)
    return value if whole else []


def _to_owners(column: pa.Array, owners: Ints, count: int) -> pa.Array:
    if len(column) == count:
        return column
    where = np.zeros(count, dtype=np.int64)
    where[owners] = np.arange(1, len(column) + 1)
    empty: str | int | list[str] = 0
    if pa.types.is_string(column.type):
        empty = ""
    elif pa.types.is_list(column.type):
        empty = []
    return pa.concat_arrays([pa.array([empty], column.type), column]).take(pa.array(where))
