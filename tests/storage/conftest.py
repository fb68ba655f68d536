"""Engines and spool segments for the tests of storage."""

import zlib
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import pytest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

from auditspan.storage.engine import Engine, open_embedded, open_memory

RECEIVED_AT = 1_795_000_000_123_456_789
PRINCIPAL = '{"id":"agent:booking","kind":"agent"}'

SegmentOf = Callable[[Sequence[ExportTraceServiceRequest | bytes | str]], Path]


@pytest.fixture(scope="module")
def memory() -> Iterator[Engine]:
    """An engine without a store; one for a module, as a process holds one engine at a time."""
    engine = open_memory()
    yield engine
    engine.close()


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Engine]:
    """An empty embedded store."""
    engine = open_embedded(tmp_path / "store")
    yield engine
    engine.close()


@pytest.fixture
def segment(tmp_path: Path) -> SegmentOf:
    """Writes a segment: requests, raw request bytes, or the text of control records."""

    def write(contents: Sequence[ExportTraceServiceRequest | bytes | str]) -> Path:
        path = tmp_path / "i-1795000000000-00000001.seg"
        path.write_bytes(b"".join(map(frame, contents)))
        return path

    return write


def frame(content: ExportTraceServiceRequest | bytes | str) -> bytes:
    """One frame, written by hand so that a fault of the spool's writer cannot hide here."""
    if isinstance(content, str):
        body, field, kind = content.encode(), 17, 2
    else:
        body = content if isinstance(content, bytes) else content.SerializeToString()
        field, kind = 16, 1
    message = b"\x08\x01\x10" + bytes([kind]) + b"\x19" + RECEIVED_AT.to_bytes(8, "little")
    message += _bytes(4, b"sha256:" + b"0" * 64) + _bytes(5, PRINCIPAL.encode())
    message += b"\x35" + zlib.crc32(body).to_bytes(4, "little") + _bytes(field, body)
    return _varint(len(message)) + message


def _bytes(field: int, value: bytes) -> bytes:
    return _varint(field << 3 | 2) + _varint(len(value)) + value


def _varint(number: int) -> bytes:
    out = bytearray()
    while number > 0x7F:
        out.append(number & 0x7F | 0x80)
        number >>= 7
    return bytes([*out, number])
