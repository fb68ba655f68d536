"""Request bodies with a hard limit on what they decompress to (RFC 1952; OTLP demands a limit)."""

import zlib
from collections.abc import AsyncIterable, Callable
from typing import Final

_GZIP: Final = 16 + zlib.MAX_WBITS
_STEP: Final = 1 << 20


class BodyTooLarge(Exception):
    """More bytes than the limit, after decompression."""


class BodyInvalid(Exception):
    """Not what the content encoding says."""


async def read_body(
    chunks: AsyncIterable[bytes],
    encoding: str,
    limit: int,
    grow: Callable[[int], None] = lambda size: None,
) -> bytes:
    """Read a body of encoding `gzip` or `identity`. Stops at the limit, so no bomb goes off.

    `grow` is told its size as it grows. Raises `BodyTooLarge`, `BodyInvalid`.
    """
    out = bytearray()
    inflate = zlib.decompressobj(_GZIP) if encoding == "gzip" else None
    async for chunk in chunks:
        if inflate is None:
            out += chunk
        else:
            _inflate(inflate, chunk, out, limit)
        if len(out) > limit:
            raise BodyTooLarge(f"body: more than {limit} bytes: send smaller batches")
        grow(len(out))
    if inflate is not None and not inflate.eof:
        raise BodyInvalid("body: the gzip stream ends early")
    return bytes(out)


def gunzip(data: bytes, limit: int) -> bytes:
    """A whole body at once. Raises `BodyTooLarge`, `BodyInvalid`."""
    out = bytearray()
    inflate = zlib.decompressobj(_GZIP)
    _inflate(inflate, data, out, limit)
    if len(out) > limit:
        raise BodyTooLarge(f"body: more than {limit} bytes: send smaller batches")
    if not inflate.eof:
        raise BodyInvalid("body: the gzip stream ends early")
    return bytes(out)


def _inflate(inflate: "zlib._Decompress", chunk: bytes, out: bytearray, limit: int) -> None:
    try:
        while chunk and len(out) <= limit and not inflate.eof:
            out += inflate.decompress(chunk, _STEP)
            chunk = inflate.unconsumed_tail
    except zlib.error as error:
        raise BodyInvalid(f"body: not gzip: {error}") from error
    if inflate.unused_data.strip(b"\0"):
        raise BodyInvalid("body: bytes after the end of the gzip stream")
