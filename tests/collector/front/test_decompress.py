"""Bodies and their limits."""

import asyncio
import gzip
import tracemalloc
from collections.abc import AsyncIterator

import pytest

from auditspan.collector.front.decompress import BodyInvalid, BodyTooLarge, gunzip, read_body

TEXT = b"audit" * 1000


async def _chunks(data: bytes, size: int) -> AsyncIterator[bytes]:
    for start in range(0, len(data), size):
        yield data[start : start + size]
    yield b""


def _read(data: bytes, encoding: str, limit: int, size: int = 64) -> bytes:
    return asyncio.run(read_body(_chunks(data, size), encoding, limit))


@pytest.mark.parametrize("size", [1, 7, 4096])
def test_bodies_come_back(size: int) -> None:
    """However they are cut on the way."""
    assert _read(TEXT, "", len(TEXT), size) == TEXT
    assert _read(TEXT, "identity", len(TEXT), size) == TEXT
    assert _read(gzip.compress(TEXT), "gzip", len(TEXT), size) == TEXT
    assert gunzip(gzip.compress(TEXT), len(TEXT)) == TEXT


@pytest.mark.parametrize("encoding", ["", "gzip"])
def test_one_byte_too_many_is_refused(encoding: str) -> None:
    """After decompression."""
    data = gzip.compress(TEXT) if encoding else TEXT
    with pytest.raises(BodyTooLarge, match="send smaller batches"):
        _read(data, encoding, len(TEXT) - 1)


def test_a_bomb_does_not_go_off() -> None:
    """A gigabyte in a megabyte takes no more memory than the limit and a step."""
    bomb = b"".join([gzip.compress(bytes(1 << 28), 9)])
    tracemalloc.start()
    try:
        with pytest.raises(BodyTooLarge):
            _read(bomb, "gzip", 1 << 20, 1 << 16)
        assert tracemalloc.get_traced_memory()[1] < 8 << 20
    finally:
        tracemalloc.stop()


@pytest.mark.parametrize(
    "data",
    [
        pytest.param(b"", id="empty"),
        pytest.param(TEXT, id="no-gzip"),
        pytest.param(gzip.compress(TEXT)[:-1], id="cut"),
        pytest.param(gzip.compress(TEXT)[:-8] + bytes(8), id="checksum"),
        pytest.param(gzip.compress(TEXT) + b"more", id="more"),
    ],
)
def test_what_is_no_gzip_is_refused(data: bytes) -> None:
    """With a reason."""
    with pytest.raises(BodyInvalid, match="body: "):
        _read(data, "gzip", 1 << 20)
    with pytest.raises(BodyInvalid, match="body: "):
        gunzip(data, 1 << 20)


def test_the_size_is_told_as_it_grows() -> None:
    """So that a budget can end it."""
    sizes: list[int] = []
    asyncio.run(read_body(_chunks(TEXT, 2000), "", 1 << 20, sizes.append))
    assert sizes == [2000, 4000, 5000, 5000]
