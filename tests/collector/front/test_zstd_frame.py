"""Headers of zstd frames, as the library writes them."""

import pytest
from backports import zstd

from auditspan.collector.front.zstd_frame import HEADER_BYTES, window_of


@pytest.mark.parametrize("log", range(10, 28))
def test_a_frame_of_unknown_length_has_its_window(log: int) -> None:
    """Whole powers of two, as the library asks for them."""
    stream = zstd.ZstdCompressor(options={zstd.CompressionParameter.window_log: log})
    data = stream.compress(bytes(1 << 20)) + stream.flush()
    assert window_of(data[:HEADER_BYTES]) == 1 << log


@pytest.mark.parametrize("size", [1, 255, 256, 257, 65_791, 65_792, 1 << 20])
@pytest.mark.parametrize("dictionary", [b"", b"words of a dictionary" * 20])
def test_a_frame_of_known_length_has_its_content(size: int, dictionary: bytes) -> None:
    """Whatever stands before it in the header."""
    given = zstd.ZstdDict(dictionary, is_raw=True) if dictionary else None
    data = zstd.compress(bytes(size), zstd_dict=given)
    assert window_of(data[:HEADER_BYTES]) in (size, 1 << (size - 1).bit_length(), 1 << 10)
    assert window_of(data[:HEADER_BYTES]) >= size


def test_mantissas_count() -> None:
    """Eighths of the power of two, as other encoders ask for them."""
    assert window_of(b"\x28\xb5\x2f\xfd\x00\x59") == (1 << 21) + (1 << 18)


@pytest.mark.parametrize("header", [b"", b"\x28\xb5\x2f\xfd", b"\x50\x2a\x4d\x18" + bytes(14)])
def test_what_is_no_header_has_none(header: bytes) -> None:
    """Nothing, a beginning, a frame that is to be skipped."""
    assert window_of(header) == 0
