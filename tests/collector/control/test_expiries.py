"""Early expiry as it is asked for: which records, and what is refused."""

import asyncio
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import JsonValue

from auditspan.collector.control.errors import ControlForbidden, ControlInvalid, ControlRefused
from auditspan.collector.control.expiry_plan import MOST_RANGES, Range, body_of, both
from auditspan.collector.control.holds_files import Hold, HoldFiles, HoldFilter
from auditspan.collector.control.records import Why
from auditspan.collector.control.service import Controls, open_controls
from auditspan.collector.data_dir import prepare
from auditspan.collector.query.lookups import in_store
from auditspan.identity.roles import Role
from auditspan.registry import Bundle
from tests.collector.control.bundles import two_persons
from tests.collector.control.callers import ALICE, ALONE, CAROL, OPERATOR, Spool, caller, ticking
from tests.collector.control.test_erasures import PEOPLE
from tests.collector.engine.conftest import Workshop, spans
from tests.migrated import migrated_store

DORA = caller("person:dora", Role.PRIVACY, credential="kd")
DAN = caller("person:dan", Role.PRIVACY, credential="ke")
WHY = Why(reason="kept for too long", ticket="T-9")
OTHER_LOG = "other/log"


@dataclass
class Desk:
    """A store with records, and controls over it."""

    workshop: Workshop
    controls: Controls
    spool: Spool

    def propose(self, filter: str, *, dry_run: bool = True) -> dict[str, Any]:
        """Ask, as Dora."""
        asked = HoldFilter.parse(filter)
        expiries = self.controls.privacy.expiries
        return asyncio.run(expiries.propose(asked, WHY, DORA, dry_run=dry_run))


@pytest.fixture(scope="module")
def desk(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Desk]:
    """Calls of two tools by turns, and a log in which every other record fits."""
    data = prepare(tmp_path_factory.mktemp("expiries") / "data")
    store = migrated_store(data.folder("store"))
    workshop = Workshop(data, store)
    frames = spans(1, 2), spans(3, tool="mail"), spans(4), spans(5, tool="mail")
    workshop.segments().process(workshop.segment(*frames))
    store.command(
        "INSERT INTO audit_records (RecordId, RecordKind, LogId, LogIndex, UserId, Operation) "
        f"SELECT concat('r', number), if(number = 3, 'control', 'action'), '{OTHER_LOG}', number, "
        "if(number % 2, 'odd', 'even'), '' FROM numbers(10000)"
    )
    store.command("INSERT INTO audit_records (RecordId, UserId) VALUES ('unsealed', 'nobody')")
    spool = Spool()
    registry = data.folder("registry")
    controls = open_controls(registry, registry / "k", spool.submit, lookup=in_store(store))
    controls.journal.now_ns = ticking()
    people = Bundle({**two_persons().files, "principals/privacy.yaml": PEOPLE})
    asyncio.run(controls.apply(people, WHY, ALONE))
    yield Desk(workshop, controls, spool)
    store.close()


def test_what_would_go_is_told(desk: Desk) -> None:
    """How many records, in how many places, of which time."""
    told = desk.propose("tool=pay")
    assert (told["records"], told["ranges"]) == (3, 2)
    assert told["received_from"] == told["received_to"] != ""
    assert desk.propose("tool=mail,agent=helper")["records"] == 2
    assert desk.propose("since=2020-01-01T00:00:00Z,tool=pay")["records"] == 3


@pytest.mark.parametrize(
    "filter",
    [
        "tool=nothing",
        "user=nobody",
        "tool=pay,agent=other",
        "tool=pay,until=2020-01-01T00:00:00Z",
        "operation=registry.applied",
        "record=r3",
        "tool=%",
        "tool=pay' OR 1 --",
    ],
)
def test_nothing_fits(desk: Desk, filter: str) -> None:
    """All words have to; what is unsealed or says who changed what never does."""
    with pytest.raises(ControlInvalid, match="no sealed record of an act fits"):
        desk.propose(filter)


@pytest.mark.parametrize(
    "filter",
    [
        "",
        "everything",
        "colour=red",
        "since=yesterday",
        "until=2026-13-01",
        "tool",
        "tool=",
        "tool=pay,agent=",
        "tool=pay,tool=mail",
        "=pay",
    ],
)
def test_what_is_no_filter(desk: Desk, filter: str) -> None:
    """Nothing is let go by a slip."""
    with pytest.raises(ControlInvalid, match=r"filter|time|isoformat|month"):
        desk.propose(filter)


def test_too_many_places(desk: Desk) -> None:
    """Every other record of a long log would not fit into an entry."""
    with pytest.raises(ControlInvalid, match=f"more than {MOST_RANGES} places"):
        desk.propose("user=even")
    with pytest.raises(ControlInvalid, match=f"at most {MOST_RANGES}"):
        many: list[JsonValue] = [
            {"log": "l", "start": at, "end": at + 1} for at in range(MOST_RANGES + 1)
        ]
        body_of({"id": "0" * 16, "filter": "tool=x", "expired": many})


def test_a_hold_refuses(desk: Desk) -> None:
    """One record that both want is enough; another hold is none of it."""
    files = HoldFiles(desk.workshop.data.folder("registry"))
    hold = Hold(
        id="ab" * 16,
        filter=HoldFilter.parse("tool=pay,agent=helper,since=2020-01-01T00:00:00Z"),
        salt="5a",
        placed_at="2026-11-25T00:00:00Z",
        placed_by="person:dora",
    )
    files.store(hold)
    try:
        with pytest.raises(ControlRefused, match=f"is kept by hold {hold.id}"):
            desk.propose("service=tests")
        assert desk.propose("tool=mail")["records"] == 2
    finally:
        (files.folder / f"{hold.id}.json").unlink()


def test_who_may(desk: Desk) -> None:
    """The role privacy, and a reason."""
    expiries, filter = desk.controls.privacy.expiries, HoldFilter.parse("tool=pay")
    for other in (ALICE, CAROL, OPERATOR):
        with pytest.raises(ControlForbidden):
            asyncio.run(expiries.propose(filter, WHY, other))
        with pytest.raises(ControlForbidden):
            asyncio.run(expiries.listed(other))
    with pytest.raises(ControlInvalid, match="reason"):
        asyncio.run(expiries.propose(filter, Why(ticket="T-9"), DORA))


def test_two_persons_decide_on_what_was_there(desk: Desk) -> None:
    """What came after the proposal stays, and the log's entry names nobody."""
    asked = desk.propose("tool=pay", dry_run=False)
    assert not asked["applied"]
    desk.workshop.segments().process(desk.workshop.segment(spans(77), number=9))
    assert desk.propose("tool=pay")["records"] == 4
    changes = desk.controls.changes
    shown = changes.show(asked["proposal"], DAN)
    assert "3 records of tool=pay" in str(shown)
    for other in (DORA, ALICE, OPERATOR):
        with pytest.raises(ControlForbidden):
            asyncio.run(changes.approve(asked["proposal"], "", other))
    done = asyncio.run(changes.approve(asked["proposal"], "checked", DAN))
    assert (done["records"], done["ranges"], done["approved_by"]) == (3, 2, "person:dan")
    record = desk.spool.records[-1]
    assert record.kind == "record.expired_early"
    assert set(record.body) == {"id", "expired", "records", "approval"}
    assert "pay" not in record.to_json()


def test_what_is_gone_meanwhile_is_left_out(desk: Desk) -> None:
    """An approval of nothing is refused."""
    desk.workshop.store.command(
        "INSERT INTO audit_records (RecordId, RecordKind, LogId, LogIndex, UserId) "
        "VALUES ('passing', 'action', 'third/log', 7, 'passing')"
    )
    asked = desk.propose("user=passing", dry_run=False)
    desk.workshop.store.command(
        "ALTER TABLE audit_records DELETE WHERE RecordId = 'passing' SETTINGS mutations_sync = 2"
    )
    with pytest.raises(ControlInvalid, match="no sealed record"):
        asyncio.run(desk.controls.changes.approve(asked["proposal"], "", DAN))


def _ranges(places: set[tuple[str, int]]) -> tuple[Range, ...]:
    found: list[Range] = []
    for log, at in sorted(places):
        if found and found[-1].log == log and found[-1].end == at:
            found[-1] = Range(log=log, start=found[-1].start, end=at + 1)
        else:
            found.append(Range(log=log, start=at, end=at + 1))
    return tuple(found)


_PLACES = st.sets(st.tuples(st.sampled_from(["a", "b", "c"]), st.integers(0, 30)))


@given(_PLACES, _PLACES)
def test_what_is_in_both(some: set[tuple[str, int]], others: set[tuple[str, int]]) -> None:
    """The same places as of the sets themselves."""
    found = both(_ranges(some), _ranges(others))
    assert {(r.log, at) for r in found for at in range(r.start, r.end)} == some & others
