"""Records that no store could take are put aside alone, before they hold up everything behind them.

A request has a limit, but a value may grow when it is decoded: a nested one becomes JSON text, and
a control character six characters. The embedded engine refuses an insert beyond its memory, again
and again.
"""

import pyarrow as pa


def fitting(table: pa.Table, limit: int) -> tuple[pa.Table, dict[int, int]]:
    """The records within the limit, and the size of each of the others by its place."""
    if table.nbytes <= limit:
        return table, {}
    # Only a batch this large is looked at record by record.
    sizes = [table.slice(at, 1).nbytes for at in range(table.num_rows)]
    small = pa.array([size <= limit for size in sizes])
    return table.filter(small), {at: size for at, size in enumerate(sizes) if size > limit}
