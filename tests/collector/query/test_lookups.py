"""The front's own questions: by name alone, from a store here or in the engine process."""

import asyncio
import threading
import time
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import httpx
import pytest
import uvicorn
from starlette.applications import Starlette

from auditspan.collector.control.errors import ControlUnavailable
from auditspan.collector.query.lookups import (
    LOOKUPS,
    Lookup,
    in_folder,
    in_store,
    lookup_routes,
    no_store,
    through_engine,
)
from auditspan.storage.engine import Engine, open_embedded
from auditspan.storage.values import Value
from auditspan.storage.writer import write
from tests.migrated import migrated_store
from tests.reports.trail import START, fill, row, table

HOUR = timedelta(hours=1)
DIGEST = "sha256:" + "d" * 64
SECOND = "i-1-00000002"
MORE = (
    # Of a clock an hour ahead: it was used when it was received.
    row(7, BatchId=SECOND, Timestamp=START + HOUR, ReceivedAt=START, AgentId="ahead", GrantId=""),
    row(8, BatchId=SECOND, AgentId="said", AgentProvenance="claimed", GrantId="g9"),
    row(
        9,
        BatchId=SECOND,
        RecordKind="control",
        Operation="registry.applied",
        AgentId="",
        GrantId="",
        UserId="person:alice",
        AuthorizedBy="person:bob",
        RequestDigest=DIGEST,
    ),
)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An embedded store with the trail and three records more."""
    path = tmp_path_factory.mktemp("lookups") / "store"
    engine = migrated_store(path)
    fill(engine)
    write(engine, table(MORE), SECOND)
    engine.close()
    return path


@pytest.fixture(scope="module")
def engine(folder: Path) -> Iterator[Engine]:
    """The store, opened."""
    engine = open_embedded(folder)
    yield engine
    engine.close()


@pytest.fixture(scope="module")
def socket(engine: Engine, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """Its lookups on a unix socket."""
    path = tmp_path_factory.mktemp("s") / "engine.sock"
    app = Starlette(routes=lookup_routes(engine))
    config = uvicorn.Config(app, uds=str(path), log_level="error", lifespan="off", ws="none")
    server = uvicorn.Server(config)
    thread = threading.Thread(target=server.run, daemon=True)
    thread.start()
    deadline = time.monotonic() + 10
    while not server.started:
        assert time.monotonic() < deadline, "the engine did not start"
        time.sleep(0.01)
    yield path
    server.should_exit = True
    thread.join(10)


@pytest.fixture(params=["in_store", "through_engine"])
def lookup(request: pytest.FixtureRequest, engine: Engine, socket: Path) -> Lookup:
    """Both ways to ask."""
    return in_store(engine) if request.param == "in_store" else through_engine(socket)


def test_a_record_says_who_had_a_part_in_it(lookup: Lookup) -> None:
    """From its columns, also those that are computed from maps."""
    facts = asyncio.run(lookup.record("r4"))
    assert facts is not None
    assert (facts.record_id, facts.kind, facts.review_required) == ("r4", "action", True)
    assert (facts.user_id, facts.user_email) == ("bob", "bob@example.org")
    assert facts.user_provenance == "claimed"
    assert (facts.principal_id, facts.approved_by) == ("agent:helper", "")


def test_of_a_change_also_who_consented(lookup: Lookup) -> None:
    """What authorised an act is a grant or a policy, and nobody who consented to this one."""
    change = asyncio.run(lookup.record("r9"))
    assert change is not None
    assert (change.kind, change.user_id, change.approved_by) == (
        "control", "person:alice", "person:bob",
    )  # fmt: skip


@pytest.mark.parametrize("id", ["r99", "", "r4' OR 1=1 --", "\0"])
def test_an_unknown_id_is_no_record(lookup: Lookup, id: str) -> None:
    """An id is a value, whatever is in it."""
    assert asyncio.run(lookup.record(id)) is None


def test_the_last_use_by_agent_and_grant(lookup: Lookup) -> None:
    """Changes are no use; a time in the future is that of the receipt; a claim proves nothing."""
    uses = asyncio.run(lookup.last_use())
    start = int(START.timestamp()) * 10**9
    minute = 60 * 10**9
    # r5 became known a day later, and happened five minutes after the start.
    assert uses["agent:helper"].proven_at_ns == start + 6 * minute
    assert uses["grant:g1"].at_ns == start + 6 * minute
    assert uses["agent:ahead"].at_ns == start
    assert (uses["agent:said"].proven_at_ns, uses["agent:said"].at_ns) == (0, start + 8 * minute)
    assert uses["grant:g9"].proven_at_ns == 0
    assert "agent:" not in uses


def test_which_control_records_are_stored(lookup: Lookup) -> None:
    """By digest, also more than one question holds."""
    asked = [DIGEST, *(f"sha256:{number:064x}" for number in range(1_500))]
    assert asyncio.run(lookup.stored_controls(asked)) == {DIGEST}
    assert asyncio.run(lookup.stored_controls([])) == frozenset()


def test_which_items_were_answered(lookup: Lookup) -> None:
    """Of this campaign alone."""
    assert asyncio.run(lookup.answered_items("c-1")) == {"agent:helper"}
    assert asyncio.run(lookup.answered_items("c-2")) == frozenset()


def test_only_questions_with_a_name_are_answered(socket: Path) -> None:
    """SQL does not come over the socket."""
    transport = httpx.HTTPTransport(uds=str(socket))
    with httpx.Client(transport=transport, base_url="http://engine") as http:
        for name in ("SELECT 1", "../record", "", None):
            answer = http.post("/lookup", json={"name": name, "params": {}})
            assert answer.status_code == 404, name


def test_lookups_cannot_write(engine: Engine, monkeypatch: pytest.MonkeyPatch) -> None:
    """They run on a connection that can only read."""
    monkeypatch.setattr(
        "auditspan.collector.query.lookups.LOOKUPS", {**LOOKUPS, "record": "DROP TABLE reviews"}
    )
    with pytest.raises(ControlUnavailable, match=r"(?i)readonly"):
        asyncio.run(in_store(engine).record("r1"))


def test_an_engine_that_is_away_is_worth_another_try(tmp_path: Path) -> None:
    """Nothing is decided without the store."""
    for lookup in (through_engine(tmp_path / "no.sock"), no_store()):
        with pytest.raises(ControlUnavailable) as caught:
            asyncio.run(lookup.last_use())
        assert caught.value.retryable


def test_a_store_without_our_tables_is_no_answer(tmp_path: Path) -> None:
    """A folder of a collector that never started has nothing to look into."""
    empty = tmp_path / "store"
    empty.mkdir()
    with in_folder(empty) as lookup, pytest.raises(ControlUnavailable, match="no records"):
        asyncio.run(lookup.record("r1"))
    assert list(empty.iterdir()) == []


_FILTERS = ("words", "values", "held_words", "held_values")


def test_every_question_has_columns_that_the_store_has(engine: Engine) -> None:
    """Each runs in a migrated store, with text in every parameter."""
    texts = dict.fromkeys(("record_id", "campaign", "id", "subject"), "x")
    lists = {name: ["x"] for name in ("digests", "ids", *_FILTERS)}
    times = dict.fromkeys(("first", "last", "held_first", "held_last"), 0)
    values: dict[str, Value] = {**texts, **lists, **times, "limit": 1}
    with engine.session({"readonly": 1}) as session:
        for sql in LOOKUPS.values():
            params = {name: value for name, value in values.items() if f"{{{name}:" in sql}
            assert session.raw(sql, "JSONEachRow", params) is not None
