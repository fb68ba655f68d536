"""What became of records, windows, and what is said where nothing can be verified."""

from contextlib import AbstractContextManager
from datetime import UTC, datetime, timedelta
from functools import partial
from threading import Lock
from typing import Any, cast

import pytest

from auditspan.integrity.merkle import leaf_hash
from auditspan.integrity.tree import Tree
from auditspan.reports.verification.inputs import Inputs
from auditspan.reports.verification.report import Verdict
from auditspan.reports.verification.run import run
from auditspan.reports.verification.stored_tree import StoredTree
from auditspan.reports.verification.window import Window, out_of_order
from auditspan.storage.engine import Engine, Settings
from auditspan.storage.errors import StoreUnavailable
from auditspan.storage.sealing.recompute import answer
from auditspan.storage.values import Params
from tests.reports.verification.sealed import BATCH, HOUR, LATER, NOW, ROOT, Sealed

YEARS = 2_000 * 86_400


def test_what_is_gone_after_its_day_has_expired(copy: Sealed) -> None:
    """Before it, the same absence is a finding; what is kept too long is a warning."""
    copy.sql("ALTER TABLE audit_records DELETE WHERE LogIndex >= 30 AND LogIndex < 40")
    assert copy.verify().states()["MISSING"] == 10
    later = copy.verify(now=LATER + YEARS)
    assert (later.verdict, later.states()["expired"]) == (Verdict.VALID, 10)
    assert [problem.kind for problem in later.problems] == ["record.overdue"]


def test_parts_that_are_asked_for_at_once_are_reported_in_order(
    copy: Sealed, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Parts of fifteen records, changed in three of them: what one after the other finds."""
    copy.sql("ALTER TABLE audit_records UPDATE Summary = 'x' WHERE LogIndex IN (9, 30, 45)")
    copy.sql("ALTER TABLE audit_records DELETE WHERE LogIndex = 20")
    monkeypatch.setattr("auditspan.reports.verification.records._LEAST", 15)
    monkeypatch.setattr("auditspan.reports.verification.records._CHUNK", 15)

    def verified(at_once: int) -> dict[str, Any]:
        given = Inputs(copy.trust, notes=lambda: copy.files, now=lambda: LATER, at_once=at_once)
        report = run(partial(answer, copy.store, side_by_side=at_once > 1), given)
        return {k: v for k, v in report.as_dict().items() if k != "seconds"}

    found = verified(3)
    assert found == verified(1)
    assert [(p["kind"], p["index"]) for p in found["problems"]] == [
        ("record.altered", 9),
        ("record.missing", 20),
        ("record.altered", 30),
        ("record.altered", 45),
    ]


def test_a_part_that_fails_ends_the_others(copy: Sealed, monkeypatch: pytest.MonkeyPatch) -> None:
    """Nobody waits for answers that are not needed any more."""
    monkeypatch.setattr("auditspan.reports.verification.records._LEAST", 15)
    monkeypatch.setattr("auditspan.reports.verification.records._CHUNK", 15)
    asked: list[object] = []

    def ask(name: str, params: Params) -> Any:
        if name == "altered":
            asked.append(params["first"])
            raise StoreUnavailable("gone")
        return copy.ask(name, params)

    given = Inputs(copy.trust, notes=lambda: copy.files, now=lambda: LATER, at_once=2)
    with pytest.raises(StoreUnavailable):
        run(ask, given)
    assert len(asked) <= 3


@pytest.mark.parametrize("at_once", [1, 2])
def test_the_store_is_asked_no_more_at_once_than_it_may_be(
    copy: Sealed, monkeypatch: pytest.MonkeyPatch, at_once: int
) -> None:
    """Nor is anything asked long before it is looked at."""
    monkeypatch.setattr("auditspan.reports.verification.records._LEAST", 15)
    monkeypatch.setattr("auditspan.reports.verification.records._CHUNK", 15)
    copy.sql("ALTER TABLE audit_records DELETE WHERE LogIndex = 20")
    under_way, most, lock, begun = 0, 0, Lock(), []

    def ask(name: str, params: Params) -> Any:
        nonlocal under_way, most
        with lock:
            under_way += 1
            most = max(most, under_way)
            begun.append(params["first"] if name == "altered" else name)
        found = copy.ask(name, params)
        with lock:
            under_way -= 1
        return found

    run(ask, Inputs(copy.trust, notes=lambda: copy.files, now=lambda: LATER, at_once=at_once))
    assert most == at_once
    assert begun.index("absent") < begun.index(45)


def test_what_is_held_is_not_overdue(copy: Sealed) -> None:
    """It is there after its day because somebody said so."""
    copy.sql("ALTER TABLE audit_records UPDATE Held = 1 WHERE LogIndex < 40")
    [some] = [p for p in copy.verify(now=LATER + YEARS).problems if p.kind == "record.overdue"]
    copy.sql("ALTER TABLE audit_records UPDATE Held = 1 WHERE 1")
    assert copy.verify(now=LATER + YEARS).problems == ()
    assert some.says.endswith("records are past their day of expiry and still there")


def test_a_window_limits_what_is_recomputed(copy: Sealed) -> None:
    """Logs are checked as a whole all the same; what lies outside is not looked at."""
    copy.sql("ALTER TABLE audit_records UPDATE Summary = 'x' WHERE LogIndex = 30")
    middle = datetime.fromtimestamp((NOW + 1.5 * HOUR) / 1e9, UTC)
    found = copy.verify(window=Window(middle, middle + timedelta(hours=1)))
    assert found.verdict is Verdict.VALID
    assert 0 < found.population.recomputed < 5 * BATCH
    whole = copy.verify(window=Window(None, middle))
    assert whole.verdict is Verdict.INVALID


def test_a_window_is_not_moved_by_what_rows_say(copy: Sealed) -> None:
    """A record that claims another time is still looked at in its own."""
    time = f"fromUnixTimestamp64Nano(toInt64({NOW - 50 * HOUR}), 'UTC')"
    copy.replace({"SealedAt": time, "Timestamp": time}, "LogIndex = 100")
    middle = datetime.fromtimestamp((NOW + HOUR / 2) / 1e9, UTC)
    found = copy.verify(window=Window(middle, middle + timedelta(hours=1)))
    assert "record.altered" in {problem.kind for problem in found.problems}


def test_records_from_before_sealing_are_a_warning(copy: Sealed) -> None:
    """As many as the log says were there when it began, which here is none."""
    assert copy.verify().population.before_sealing == 0


def test_a_stored_tree_is_the_tree(copy: Sealed) -> None:
    """Roots of all sizes, computed in SQL and at hand."""
    entries = copy.ask("entries", {"log": copy.log, "first": 0, "end": copy.end()})
    tree = Tree(leaf_hash(bytes(entry)) for entry in entries["Entry"].to_pylist())
    stored = StoredTree(copy.ask, copy.log)
    stored.load(copy.end())
    assert (stored.size, stored.broken) == (len(tree), "")
    assert [stored.root(n) for n in range(len(tree) + 1)] == [
        tree.root(n) for n in range(len(tree) + 1)
    ]


@pytest.mark.parametrize(
    ("batches", "kinds"),
    [
        ([(100, 0, 9), (200, 10, 19)], []),
        ([(100, 0, 9), (90, 10, 19)], ["time.order"]),
        ([(100, 0, 9), (100, 10, 19)], []),
        ([(60, 10, 19)], ["time.backdated"]),
        ([(130, 0, 9)], ["time.postdated"]),
        ([(115, 0, 9)], []),
    ],
)
def test_times_fit_the_signatures(batches: list[tuple[int, int, int]], kinds: list[str]) -> None:
    """A tree of ten entries was signed at second 110, ten seconds are between clocks."""
    nanoseconds = [(at * 10**9, first, last) for at, first, last in batches]
    found = out_of_order("log", nanoseconds, [(10, 110)] if "order" not in str(kinds) else [])
    assert [problem.kind for problem in found] == kinds


@pytest.mark.parametrize(("patience", "verdict"), [(0, Verdict.INVALID), (1, Verdict.VALID)])
def test_a_log_whose_key_is_not_in_the_root_log_yet_is_waited_for(
    copy: Sealed, patience: int, verdict: Verdict
) -> None:
    """A collector that has begun a log stores its entries some seconds before the root log's."""
    tables = ("audit_seals", "audit_log_entries")
    for table in tables:
        copy.sql(f"CREATE TABLE {table}_later AS {table}")
        copy.sql(f"INSERT INTO {table}_later SELECT * FROM {table} WHERE LogId = '{ROOT}'")
        copy.sql(f"ALTER TABLE {table} DELETE WHERE LogId = '{ROOT}' AND LogIndex = 0")
    copy.sql(f"ALTER TABLE audit_checkpoints DELETE WHERE LogId = '{ROOT}'")

    def settle() -> None:
        for table in tables:
            copy.sql(f"ALTER TABLE {table} DELETE WHERE LogId = '{ROOT}'")
            copy.sql(f"INSERT INTO {table} SELECT * FROM {table}_later")

    settled = iter([lambda: None, settle])
    given = Inputs(
        copy.trust,
        notes=lambda: copy.files,
        settle=lambda: next(settled)(),
        patience=patience,
        now=lambda: LATER,
    )
    assert run(copy.ask, given).verdict is verdict


class Profiled:
    """An engine whose users have settings of their own, as a server's profile gives them."""

    def __init__(self, engine: Engine, **settings: str | int) -> None:
        self.engine, self.settings = engine, settings

    def __getattr__(self, name: str) -> Any:
        return getattr(self.engine, name)

    def session(self, settings: Settings | None = None) -> AbstractContextManager[Any]:
        return self.engine.session({**self.settings, **(settings or {})})


def test_a_profile_of_the_server_hides_nothing(copy: Sealed) -> None:
    """NULL for what a join does not find, or answers that end early, would leave records out."""
    copy.sql(f"ALTER TABLE audit_seals DELETE WHERE LogId = '{copy.log}' AND LogIndex = 30")
    part: Params = {"log": copy.log, "first": 0, "end": copy.end()}
    engine = Profiled(
        copy.store, join_use_nulls=1, result_overflow_mode="break", max_result_rows=10_000
    )
    found = answer(cast(Engine, engine), "altered", part)
    assert found["LogIndex"].to_pylist() == [30]


def test_what_was_filled_later_is_named(copy: Sealed) -> None:
    """That a column, or a group, was empty can be tried; what another value was, nobody can say."""
    one = "ALTER TABLE audit_records UPDATE"
    copy.sql(f"{one} Purpose = 'agreed' WHERE LogIndex = 30")
    control = copy.rows("SELECT min(LogIndex) AS i FROM audit_records WHERE RecordKind = 'control'")
    copy.sql(f"{one} ToolResult = 'x', ResultHash = 'y' WHERE LogIndex = {control[0]['i']}")
    copy.sql(f"{one} Summary = 'nothing happened' WHERE LogIndex = 32")
    copy.sql(f"{one} DataSubjectIds = ['x'], GrantId = 'g' WHERE LogIndex = 33")
    found = {problem.index: problem.says for problem in copy.verify().problems}
    other = "its content is not what was sealed: its core, or one of its groups"
    assert found == {
        30: "its content is not what was sealed: column Purpose was empty then",
        control[0]["i"]: "its content is not what was sealed: group result was empty then",
        32: other,
        33: other,
    }
