"""Single values of OTLP as the columns of the OpenTelemetry ClickHouse exporter write them."""

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt
import pyarrow as pa

TIME = pa.timestamp("ns", "UTC")
LAST_TIME = np.uint64(2**63 - 1)
"""The last nanosecond that a column can hold, 2262-04-11."""

Unsigned = npt.NDArray[np.uint64]


def times(nanos: Unsigned) -> pa.Array:
    """Unix nanoseconds as times; what lies beyond the last one becomes the last one."""
    return pa.array(np.minimum(nanos, LAST_TIME).astype(np.int64)).cast(TIME)


def words(numbers: npt.NDArray[np.int32], names: Sequence[str]) -> pa.Array:
    """Numbers of an enumeration as words; an unknown one reads as the first."""
    known = np.where((numbers >= 0) & (numbers < len(names)), numbers, 0)
    return pa.array(names, pa.string()).take(pa.array(known))
