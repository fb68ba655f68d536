"""Attribute values as text: numbers as ClickHouse spells them, bytes in base64, nested as JSON.

What is no string is one of few mostly: where it costs something, each distinct one is spelled once.
"""

import base64
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from auditspan.storage import nested
from auditspan.storage.any_values import IRREGULAR, AnyValues
from auditspan.storage.otlp import KINDS
from auditspan.storage.scalars import Ints, Kinds, number, utf8

STRING = KINDS.index("string")


@dataclass(frozen=True, slots=True)
class Texts:
    """Values as they stand in maps and columns."""

    values: pa.Array
    """The text of each."""
    kinds: Kinds
    """Index into `KINDS` for each."""
    failed: Ints
    """Those that could not be read in full."""


def texts(raw: pa.Array) -> Texts:
    """Spell `AnyValue` messages. Raises `SegmentUnreadable`."""
    found = AnyValues.of(raw)
    strings, kinds = utf8(found.contents()), found.kinds
    mask = kinds != STRING
    if not mask.any():
        return Texts(strings, kinds, np.flatnonzero(mask))
    pieces: list[tuple[Ints, pa.Array, Ints]] = []
    for name, spell in _SPELLED.items():
        places = found.of_kind(name)
        if len(places):
            pieces.append((places, *spell(found, places)))
    odd = np.flatnonzero(kinds == IRREGULAR)
    if len(odd):
        read = [nested.any_text(message) for message in raw.take(pa.array(odd)).to_pylist()]
        kinds[odd] = [KINDS.index(kind) for kind, _, _ in read]
        spelled = pa.array([text for _, text, _ in read], pa.string())
        pieces.append((odd, spelled, _wrong([whole for _, _, whole in read])))
    order = pa.array(np.argsort(np.concatenate([places for places, _, _ in pieces])))
    fresh = pa.concat_arrays([spelled for _, spelled, _ in pieces]).take(order)
    failed = np.concatenate([places[wrong] for places, _, wrong in pieces])
    return Texts(pc.replace_with_mask(strings, pa.array(mask), fresh), kinds, failed)


_Spelled = tuple[pa.Array, Ints]
_NONE_FAILED = np.empty(0, dtype=np.int64)


def _wrong(whole: list[bool]) -> Ints:
    return np.flatnonzero(~np.array(whole, dtype=np.bool_))


def _empty(_: AnyValues, places: Ints) -> _Spelled:
    return pa.repeat(pa.scalar("", pa.string()), len(places)), _NONE_FAILED


def _truth(values: AnyValues, places: Ints) -> _Spelled:
    said = values.data[values.starts[places] + 1] != 0
    return pc.if_else(pa.array(said), "true", "false"), _NONE_FAILED


def _whole(values: AnyValues, places: Ints) -> _Spelled:
    return pa.array(values.integers(places)).cast(pa.string()), _NONE_FAILED


def _fraction(values: AnyValues, places: Ints) -> _Spelled:
    # By their bits: NaN is not equal to itself, and 0 is to -0.
    encoded = pa.array(values.fractions(places)).dictionary_encode()
    numbers = encoded.dictionary.view(pa.float64()).to_pylist()
    return pa.array(map(number, numbers), pa.string()).take(encoded.indices), _NONE_FAILED


def _bytes(values: AnyValues, places: Ints) -> _Spelled:
    encoded = values.contents(places).dictionary_encode()
    spelled = [base64.b64encode(raw).decode() for raw in encoded.dictionary.to_pylist()]
    return pa.array(spelled, pa.string()).take(encoded.indices), _NONE_FAILED


def _nested(kind: str) -> Callable[[AnyValues, Ints], _Spelled]:
    def spelled(values: AnyValues, places: Ints) -> _Spelled:
        encoded = values.contents(places).dictionary_encode()
        read = [nested.text(kind, raw) for raw in encoded.dictionary.to_pylist()]
        wrong = _wrong([whole for _, whole in read])
        codes = encoded.indices.to_numpy(zero_copy_only=False)
        fresh = pa.array([words for words, _ in read], pa.string()).take(encoded.indices)
        return fresh, np.flatnonzero(np.isin(codes, wrong))

    return spelled


_SPELLED: dict[str, Callable[[AnyValues, Ints], _Spelled]] = {
    "none": _empty,
    "bool": _truth,
    "int": _whole,
    "double": _fraction,
    "array": _nested("array"),
    "kvlist": _nested("kvlist"),
    "bytes": _bytes,
}
