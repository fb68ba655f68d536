"""Three people read different things, and the access log tells who saw what."""

from collections.abc import Callable, Iterator
from datetime import timedelta
from typing import Any

import pyarrow as pa
import pytest

from auditspan.collector.control.access_tables import SCHEMA
from auditspan.reports.access import Seen, Wanted, access
from auditspan.reports.chain import chain
from auditspan.reports.errors import BadFilter
from auditspan.reports.known_reads import known_read
from auditspan.reports.period import Period, clickhouse_time
from auditspan.reports.population import population
from auditspan.reports.questions import ask, questions
from auditspan.reports.search import search
from auditspan.reports.source import Source
from auditspan.storage.engine import Engine
from auditspan.storage.reader import Reader
from auditspan.storage.values import text
from tests.migrated import migrated_store
from tests.reports.trail import OTHER_TRACE, START, TRACE, fill

ALWAYS = Period()
LATER = START + timedelta(days=1)


class Log:
    """A source that reads a store and writes down who read what, as a collector does."""

    def __init__(self, engine: Engine) -> None:
        self.engine = engine
        self.reader = "nobody"
        self.rows: list[dict[str, Any]] = []

    def arrow(self, sql: str, params: Any = None) -> pa.Table:
        """Run a statement."""
        answer = Reader(self.engine).arrow(sql, params)
        self.note(sql, params, answer.num_rows)
        return answer

    def note(self, sql: str, params: Any = None, rows: int = 1, **fields: Any) -> None:
        """Write a read down."""
        texts = {name: text(value) for name, value in (params or {}).items()}
        number = len(self.rows)
        row = {
            "ReadId": f"read-{number}", "ReadAt": LATER + timedelta(seconds=number),
            "Reader": self.reader, "Method": "api_key", "Credential": "k", "Roles": [],
            "Address": "10.0.0.1", "Interface": "report", "Report": "", "Client": "",
            "Statement": sql, "StatementHash": "", "Params": list(texts.items()), "Cut": False,
            "Tables": ["audit"], "Content": True, "Since": texts.get("since", ""),
            "Until": texts.get("until", ""), "Repeats": 0, "Rows": rows, "Bytes": 1, "Duration": 1,
            "Code": 0, "BatchId": "b",
        }  # fmt: skip
        self.rows.append({**row, **fields})

    def stored(self) -> Source:
        """The store with these reads in its access log."""
        self.engine.command("TRUNCATE TABLE access_log")
        if self.rows:
            self.engine.insert("access_log", pa.Table.from_pylist(self.rows, schema=SCHEMA))
        return Reader(self.engine)


@pytest.fixture(scope="module")
def engine(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Engine]:
    """The trail."""
    engine = migrated_store(tmp_path_factory.mktemp("access") / "store")
    fill(engine)
    yield engine
    engine.close()


@pytest.fixture
def log(engine: Engine) -> Log:
    """An empty log over it."""
    return Log(engine)


def who(seen: Seen) -> list[tuple[str, str]]:
    """Who, and how sure."""
    return [(row["Reader"], row["Certainty"]) for row in seen.reads]


def test_three_people_read_different_things_and_the_answer_is_exact(log: Log) -> None:
    """Ann looked at the refund, Ben at another conversation, Cid at everything of a later day."""
    log.reader = "person:ann"
    search(log, {"record": ["r3"]}, ALWAYS, 50)
    log.reader = "person:ben"
    chain(log, OTHER_TRACE)
    log.reader = "person:cid"
    log.note("SELECT Summary FROM audit LIMIT 100", rows=6)
    search(log, {}, Period(since=LATER), 50)
    source = log.stored()
    assert who(access(source, Wanted("record", "r3"), ALWAYS)) == [
        ("person:ann", "named"),
        ("person:cid", "possible"),
    ]
    assert who(access(source, Wanted("record", "r4"), ALWAYS)) == [
        ("person:ben", "named"),
        ("person:cid", "possible"),
    ]
    # It became known on the later day.
    assert who(access(source, Wanted("record", "r5"), ALWAYS)) == [
        ("person:cid", "possible"),
        ("person:cid", "possible"),
    ]
    assert who(access(source, None, ALWAYS, by="person:ben")) == [("person:ben", "")]


@pytest.mark.parametrize(
    ("ask_for", "expected"),
    [
        (lambda log: search(log, {"agent": ["helper"]}, ALWAYS, 9), "named"),
        (lambda log: search(log, {"agent": ["Helper"]}, ALWAYS, 9), "named"),
        (lambda log: search(log, {"agent": ["other-helper"]}, ALWAYS, 9), None),
        (lambda log: search(log, {"severity": 1}, ALWAYS, 9), "possible"),
        (lambda log: search(log, {}, ALWAYS, 9), "possible"),
        (lambda log: search(log, {}, Period(until=START), 9), None),
        (lambda log: chain(log, TRACE), "named"),
        (lambda log: chain(log, None, "c1"), "named"),
        (lambda log: population(log, ALWAYS), None),
        (lambda log: ask(log, "denials", ALWAYS), "possible"),
        (lambda log: ask(log, "user-activity", ALWAYS, {"user": "alice"}), "possible"),
        (lambda log: log.note("SELECT * FROM audit WHERE AgentId = 'helper'"), "named"),
        (lambda log: log.note("SELECT * FROM audit WHERE AgentId LIKE '%helper%'"), "named"),
        (lambda log: log.note("SELECT * FROM audit WHERE AgentId = 'helpers'"), "possible"),
        (lambda log: log.note("SELECT 1 FROM audit", {"x": "helper"}), "named"),
        (lambda log: log.note("SELECT * FROM tools", Tables=["tools"]), None),
        (lambda log: log.note("SELECT 'helper' FROM tools", Tables=["tools"]), "named"),
        (lambda log: log.note("SELECT 'helper'", Tables=[]), None),
        (lambda log: log.note("SELECT version()", Tables=[]), None),
        (lambda log: log.note("SELECT name", Tables=["system_settings"]), None),
        (lambda log: log.note("SELECT * FROM audit", rows=0), None),
        (lambda log: log.note("SELECT * FROM audit", rows=None), "possible"),
        (lambda log: log.note("SELECT * FROM audit WHERE x = 'helper'", Code=497), None),
        (lambda log: log.note("SELECT * FROM audit", ReadAt=START), None),
        (lambda log: log.note("SELECT * FROM audit", Since="2030-01-01 00:00:00"), "possible"),
    ],
)
def test_what_a_read_showed_of_an_agent(
    log: Log, ask_for: Callable[[Log], Any], expected: str | None
) -> None:
    """Named by id, name, trace or conversation; possible unless something of ours excludes it."""
    try:
        ask_for(log)
    except Exception as error:
        assert "no record" in str(error)
    seen = access(log.stored(), Wanted("agent", "helper"), ALWAYS)
    assert {row["Certainty"] for row in seen.reads} == ({expected} if expected else set())


def test_a_statement_that_only_resembles_ours_has_no_window(log: Log) -> None:
    """Whoever adds `OR 1` to a report, or a parameter that nothing uses, hides nothing."""
    never = Period(until=START)
    search(log, {}, never, 9)
    ours = log.rows.pop()
    for sql in (ours["Statement"].replace(" ORDER BY", " OR 1 ORDER BY"), "SELECT * FROM audit"):
        log.note(sql, dict(ours["Params"]))
    seen = access(log.stored(), Wanted("agent", "helper"), ALWAYS)
    assert [row["Certainty"] for row in seen.reads] == ["possible", "possible"]


def test_a_statement_that_was_cut_may_have_named_anything(log: Log) -> None:
    """Padding in front of an id does not make a read disappear."""
    log.note("SELECT * FROM audit WHERE x IN ('" + "y" * 9, Cut=True)
    seen = access(log.stored(), Wanted("record", "r3"), ALWAYS)
    assert who(seen) == [("nobody", "possible")]


def test_an_answer_states_its_population(log: Log) -> None:
    """How many reads of how many readers were looked at, and when the log begins."""
    log.note("SELECT 1", Code=62)
    log.note("SELECT * FROM audit")
    seen = access(log.stored(), Wanted("agent", "helper"), Period(since=LATER))
    assert (seen.looked_at, seen.readers, seen.refused) == (2, 1, 1)
    assert "of 2 reads by 1 readers" in seen.sentence()
    assert "begins 2026-11-25T08:00:00Z" in seen.sentence()
    empty = access(Log(log.engine).stored(), None, ALWAYS)
    assert "the access log is empty" in empty.sentence()
    with pytest.raises(BadFilter):
        access(log.stored(), Wanted("agent", ""), ALWAYS)


@pytest.mark.parametrize("name", [one.name for one in questions()])
def test_every_question_is_recognised_and_its_window_is_true(log: Log, name: str) -> None:
    """One that says it is bounded shows no record of another time."""
    values = {one.name: "r3" for one in next(q for q in questions() if q.name == name).parameters}
    values |= {"at": clickhouse_time(LATER)} if "at" in values else {}
    answer = ask(log, name, Period(until=START), values)
    row = log.rows[0]
    known = known_read(row["Statement"], dict(row["Params"]))
    assert known is not None
    if known.bounded:
        assert not {"r1", "r2", "r3", "r4", "r5", "r6"} & {
            str(v) for r in answer.rows for v in r.values()
        }
