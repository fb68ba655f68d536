"""Which columns of a batch hold anything, so that its sealing statement names no others.

Digests leave defaults out (docs/integrity-format.md), so a column without a value in the whole
batch changes none of them; the engine takes milliseconds to understand what a statement says of it.
"""

import pyarrow as pa
import pyarrow.compute as pc


def filled(table: pa.Table) -> frozenset[str]:
    """Names of the columns with a value other than the default of their type in some row.

    A column of a kind that is not known here counts as filled.
    """
    return frozenset(name for name in table.column_names if _is_filled(table[name]))


def _is_filled(column: pa.ChunkedArray) -> bool:
    kind = column.type
    if pa.types.is_string(kind) or pa.types.is_binary(kind):
        sizes = pc.binary_length(column)
    elif pa.types.is_list(kind):
        sizes = pc.list_value_length(column)
    elif pa.types.is_map(kind):
        return any(len(chunk.keys) > 0 for chunk in column.chunks)
    elif pa.types.is_integer(kind):
        sizes = column
    elif pa.types.is_timestamp(kind):
        sizes = column.cast(pa.int64())
    elif pa.types.is_date32(kind):
        sizes = column.cast(pa.int32())
    else:
        return True
    return any(value not in (0, None) for value in pc.min_max(sizes).as_py().values())
