"""Who read what, as a table: a `store.read` record is one row of `access_log`.

The columns are those of storage's migrations 0002 and 0004.
"""

from collections.abc import Iterable, Mapping
from typing import Final

import pyarrow as pa
from pydantic import JsonValue

from auditspan.collector.control.derive import Frame
from auditspan.collector.control.records import STORE_READ, ControlRecord

TABLE: Final = "access_log"
Row = dict[str, object]


def tables(frames: Iterable[Frame], batch_id: str) -> Mapping[str, pa.Table]:
    """The rows of the access log; none without a read."""
    rows = [
        {**_row(frame.record), "BatchId": batch_id}
        for frame in frames
        if frame.record.kind == STORE_READ
    ]
    return {TABLE: pa.Table.from_pylist(rows, schema=SCHEMA)} if rows else {}


def _row(record: ControlRecord) -> Row:
    body, who = record.body, record.requester
    return {
        "ReadId": _text(body.get("id")),
        "ReadAt": record.at_ns,
        "Reader": _text(body.get("reader")),
        "Method": who.method if who else "",
        "Credential": who.credential if who else "",
        "Roles": _texts(body.get("roles")),
        "Address": _text(body.get("address")),
        "Interface": _text(body.get("interface")),
        "Report": _text(body.get("report")),
        "Client": _text(body.get("client")),
        "Statement": _text(body.get("statement")),
        "StatementHash": _text(body.get("statement_hash")),
        "Params": _pairs(body.get("params")),
        "Cut": body.get("cut") is True,
        "Tables": _texts(body.get("tables")),
        "Content": body.get("content") is True,
        "Since": _text(body.get("since")),
        "Until": _text(body.get("until")),
        "Repeats": _number(body.get("repeats")),
        "Rows": None if body.get("rows") is None else _number(body["rows"]),
        "Bytes": _number(body.get("bytes")),
        "Duration": _number(body.get("duration_ns")),
        "Code": _number(body.get("code")),
    }


def _text(value: JsonValue) -> str:
    return value if isinstance(value, str) else ""


def _texts(value: JsonValue) -> list[str]:
    return [item for item in value if isinstance(item, str)] if isinstance(value, list) else []


def _pairs(value: JsonValue) -> list[tuple[str, str]]:
    found = value if isinstance(value, dict) else {}
    return [(name, text) for name, text in found.items() if isinstance(text, str)]


def _number(value: JsonValue) -> int:
    return value if isinstance(value, int) and value >= 0 else 0


def _schema() -> pa.Schema:
    text, number, flag = pa.string(), pa.uint64(), pa.bool_()
    texts, pairs = pa.list_(pa.string()), pa.map_(pa.string(), pa.string())
    types = {
        "ReadAt": pa.timestamp("ns", tz="UTC"),
        "Roles": texts,
        "Params": pairs,
        "Cut": flag,
        "Tables": texts,
        "Content": flag,
        "Repeats": number,
        "Rows": number,
        "Bytes": number,
        "Duration": number,
        "Code": pa.uint32(),
    }
    names = (
        "ReadId ReadAt Reader Method Credential Roles Address Interface Report Client Statement "
        "StatementHash Params Cut Tables Content Since Until Repeats Rows Bytes Duration Code "
        "BatchId"
    )
    return pa.schema([pa.field(name, types.get(name, text)) for name in names.split()])


SCHEMA: Final = _schema()
