"""The entries of a small batch's records, in Python; a large one's are computed by the engine
(`auditspan.storage.sealing.entries`), whose fixed cost is higher.
"""

import pyarrow as pa
import pyarrow.compute as pc

from auditspan.integrity.canonical import record_entries
from auditspan.integrity.sealed_columns import SCHEMA


def entries_of_table(table: pa.Table) -> bytes:
    """All entries, in the order of the rows. Raises `ValueInvalid`, for a map with a key twice."""
    columns = {name: plain_values(table[name]) for name in SCHEMA.kinds}
    return record_entries(columns, b"".join(table["RecordSalt"].to_pylist()), SCHEMA)


def plain_values(column: pa.ChunkedArray) -> list[object]:
    """A column as the canonical form takes it: times and dates as numbers, structs as tuples."""
    kind = column.type
    if pa.types.is_timestamp(kind):
        return list(column.cast(pa.int64()).to_pylist())
    if pa.types.is_date(kind):
        return list(column.cast(pa.int32()).to_pylist())
    if pa.types.is_list(kind) and pa.types.is_struct(kind.value_type):
        return _tuples(column.combine_chunks())
    return list(column.to_pylist())


def _tuples(lists: pa.ListArray) -> list[object]:
    """Lists of structs; few records have any, so the others are not walked."""
    if not len(lists.values):
        return [()] * len(lists)
    struct = lists.flatten()
    members = [plain_values(pa.chunked_array([member])) for member in struct.flatten()]
    items = list(zip(*members, strict=True))
    lengths = pc.list_value_length(lists).to_pylist()
    made: list[object] = []
    at = 0
    for length in lengths:
        made.append(items[at : at + length])
        at += length
    return made
