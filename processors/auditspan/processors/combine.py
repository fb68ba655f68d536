"""Distinct combinations of columns and of numbers that a stage has computed itself."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from auditspan.processors.batch import Codes, Distinct

_LIMIT = 2**62


@dataclass(frozen=True, slots=True)
class Coded:
    """A column as its distinct values and, for each record, which one it has."""

    values: Sequence[Any]
    """Distinct values."""
    codes: Codes
    """For each record the index into `values`."""

    @classmethod
    def of(cls, array: pa.Array) -> "Coded":
        """Code an Arrow column."""
        encoded = array.dictionary_encode(null_encoding="encode")
        codes = encoded.indices.to_numpy(zero_copy_only=False).astype(np.int64)
        return cls(encoded.dictionary.to_pylist(), codes)

    @classmethod
    def of_numbers(cls, numbers: npt.NDArray[np.int64]) -> "Coded":
        """Code a computed column of few distinct numbers."""
        values, codes = np.unique(numbers, return_inverse=True)
        return cls(values.tolist(), codes.astype(np.int64))

    def mapped(self, function: Callable[[Any], Any]) -> "Coded":
        """The column with each distinct value replaced; values that become equal are one."""
        images = [function(value) for value in self.values]
        index = {image: code for code, image in enumerate(dict.fromkeys(images))}
        table = np.asarray([index[image] for image in images], dtype=np.int64)
        return Coded(list(index), table[self.codes] if len(images) else self.codes)

    def texts(self, values: Sequence[str | None]) -> pa.Array:
        """Spread one text per distinct value over the records."""
        return pa.array(values, pa.string()).take(pa.array(self.codes))


def combine(*columns: Coded) -> Distinct:
    """The distinct combinations, found with one sort over mixed-radix numbers."""
    codes = columns[0].codes
    size = max(1, len(columns[0].values))
    for column in columns[1:]:
        radix = max(1, len(column.values))
        if size >= _LIMIT // radix:
            # Renumbered, so that the product of sizes cannot overflow.
            known, codes = np.unique(codes, return_inverse=True)
            size = max(1, len(known))
        codes = codes * radix + column.codes
        size *= radix
    _, first, joint = np.unique(codes, return_index=True, return_inverse=True)
    own = [column.codes[first].tolist() for column in columns]
    rows = [
        tuple(column.values[code] for column, code in zip(columns, picked, strict=True))
        for picked in zip(*own, strict=True)
    ]
    return Distinct(rows, joint.astype(np.int64))
