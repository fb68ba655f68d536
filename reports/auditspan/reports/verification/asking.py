"""How a verification asks a store: by the names of `storage.sealing.recompute`.

The store may be open in this process, or behind a collector that runs: no SQL travels.
"""

from collections.abc import Callable, Iterator, Mapping
from typing import Any, TypeAlias

import pyarrow as pa

from auditspan.storage.values import Value

Ask: TypeAlias = Callable[[str, Mapping[str, Value]], pa.Table]
"""Answers a question by its name. Raises what the store raises."""

Progress: TypeAlias = Callable[[str, int, int], None]
"""Told what is being done, how much of it is, and of how much."""


def silent(what: str, done: int, of: int) -> None:
    """A progress that nobody watches."""
    del what, done, of


def rows(ask: Ask, name: str, **params: Value) -> list[dict[str, Any]]:
    """The answer as rows. Texts come as bytes, since a store that was tampered with may hold what
    is none; what is no UTF-8 is written as escapes."""
    found = ask(name, params)
    columns = {column: _texts(found[column]) for column in found.column_names}
    return [dict(zip(columns, row, strict=True)) for row in zip(*columns.values(), strict=True)]


def _texts(column: pa.ChunkedArray) -> list[Any]:
    values: list[Any] = column.to_pylist()
    if pa.types.is_binary(column.type):
        return [_text(value) for value in values]
    if pa.types.is_list(column.type):
        return [[_text(item) if isinstance(item, bytes) else item for item in v] for v in values]
    return values


def _text(value: bytes) -> str:
    return value.decode(errors="backslashreplace")


def chunks(first: int, end: int, width: int) -> Iterator[tuple[int, int]]:
    """A range in pieces that end at multiples of `width`."""
    while first < end:
        after = min(first - first % width + width, end)
        yield first, after
        first = after
