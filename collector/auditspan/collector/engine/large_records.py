"""Records that no store could take are put aside alone, before they hold up everything behind them.

A request has a limit, but a value may grow when it is decoded: a nested one becomes JSON text, and
a control character six characters. The embedded engine refuses an insert beyond its memory, again
and again.
"""

from typing import Final

import pyarrow as pa

MAX_RECORD: Final = 128 << 20
"""Bytes of one decoded record; what the engine's default memory takes with room to spare."""


def fitting(table: pa.Table, limit: int = MAX_RECORD) -> tuple[pa.Table, tuple[pa.Table, ...]]:
    """The records within the limit, and each of the others as a table of its own."""
    if table.nbytes <= limit:
        return table, ()
    # Only a batch this large is looked at record by record.
    rows = [table.slice(at, 1) for at in range(table.num_rows)]
    small = pa.array([row.nbytes <= limit for row in rows])
    return table.filter(small), tuple(row for row in rows if row.nbytes > limit)
