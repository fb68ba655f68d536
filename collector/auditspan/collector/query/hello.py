"""The first question of clickhouse-go, and so of Grafana's plugin, over HTTP.

It asks for name, version, revision and time zone in one Native block, and reads that block as of
the protocol version that it sends along (`client_protocol_version`): with a block info in front and
a byte a column for its serialisation. All later blocks it reads as of the revision in the answer.
The engine writes Native blocks without either, which is revision 0, so that is the answer.
https://github.com/ClickHouse/clickhouse-go/blob/main/conn_http.go (`queryHello`),
https://github.com/ClickHouse/ClickHouse/blob/master/src/Formats/NativeWriter.cpp
"""

import struct
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Final

from auditspan.collector.query.outcome import OK, Outcome
from auditspan.storage.query import Statement

VERSION: Final = Statement("SELECT version()", "TSVRaw")
"""What is asked of the engine in its place."""

_HELLO: Final = "SELECT displayName(), version(), revision(), timezone()"
_REVISION: Final = 0
_CUSTOM_SERIALIZATION, _OUT_OF_ORDER_BUCKETS = 54_454, 54_480


@dataclass(frozen=True, slots=True)
class _Column:
    name: str
    type: str
    value: bytes


def is_hello(statement: Statement) -> bool:
    """Whether it is that question, to be answered as a Native block."""
    return statement.sql.strip() == _HELLO and statement.format == "Native"


def hello(version: Outcome, client_version: str) -> Outcome:
    """The answer, from that of `VERSION`, for a client of this protocol version."""
    if version.code != OK:
        return version
    asked = int(client_version) if client_version.isascii() and client_version.isdigit() else 0
    columns = (
        _Column("displayName()", "String", _text("auditspan")),
        _Column("version()", "String", _text(version.body.decode().strip())),
        _Column("revision()", "UInt32", struct.pack("<I", _REVISION)),
        _Column("timezone()", "String", _text("UTC")),
    )
    return replace(version, body=_block(columns, asked), format="Native")


def _block(columns: Sequence[_Column], revision: int) -> bytes:
    """One row."""
    block = bytearray(_info(revision) if revision else b"")
    block += _number(len(columns)) + _number(1)
    for column in columns:
        block += _text(column.name) + _text(column.type)
        block += b"\0" if revision >= _CUSTOM_SERIALIZATION else b""
        block += column.value
    return bytes(block)


def _info(revision: int) -> bytes:
    """No overflow, no bucket, and from some version on no buckets out of order."""
    later = _number(3) + _number(0) if revision >= _OUT_OF_ORDER_BUCKETS else b""
    return _number(1) + b"\0" + _number(2) + struct.pack("<i", -1) + later + _number(0)


def _text(text: str) -> bytes:
    data = text.encode()
    return _number(len(data)) + data


def _number(value: int) -> bytes:
    """LEB128."""
    made = bytearray()
    while value > 0x7F:
        made.append(value & 0x7F | 0x80)
        value >>= 7
    return bytes([*made, value])
