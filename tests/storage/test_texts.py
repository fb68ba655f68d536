"""Values are spelled as the engine spells them."""

import struct
from pathlib import Path

import pyarrow as pa
from hypothesis import example, given, settings
from hypothesis import strategies as st

from auditspan.storage.engine import Engine
from auditspan.storage.scalars import hexes, number


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
