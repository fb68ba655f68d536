"""Request bodies with a hard limit on what they decompress to (OTLP demands a limit).

What exporters and the OpenTelemetry Collector send: `gzip` (RFC 1952), `zstd` (RFC 8878), `deflate`
(RFC 1950) and nothing. A body is one stream; what follows it is refused.
"""

import sys
import zlib
from collections.abc import AsyncIterable, Callable
from dataclasses import dataclass
from typing import Final, Protocol

from auditspan.collector.front.zstd_frame import HEADER_BYTES, window_of

if sys.version_info >= (3, 14):
    from compression.zstd import DecompressionParameter, ZstdDecompressor, ZstdError
else:
    from backports.zstd import DecompressionParameter, ZstdDecompressor, ZstdError

ENCODINGS: Final = ("", "identity", "gzip", "zstd", "deflate")
"""What Content-Encoding may say."""

_STEP: Final = 1 << 20
_WINDOW_LOG: Final = 23
"""8 MiB, the most that zstd as a content encoding may ask for (RFC 9659)."""


class BodyTooLarge(Exception):
    """More bytes than the limit, after decompression."""


class BodyInvalid(Exception):
    """Not what the content encoding says."""


class _Decoder(Protocol):
    """One stream. `left` is what follows it, `window` are bytes that it holds besides."""

    @property
    def ended(self) -> bool: ...
    @property
    def left(self) -> bytes: ...
    @property
    def window(self) -> int: ...
    def decode(self, chunk: bytes, out: bytearray, limit: int) -> None: ...


@dataclass(slots=True)
class _Zlib:
    stream: "zlib._Decompress"

    @property
    def ended(self) -> bool:
        return self.stream.eof

    @property
    def left(self) -> bytes:
        return self.stream.unused_data.strip(b"\0")

    @property
    def window(self) -> int:
        return 1 << zlib.MAX_WBITS

    def decode(self, chunk: bytes, out: bytearray, limit: int) -> None:
        while chunk and len(out) <= limit and not self.stream.eof:
            out += self.stream.decompress(chunk, _STEP)
            chunk = self.stream.unconsumed_tail


@dataclass(slots=True)
class _Zstd:
    stream: ZstdDecompressor
    header: bytes = b""

    @property
    def ended(self) -> bool:
        return self.stream.eof

    @property
    def left(self) -> bytes:
        return self.stream.unused_data

    @property
    def window(self) -> int:
        return min(window_of(self.header), 1 << _WINDOW_LOG)

    def decode(self, chunk: bytes, out: bytearray, limit: int) -> None:
        self.header += chunk[: HEADER_BYTES - len(self.header)]
        while len(out) <= limit and not self.stream.eof and (chunk or not self.stream.needs_input):
            out += self.stream.decompress(chunk, _STEP)
            chunk = b""


def _decoder(encoding: str) -> _Decoder | None:
    match encoding:
        case "gzip":
            return _Zlib(zlib.decompressobj(16 + zlib.MAX_WBITS))
        case "deflate":
            return _Zlib(zlib.decompressobj())
        case "zstd":
            options: dict[int, int] = {DecompressionParameter.window_log_max: _WINDOW_LOG}
            return _Zstd(ZstdDecompressor(options=options))
    return None


async def read_body(
    chunks: AsyncIterable[bytes],
    encoding: str,
    limit: int,
    grow: Callable[[int], None] = lambda size: None,
) -> bytes:
    """Read a body of one of `ENCODINGS`. Stops at the limit, so no bomb goes off.

    `grow` is told what it takes in memory as it grows. Raises `BodyTooLarge`, `BodyInvalid`.
    """
    out = bytearray()
    decoder = _decoder(encoding)
    async for chunk in chunks:
        if decoder is None:
            out += chunk
        else:
            _decode(decoder, encoding, chunk, out, limit)
        if len(out) > limit:
            raise BodyTooLarge(f"body: more than {limit} bytes: send smaller batches")
        grow(len(out) + (decoder.window if decoder is not None else 0))
    if decoder is not None and not decoder.ended:
        raise BodyInvalid(f"body: the {encoding} stream ends early")
    return bytes(out)


def _decode(decoder: _Decoder, encoding: str, chunk: bytes, out: bytearray, limit: int) -> None:
    surplus = chunk if decoder.ended else b""
    try:
        if not decoder.ended:
            decoder.decode(chunk, out, limit)
    except (zlib.error, ZstdError) as error:
        raise BodyInvalid(f"body: not {encoding}: {error}") from error
    if surplus.strip(b"\0") or decoder.left:
        raise BodyInvalid(f"body: bytes after the end of the {encoding} stream")
