"""A batch: an Arrow table of records on their way, with what the stages found.

A processor is a function from batch to batch. It works per column, or once per *distinct* value
and joins back; it never walks the rows in Python (`docs/decisions/0002-arrow-batches.md`).
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from auditspan.processors.maps import MapView
from auditspan.semconv.findings import FINDINGS

Mask = npt.NDArray[np.bool_]
Codes = npt.NDArray[np.int64]

_BIT = {name: np.uint64(1 << index) for index, name in enumerate(FINDINGS)}


@dataclass(frozen=True, slots=True)
class Distinct:
    """The distinct rows of some columns, and which of them each record has."""

    rows: list[tuple[Any, ...]]
    """One tuple per distinct combination, values in the order of the columns asked for."""
    codes: Codes
    """For each record the index into `rows`."""

    def join(self, values: Sequence[Any], type: pa.DataType) -> pa.Array:
        """Spread one value per distinct row back over the records."""
        return pa.array(values, type=type).take(pa.array(self.codes))


@dataclass(frozen=True, slots=True)
class Batch:
    """Records on their way through the stages. Stages return a new one and never change theirs."""

    table: pa.Table
    """One row per record; columns by their public name, each in one chunk."""
    derived: Mapping[str, pa.Array]
    """Values the collector attached that have no column of their own, by attribute name."""
    findings: npt.NDArray[np.uint64]
    """One bit set per record, bits in the order of `auditspan.semconv.findings.FINDINGS`."""
    views: dict[str, MapView] = field(default_factory=dict, repr=False, compare=False)
    """Map columns that were opened; what changes the keys of one leaves its view out."""

    @classmethod
    def of(cls, table: pa.Table) -> "Batch":
        """Start a batch over a decoded table."""
        return cls(table.combine_chunks(), {}, np.zeros(table.num_rows, dtype=np.uint64))

    def __len__(self) -> int:
        return int(self.table.num_rows)

    def column(self, name: str) -> pa.Array:
        """The column as one array."""
        column = self.table.column(name)
        return column.chunk(0) if column.num_chunks == 1 else column.combine_chunks()

    def view(self, name: str) -> MapView:
        """A map column opened for look-ups, once for all stages until one of them changes it."""
        if name not in self.views:
            self.views[name] = MapView.of(self.column(name))
        return self.views[name]

    def with_columns(self, columns: Mapping[str, pa.Array]) -> "Batch":
        """Add columns, or replace those of the same name."""
        table = self.table
        for name, array in columns.items():
            index = table.schema.get_field_index(name)
            if index < 0:
                table = table.append_column(name, array)
            else:
                table = table.set_column(index, name, array)
        views = {name: view for name, view in self.views.items() if name not in columns}
        return replace(self, table=table, views=views)

    def with_items(self, name: str, column: pa.MapArray) -> "Batch":
        """Give a map column other values; all keys are in the same places, so its view is kept."""
        batch = self.with_columns({name: column})
        if name in self.views:
            batch.views[name] = self.views[name].with_items(column)
        return batch

    def with_derived(self, values: Mapping[str, pa.Array]) -> "Batch":
        """Attach values that have no column; null means that a record has none."""
        return replace(self, derived={**self.derived, **values})

    def flag(self, finding: str, mask: Mask) -> "Batch":
        """Set a finding on the records of the mask."""
        return replace(self, findings=self.findings | np.where(mask, _BIT[finding], np.uint64(0)))

    def has(self, finding: str) -> Mask:
        """Which records have the finding."""
        found: Mask = (self.findings & _BIT[finding]) != 0
        return found

    def distinct(self, *names: str) -> Distinct:
        """The distinct combinations of some columns, found through dictionary codes.

        They are in the order in which they come first.
        """
        codes = np.zeros(len(self), dtype=np.int64)
        dictionaries: list[tuple[pa.Array, Codes]] = []
        for name in names:
            encoded = pc.dictionary_encode(self.column(name), null_encoding="encode")
            own = encoded.indices.to_numpy(zero_copy_only=False).astype(np.int64)
            dictionaries.append((encoded.dictionary, own))
            if len(encoded.dictionary) > 1:
                # Renumbered after each column, so that the product of sizes cannot overflow.
                combined = pa.array(codes * len(encoded.dictionary) + own).dictionary_encode()
                codes = combined.indices.to_numpy(zero_copy_only=False).astype(np.int64)
        first = np.empty(codes.max(initial=-1) + 1, dtype=np.int64)
        # Backwards: of those that are alike the first one is written last.
        first[codes[::-1]] = np.arange(len(codes) - 1, -1, -1)
        parts = [
            dictionary.take(pa.array(own[first])).to_pylist() for dictionary, own in dictionaries
        ]
        return Distinct(list(zip(*parts, strict=True)), codes)


Processor = Callable[[Batch], Batch]
"""What a stage is, once its configuration is bound."""


def mask_of(condition: pa.Array | pa.ChunkedArray) -> Mask:
    """A boolean array as a mask; null counts as false."""
    filled = pc.fill_null(condition, False) if condition.null_count else condition
    if isinstance(filled, pa.ChunkedArray):
        filled = filled.combine_chunks()
    return np.asarray(filled.to_numpy(zero_copy_only=False), dtype=np.bool_)


def finding_lists(findings: npt.NDArray[np.uint64]) -> pa.Array:
    """The findings as a list of names per record, once per distinct set."""
    sets, codes = np.unique(findings, return_inverse=True)
    names = [[name for name, bit in _BIT.items() if value & bit] for value in sets]
    return pa.array(names, type=pa.list_(pa.string())).take(pa.array(codes))
