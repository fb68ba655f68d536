"""Every read is in the log before its answer; polls are counted; without a log no answer."""

import asyncio
import json
from dataclasses import replace
from typing import Any

import httpx
import pytest

from auditspan.collector.control.records import Party
from auditspan.collector.query.access_log import FOLD_SECONDS, MOST_FOLDED, AccessLog, NotWritten
from auditspan.collector.query.claims import Claims
from auditspan.collector.query.outcome import Facts, Outcome
from auditspan.collector.query.reads import MAX_STATEMENT, Read
from auditspan.identity.caller import Caller
from auditspan.identity.principal import named_principal
from auditspan.identity.roles import Role
from auditspan.storage.query import Statement
from tests.collector.front.test_authentication import Clock
from tests.collector.query.conftest import Running, Spool

IVAN = Caller(named_principal("person:ivan", "api_key", "k1", "10.0.0.7", 0),
              frozenset({Role.INVESTIGATOR}))  # fmt: skip
READ = Read(
    "r1", 1_000, IVAN, Claims("cli", "", "curl"), Statement("SELECT 1"), "investigator",
    Outcome(b"1\n", facts=Facts(("audit",), 1)), 5,
)  # fmt: skip


def bodies(spool: Spool) -> list[dict[str, Any]]:
    """What was written."""
    return [json.loads(text)["body"] for text, _ in spool.written]


class Kept:
    """A log with a clock that is moved by hand."""

    def __init__(self) -> None:
        self.spool, self.clock = Spool(), Clock()
        self.log = AccessLog(self.spool.submit, clock=self.clock)

    def write(self, *reads: Read) -> None:
        """Write reads one after the other."""

        async def each() -> None:
            for read in reads:
                await self.log.write(read)

        asyncio.run(each())


@pytest.fixture
def kept() -> Kept:
    """An empty log."""
    return Kept()


def test_a_read_is_written_with_its_reader_as_the_one_who_asked(kept: Kept) -> None:
    """Verified, with the roles of that moment and from where."""
    kept.write(READ)
    [(text, principal)] = kept.spool.written
    record = json.loads(text)
    assert record["kind"] == "store.read"
    assert record["requester"] == Party.of(IVAN).model_dump()
    assert json.loads(principal)["id"] == "person:ivan"
    body = record["body"]
    assert (body["rows"], body["bytes"], body["tables"], body["content"]) == (1, 2, ["audit"], True)
    assert (body["address"], body["interface"], body["roles"]) == (
        "10.0.0.7", "cli", ["investigator"],
    )  # fmt: skip


def test_polls_are_counted_and_their_count_is_written(kept: Kept) -> None:
    """The first at once, the others as one record after a minute; then it begins anew."""
    kept.write(*[replace(READ, id=f"r{n}", at_ns=n) for n in range(1, 6)])
    assert [body["repeats"] for body in bodies(kept.spool)] == [0]
    kept.clock.at += FOLD_SECONDS
    kept.write(replace(READ, id="r9"))
    assert [(body["id"], body["repeats"], body["rows"]) for body in bodies(kept.spool)] == [
        ("r1", 0, 1),
        ("r1", 4, 4),
        ("r9", 0, 1),
    ]


def test_counts_are_written_at_the_end(kept: Kept) -> None:
    """A stop loses none."""
    kept.write(READ, READ, READ)
    asyncio.run(kept.log.close())
    assert [body["repeats"] for body in bodies(kept.spool)] == [0, 2]


@pytest.mark.parametrize(
    "other",
    [
        replace(READ, statement=Statement("SELECT 2")),
        replace(READ, statement=Statement("SELECT 1", params={"x": "1"})),
        replace(READ, claims=Claims("report", "search", "curl")),
        replace(READ, access="reader"),
        replace(READ, outcome=Outcome(b"", code=62)),
        replace(READ, caller=replace(IVAN, principal=replace(IVAN.principal, address="10.0.0.8"))),
        replace(READ, caller=replace(IVAN, principal=replace(IVAN.principal, id="person:eve"))),
    ],
)
def test_what_differs_in_anything_is_written_itself(kept: Kept, other: Read) -> None:
    """Another statement, value, program, role, result, address or person."""
    kept.write(READ, other)
    assert [body["repeats"] for body in bodies(kept.spool)] == [0, 0]


def test_a_dashboard_that_moves_its_window_is_one_poll(kept: Kept) -> None:
    """The record says from the first to the last time that was asked about."""

    def panel(at: int, agent: str = "a") -> Read:
        sql = (
            f"SELECT count() FROM otel_traces WHERE Timestamp >= toDateTime({at}) "
            f"AND Timestamp <= toDateTime({at + 60}) AND ServiceName = '{agent}'"
        )
        return replace(READ, statement=Statement(sql))

    kept.write(panel(1_764_000_000), panel(1_764_000_010), panel(1_764_000_020))
    kept.write(panel(1_764_000_000, agent="b"))
    asyncio.run(kept.log.close())
    assert [(body["repeats"], body["since"], body["until"]) for body in bodies(kept.spool)] == [
        (0, "", ""),
        (0, "", ""),
        (2, "1764000010", "1764000080"),
    ]


def test_many_different_reads_do_not_fill_the_memory(kept: Kept) -> None:
    """Beyond so many, each is written on its own."""
    statements = (Statement(f"SELECT {n}") for n in range(MOST_FOLDED + 1))
    kept.write(*(replace(READ, statement=one) for one in statements))
    last = replace(READ, statement=Statement(f"SELECT {MOST_FOLDED}"))
    before = len(kept.spool.written)
    kept.write(last, last)
    assert len(kept.spool.written) == before + 2


def test_without_a_log_nothing_is_written_and_nothing_counted(kept: Kept) -> None:
    """A full spool refuses the read, and a count waits for room."""
    kept.write(READ, READ)
    kept.spool.full = True
    with pytest.raises(NotWritten, match="No space left"):
        kept.write(replace(READ, statement=Statement("SELECT 2")))
    kept.clock.at += FOLD_SECONDS
    with pytest.raises(NotWritten):
        kept.write(READ)
    kept.spool.full = False
    kept.write(READ)
    assert [body["repeats"] for body in bodies(kept.spool)] == [0, 1, 0]


def test_a_long_statement_is_cut_and_says_so(kept: Kept) -> None:
    """Its hash covers all of it."""
    long = Statement("SELECT " + "1" * MAX_STATEMENT, params={"x": "y" * (MAX_STATEMENT + 1)})
    kept.write(replace(READ, statement=long))
    [body] = bodies(kept.spool)
    assert (len(body["statement"]), len(body["params"]["x"]), body["cut"]) == (
        MAX_STATEMENT, MAX_STATEMENT, True,
    )  # fmt: skip
    assert body["statement_hash"].startswith("sha256:")


def _ask(running: Running, sql: str, token: str, **headers: str) -> httpx.Response:
    return httpx.post(
        running.url, content=sql, headers={"X-ClickHouse-Key": token, **headers}, timeout=20
    )


def test_the_endpoint_logs_what_it_answers_and_what_it_refuses(running: Running) -> None:
    """With rows, code, and what the client says of itself; strangers leave nothing."""
    running.spool.written.clear()
    said = {"X-Auditspan-Interface": "report", "X-Auditspan-Report": "trace%20x", "User-Agent": "u"}
    assert _ask(running, "SELECT n FROM t", running.token, **said).text == "1\n2\n"
    assert _ask(running, "SELECT s FROM t", running.reader).status_code == 404
    assert _ask(running, "SELECT 1", running.agent).status_code == 403
    assert _ask(running, "SELECT 1", running.nobody).status_code == 403
    assert _ask(running, "SELECT 1", "wrong").status_code == 403
    found = [(b["reader"], b["code"], b["rows"], b["content"]) for b in bodies(running.spool)]
    assert found == [
        ("person:ivan", 0, 2, True),
        ("service:grafana", 47, 0, False),
        ("agent:booking", 497, 0, False),
        ("person:dave", 497, 0, False),
    ]
    first, _, refused, _ = bodies(running.spool)
    assert (first["interface"], first["report"], first["client"]) == ("report", "trace x", "u")
    assert first["address"] == "127.0.0.1"
    assert refused["statement"] == ""


def test_a_read_that_cannot_be_logged_is_not_answered(running: Running) -> None:
    """503: try again, and no byte of the result."""
    running.spool.full = True
    try:
        response = _ask(running, "SELECT 4711", running.token)
    finally:
        running.spool.full = False
    assert (response.status_code, response.headers["X-ClickHouse-Exception-Code"]) == (503, "210")
    assert "4711" not in response.text
    assert response.headers["Retry-After"] == "1"
