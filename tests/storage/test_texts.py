"""Values are spelled as the engine spells them."""

import struct
from pathlib import Path

import pyarrow as pa
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from opentelemetry.proto.common.v1.common_pb2 import (
    AnyValue,
    ArrayValue,
    KeyValue,
    KeyValueList,
)

from auditspan.storage import nested
from auditspan.storage.engine import Engine
from auditspan.storage.errors import SegmentUnreadable
from auditspan.storage.otlp import KINDS
from auditspan.storage.scalars import hexes, number
from auditspan.storage.texts import texts

_SIZES = st.sampled_from([0, 1, 126, 127, 128, 129, 16_383, 16_384, 20_000])
_TEXT = st.builds(lambda size, letter: letter * size, _SIZES, st.sampled_from("aé"))
_VALUE = st.one_of(
    st.builds(AnyValue, string_value=st.text(max_size=5) | _TEXT),
    st.builds(AnyValue, bytes_value=st.binary(max_size=5) | _TEXT.map(str.encode)),
    st.builds(AnyValue, bool_value=st.booleans()),
    st.builds(AnyValue, int_value=st.integers(-(2**63), 2**63 - 1) | st.integers(-2, 300)),
    st.builds(AnyValue, double_value=st.floats()),
    st.builds(AnyValue, string_value_strindex=st.integers(0, 9)),
    st.just(AnyValue()),
    st.builds(
        lambda inner: AnyValue(array_value=ArrayValue(values=[inner])),
        st.builds(AnyValue, string_value=_TEXT),
    ),
    st.just(AnyValue(kvlist_value=KeyValueList(values=[KeyValue(key="")]))),
)
_WRITTEN = _VALUE.map(AnyValue.SerializeToString)
_ODD = st.one_of(
    st.builds(bytes.__add__, _WRITTEN, _WRITTEN),
    st.sampled_from(
        [b"\x18\x85\x00", b"\x10\x02", b"\x0a\x81\x00a", b"\x78\x01", b"\x18\x01\x10\x01"]
    ),
    st.binary(min_size=1, max_size=12),
)


def test_fractions_are_spelled_as_the_engine_spells_them(memory: Engine, tmp_path: Path) -> None:
    """Every power of ten and of two, their neighbours, and what numbers are made of."""
    powers = [10.0**power for power in range(-30, 30)] + [
        2.0**power for power in range(-1074, 1024)
    ]
    made = [value * by for value in powers for by in (1, -1, 1.5, 1.23456789, 1 + 2**-52)]
    special = [0.0, -0.0, 5e-324, float("inf"), float("-inf"), float("nan")]
    numbers = [*made, *special, *(step / 7 for step in range(-999, 999))]
    file = tmp_path / "numbers"
    file.write_bytes(struct.pack(f"<{len(numbers)}d", *numbers))
    sql = f"SELECT toString(x) AS text FROM file('{file}', 'RowBinary', 'x Float64')"
    assert [number(value) for value in numbers] == memory.arrow(sql)["text"].to_pylist()


@settings(deadline=None)
@example(1e21)
@example(1e-7)
@given(st.floats(allow_nan=False))
def test_a_fraction_is_read_back_from_its_text(value: float) -> None:
    """No digit is lost, whatever its size."""
    assert repr(float(number(value))) == repr(value)


@settings(deadline=None)
@given(st.lists(st.binary(max_size=20)), st.integers(0, 3))
def test_bytes_become_hexadecimal_text(values: list[bytes], skipped: int) -> None:
    """Of any length, in a slice of a longer array too."""
    found = hexes(pa.array(values, pa.binary()).slice(skipped))
    assert found.to_pylist() == [value.hex() for value in values[skipped:]]


def _one_by_one(messages: list[bytes]) -> list[tuple[str, str, bool]]:
    return [nested.any_text(message) for message in messages]


@settings(deadline=None)
@given(st.lists(_WRITTEN | _ODD, max_size=8), st.integers(0, 2))
def test_values_read_together_are_what_the_library_reads_one_by_one(
    messages: list[bytes], skipped: int
) -> None:
    """However they are written; one that is no message makes the segment unreadable."""
    raw = pa.array(messages, pa.binary()).slice(skipped)
    try:
        expected = _one_by_one(messages[skipped:])
    except SegmentUnreadable:
        with pytest.raises(SegmentUnreadable):
            texts(raw)
        return
    found = texts(raw)
    kinds, failed = [KINDS[kind] for kind in found.kinds], set(found.failed.tolist())
    whole = [place not in failed for place in range(len(raw))]
    assert list(zip(kinds, found.values.to_pylist(), whole, strict=True)) == expected
