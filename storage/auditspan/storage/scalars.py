"""Single values of OTLP as the columns of the OpenTelemetry ClickHouse exporter write them."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from auditspan.storage.errors import SegmentUnreadable

TIME = pa.timestamp("ns", "UTC")
LAST_TIME = np.uint64(2**63 - 1)
"""The last nanosecond that a column can hold, 2262-04-11."""

Unsigned = npt.NDArray[np.uint64]
Ints = npt.NDArray[np.int64]
Flags = npt.NDArray[np.bool_]
Kinds = npt.NDArray[np.int8]
"""Indexes into `otlp.KINDS`."""
Integers = npt.NDArray[Any]
"""Integers of whatever width the column has."""

_DIGITS = np.frombuffer(b"0123456789abcdef", dtype=np.uint8)


def times(nanos: Unsigned) -> pa.Array:
    """Unix nanoseconds as times; what lies beyond the last one becomes the last one."""
    return pa.array(np.minimum(nanos, LAST_TIME).astype(np.int64)).cast(TIME)


def words(numbers: npt.NDArray[np.int32], names: Sequence[str]) -> pa.Array:
    """Numbers of an enumeration as words; an unknown one reads as the first."""
    known = np.where((numbers >= 0) & (numbers < len(names)), numbers, 0)
    return pa.array(names, pa.string()).take(pa.array(known))


def utf8(raw: pa.Array) -> pa.Array:
    """Bytes as text. Raises `SegmentUnreadable`."""
    try:
        return raw.cast(pa.string())
    except pa.ArrowInvalid as error:
        raise SegmentUnreadable(f"segment: a text that is no UTF-8: {error}") from error


def hexes(raw: pa.Array) -> pa.Array:
    """Bytes as lower-case hexadecimal text."""
    offsets = np.frombuffer(raw.buffers()[1], dtype=np.int32)[raw.offset :][: len(raw) + 1]
    if not len(raw):
        return pa.array([], pa.string())
    data = np.frombuffer(raw.buffers()[2] or b"", dtype=np.uint8)[offsets[0] : offsets[-1]]
    digits = np.empty((len(data), 2), dtype=np.uint8)
    digits[:, 0], digits[:, 1] = _DIGITS[data >> 4], _DIGITS[data & 15]
    places = (offsets - offsets[0]) * np.int32(2)
    buffers = [None, pa.py_buffer(places), pa.py_buffer(digits)]
    return pa.Array.from_buffers(pa.string(), len(raw), buffers)


def number(value: float) -> str:
    """A fraction as ClickHouse's `toString` spells it: in full from 1e-6 up to 1e21."""
    mantissa, _, exponent = repr(value).partition("e")
    mantissa = mantissa.removesuffix(".0")
    if not exponent:
        return mantissa
    power, sign = int(exponent), "-" if value < 0 else ""
    digits = mantissa.lstrip("-").replace(".", "")
    if 0 < power < 21:
        return sign + digits.ljust(power + 1, "0")
    if -7 < power < 0:
        return f"{sign}0.{digits.rjust(len(digits) - power - 1, '0')}"
    return f"{mantissa}e{power}"
