"""Bodies and their limits."""

import asyncio
import gzip
import tracemalloc
import zlib
from collections.abc import AsyncIterator, Callable

import pytest
from backports import zstd

from auditspan.collector.front.decompress import BodyInvalid, BodyTooLarge, read_body

TEXT = b"audit" * 1000
ENCODERS: dict[str, Callable[[bytes], bytes]] = {
    "gzip": gzip.compress,
    "zstd": zstd.compress,
    "deflate": zlib.compress,
}
CHECKED: dict[int, int] = {zstd.CompressionParameter.checksum_flag: 1}


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
    for encoding, encode in ENCODERS.items():
        assert _read(encode(TEXT), encoding, len(TEXT), size) == TEXT


@pytest.mark.parametrize("size", [(1 << 20) - 1, 1 << 20, 2 << 20, (3 << 20) + 1])
@pytest.mark.parametrize("encoding", ENCODERS)
def test_bodies_as_large_as_a_step_come_back(encoding: str, size: int) -> None:
    """Of one that ends where a step does nothing is left inside."""
    text = bytes(size)
    assert _read(ENCODERS[encoding](text), encoding, size, 1 << 16) == text


@pytest.mark.parametrize("encoding", ["", *ENCODERS])
def test_one_byte_too_many_is_refused(encoding: str) -> None:
    """After decompression."""
    data = ENCODERS[encoding](TEXT) if encoding else TEXT
    with pytest.raises(BodyTooLarge, match="send smaller batches"):
        _read(data, encoding, len(TEXT) - 1)


@pytest.mark.parametrize("encoding", ENCODERS)
def test_a_bomb_does_not_go_off(encoding: str) -> None:
    """A quarter of a gigabyte in a few bytes takes no more memory than the limit and a step."""
    bomb = ENCODERS[encoding](bytes(1 << 28))
    tracemalloc.start()
    try:
        with pytest.raises(BodyTooLarge):
            _read(bomb, encoding, 1 << 20, 1 << 16)
        assert tracemalloc.get_traced_memory()[1] < 8 << 20
    finally:
        tracemalloc.stop()


@pytest.mark.parametrize("size", [7, 4096])
@pytest.mark.parametrize("what", ["empty", "plain", "cut", "changed", "more", "twice"])
@pytest.mark.parametrize("encoding", ENCODERS)
def test_what_is_not_as_it_says_is_refused(encoding: str, what: str, size: int) -> None:
    """With a reason, wherever the network cuts it."""
    whole = zstd.compress(TEXT, options=CHECKED) if encoding == "zstd" else ENCODERS[encoding](TEXT)
    data = {
        "empty": b"",
        "plain": TEXT,
        "cut": whole[:-1],
        "changed": whole[:-4] + bytes([whole[-4] ^ 1]) + whole[-3:],
        "more": whole + b"more",
        "twice": whole + whole,
    }[what]
    if encoding == "gzip" and what == "changed":
        data = whole[:-8] + bytes(8)
    with pytest.raises(BodyInvalid, match=f"body: .*{encoding}"):
        _read(data, encoding, 1 << 20, size)


def _windowed(text: bytes, log: int) -> bytes:
    """A stream of which nobody knew how long it would become."""
    stream = zstd.ZstdCompressor(options={zstd.CompressionParameter.window_log: log})
    return stream.compress(text) + stream.flush()


def test_a_window_that_is_too_large_is_refused() -> None:
    """It is memory, whatever the size of the body: 8 MiB are the most (RFC 9659)."""
    text = bytes(range(256)) * 4096
    assert _read(_windowed(text, 23), "zstd", len(text), 4096) == text
    with pytest.raises(BodyInvalid, match="not zstd"):
        _read(_windowed(text, 24), "zstd", len(text), 4096)


@pytest.mark.parametrize("size", [1, 5, 4096])
def test_memory_is_told_before_the_body_is_there(size: int) -> None:
    """A window counts as soon as the stream has said how large it is."""
    sizes: list[int] = []
    body = _windowed(TEXT, 22)
    asyncio.run(read_body(_chunks(body, size), "zstd", 1 << 20, sizes.append))
    assert sizes[-1] == len(TEXT) + (1 << 22)
    assert max(sizes[: -(-6 // size) - 1], default=0) == 0
    assert min(sizes[-(-6 // size) :]) >= 1 << 22


def test_the_size_is_told_as_it_grows() -> None:
    """So that a budget can end it."""
    sizes: list[int] = []
    asyncio.run(read_body(_chunks(TEXT, 2000), "", 1 << 20, sizes.append))
    assert sizes == [2000, 4000, 5000, 5000]
