"""Grafana's plugin connects over HTTP and reads: clickhouse-go's first question, and its others."""

import struct
from dataclasses import dataclass

import httpx
import pytest

from tests.collector.query.conftest import Running

HELLO = "SELECT displayName(), version(), revision(), timezone()"


@dataclass(slots=True)
class Reader:
    """Reads Native blocks as clickhouse-go does (`lib/proto/block.go`)."""

    data: bytes
    at: int = 0

    def take(self, size: int) -> bytes:
        """So many bytes."""
        assert self.at + size <= len(self.data), "the block ends too early"
        self.at += size
        return self.data[self.at - size : self.at]

    def number(self) -> int:
        """A number of variable length."""
        value = shift = 0
        while True:
            [byte] = self.take(1)
            value |= (byte & 0x7F) << shift
            shift += 7
            if byte < 0x80:
                return value

    def text(self) -> str:
        """A text with its length."""
        return self.take(self.number()).decode()

    def block(self, revision: int) -> dict[str, object]:
        """One row of texts and whole numbers, by name."""
        if revision > 0:
            assert (self.number(), self.take(1), self.number()) == (1, b"\0", 2)
            assert struct.unpack("<i", self.take(4)) == (-1,)
            assert self.number() == 0
        columns, rows = self.number(), self.number()
        assert rows == 1
        return dict(self.column(revision) for _ in range(columns))

    def column(self, revision: int) -> tuple[str, object]:
        """Name and value."""
        name, kind = self.text(), self.text()
        if revision >= 54_454:
            assert self.take(1) == b"\0"
        if kind == "String":
            return name, self.text()
        sizes = {"UInt8": "<B", "UInt32": "<I", "UInt64": "<Q", "DateTime('UTC')": "<I"}
        form = sizes[kind]
        return name, struct.unpack(form, self.take(struct.calcsize(form)))[0]


def ask(running: Running, sql: str, version: str = "54460") -> httpx.Response:
    """POST, Basic, Native, settings in the URL, gzip if it is offered and enabled."""
    params = {
        "database": "auditspan", "default_format": "Native", "enable_http_compression": "1",
        "max_execution_time": "60", "query_id": "6f6f2a1e-7c9b-4f0a-9f60-1b1f0a7d5a51",
        "client_protocol_version": version,
    }  # fmt: skip
    headers = {"Accept-Encoding": "gzip", "User-Agent": "grafana-clickhouse-datasource/4.20.0"}
    answer = httpx.post(
        running.url, params=params, content=sql, headers=headers, auth=("grafana", running.reader)
    )
    assert answer.headers["X-ClickHouse-Query-Id"] == params["query_id"]
    return answer


def test_the_client_learns_who_we_are_and_how_we_write(running: Running) -> None:
    """The first block as of its own version, all others as of the revision in it."""
    said = Reader(ask(running, HELLO).content).block(54_460)
    assert list(said) == ["displayName()", "version()", "revision()", "timezone()"]
    assert (said["displayName()"], said["timezone()"], said["revision()"]) == (
        "auditspan",
        "UTC",
        0,
    )
    assert str(said["version()"])[:1].isdigit()
    later = Reader(ask(running, "SELECT toUInt32(7) AS n, 'x' AS s").content)
    assert later.block(0) == {"n": 7, "s": "x"}


@pytest.mark.parametrize("version", ["", "0", "x", "54000"])
def test_an_older_client_gets_an_older_block(running: Running, version: str) -> None:
    """Without a version no block info, before 54454 no byte of serialisation."""
    revision = int(version) if version.isdigit() else 0
    said = Reader(ask(running, HELLO, version).content).block(revision)
    assert said["displayName()"] == "auditspan"


def test_the_question_is_a_read_like_any_other(running: Running) -> None:
    """It needs a role that reads, and stands in the log."""
    running.spool.written.clear()
    refused = httpx.post(running.url, params={"default_format": "Native"}, content=HELLO,
                         headers={"X-ClickHouse-Key": running.agent})  # fmt: skip
    assert refused.status_code == 403
    ask(running, HELLO)
    assert len(running.spool.written) >= 1


@pytest.mark.parametrize(
    ("sql", "expected"),
    [
        ("SELECT 1", b"UInt8"),
        ("SELECT version()", b"version()"),
        ("SELECT name FROM system.databases", b"auditspan"),
        (
            "SELECT name, type FROM system.columns WHERE database = 'auditspan' "
            "AND table = 'otel_traces'",
            b"TraceId",
        ),
        ('DESC TABLE "auditspan"."otel_traces"', b"SpanAttributes"),
        (
            "SELECT toStartOfInterval(toDateTime(Timestamp), INTERVAL 60 second) AS time, "
            'count() AS n FROM "auditspan"."otel_traces" '
            "WHERE Timestamp >= toDateTime(1764000000) AND Timestamp <= toDateTime(1764003600) "
            "GROUP BY time ORDER BY time",
            b"",
        ),
    ],
)
def test_what_the_plugin_asks_is_answered(running: Running, sql: str, expected: bytes) -> None:
    """Of the builder, of a dashboard."""
    answer = ask(running, sql)
    assert answer.status_code == 200, answer.text
    assert expected in answer.content
