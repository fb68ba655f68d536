"""Attribute values as text: numbers as ClickHouse spells them, bytes in base64, nested as JSON.

A value that is no string is rare or one of few: each distinct one is spelled once.
"""

import base64
from collections.abc import Callable

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from auditspan.storage import nested
from auditspan.storage.otlp import KINDS
from auditspan.storage.scalars import Ints, number, utf8

STRING = KINDS.index("string")


def texts(values: pa.StructArray, kinds: npt.NDArray[np.int8]) -> tuple[pa.Array, Ints]:
    """The text of each `AnyValue`, and which of them could not be read in full."""
    strings = utf8(values.field("string_value"))
    others = np.flatnonzero(kinds != STRING)
    if not len(others):
        return strings, others
    kinds_there = np.unique(kinds[others])
    places = [others[kinds[others] == kind] for kind in kinds_there]
    spelled = [
        _SPELLED[KINDS[kind]](values.take(pa.array(own)))
        for kind, own in zip(kinds_there, places, strict=True)
    ]
    order = pa.array(np.argsort(np.concatenate(places)))
    fresh = pa.concat_arrays([text for text, _ in spelled]).take(order)
    failed = [own[wrong] for own, (_, wrong) in zip(places, spelled, strict=True)]
    mask = pa.array(kinds != STRING)
    return pc.replace_with_mask(strings, mask, fresh), np.concatenate(failed)


_Spelled = tuple[pa.Array, Ints]
_NONE_FAILED = np.empty(0, dtype=np.int64)


def _empty(values: pa.StructArray) -> _Spelled:
    return pa.repeat(pa.scalar("", pa.string()), len(values)), _NONE_FAILED


def _truth(values: pa.StructArray) -> _Spelled:
    return pc.if_else(values.field("bool_value"), "true", "false"), _NONE_FAILED


def _whole(field: str) -> Callable[[pa.StructArray], _Spelled]:
    return lambda values: (values.field(field).cast(pa.string()), _NONE_FAILED)


def _fraction(values: pa.StructArray) -> _Spelled:
    # By their bits: NaN is not equal to itself, and 0 is to -0.
    bits = values.field("double_value").view(pa.int64()).dictionary_encode()
    numbers = bits.dictionary.view(pa.float64()).to_pylist()
    return pa.array(map(number, numbers), pa.string()).take(bits.indices), _NONE_FAILED


def _bytes(values: pa.StructArray) -> _Spelled:
    encoded = values.field("bytes_value").dictionary_encode()
    spelled = [base64.b64encode(raw).decode() for raw in encoded.dictionary.to_pylist()]
    return pa.array(spelled, pa.string()).take(encoded.indices), _NONE_FAILED


def _nested(kind: str) -> Callable[[pa.StructArray], _Spelled]:
    def spelled(values: pa.StructArray) -> _Spelled:
        encoded = values.field(f"{kind}_value").dictionary_encode()
        read = [nested.text(kind, raw) for raw in encoded.dictionary.to_pylist()]
        codes = encoded.indices.to_numpy(zero_copy_only=False)
        good = np.array([whole for _, whole in read], dtype=np.bool_)
        fresh = pa.array([words for words, _ in read], pa.string()).take(encoded.indices)
        return fresh, np.flatnonzero(~good[codes])

    return spelled


_SPELLED: dict[str, Callable[[pa.StructArray], _Spelled]] = {
    "none": _empty,
    "bool": _truth,
    "int": _whole("int_value"),
    "double": _fraction,
    "array": _nested("array"),
    "kvlist": _nested("kvlist"),
    "bytes": _bytes,
    "strindex": _whole("string_value_strindex"),
}
