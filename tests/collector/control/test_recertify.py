"""Owners are asked, and answer for what is theirs; an answer changes nothing but the record."""

import asyncio
from pathlib import Path

import pytest

from auditspan.collector.control.campaigns import Campaign, Campaigns
from auditspan.collector.control.errors import (
    ControlConflict,
    ControlForbidden,
    ControlInvalid,
    ControlUnavailable,
    NotFound,
)
from auditspan.collector.control.fields import Fields
from auditspan.collector.control.recertify import LONGEST, Verdict
from auditspan.collector.control.records import Why
from auditspan.identity.caller import Caller
from auditspan.identity.roles import Role
from auditspan.registry import Bundle
from tests.collector.control.callers import ALONE, OPERATOR
from tests.collector.control.human import (
    BOSS,
    BOT,
    DAY,
    IVAN,
    OLGA,
    PIA,
    SECOND,
    START,
    WHY,
    Desk,
    desk_in,
    owned,
    person,
)

WEEK = 7 * 86_400
EXPIRED = (
    "{id: g1, grantor: boss, agent: helper, granted_at: 2020-01-01T00:00:00Z,"
    " expires_at: 2021-01-01T00:00:00Z}"
)


@pytest.fixture
def desk(tmp_path: Path) -> Desk:
    """An empty folder with a registry in force."""
    return desk_in(tmp_path)


def start(desk: Desk, caller: Caller = PIA, seconds: int = WEEK) -> Fields:
    """Ask all owners."""
    return asyncio.run(desk.human.recertification.start(seconds, WHY, caller))


def answer(
    desk: Desk, caller: Caller, item: str = "agent:helper", verdict: str = "keep", why: Why = WHY
) -> Fields:
    """Answer for an item."""
    said = Verdict(item, verdict)
    return asyncio.run(desk.human.recertification.answer(said, why, caller))


def listed(desk: Desk, caller: Caller = PIA) -> dict[str, Fields]:
    """The listing by item."""
    rows = asyncio.run(desk.human.listing.items(caller))
    return {str(row["item"]): row for row in rows}


def test_starting_asks_about_every_agent_and_grant(desk: Desk) -> None:
    """The record says who was to be asked about what, until when."""
    done = start(desk)
    assert done["items"] == 2
    [record] = desk.spool.records
    assert (record.kind, record.body["id"]) == ("recertification.started", done["campaign"])
    assert record.body["due_at_ns"] == START + 7 * DAY
    items = record.body["items"]
    assert isinstance(items, list)
    found = [item for item in items if isinstance(item, dict)]
    assert [(i["item"], i["owner"], i["owner_email"], i["risk_tier"]) for i in found] == [
        ("agent:helper", "Payments", "olga@example.org", "high"),
        ("grant:g1", "boss", "", "high"),
    ]


def test_what_gives_no_access_is_not_asked_about(desk: Desk) -> None:
    """An expired grant."""
    desk.apply(owned(grants__g=EXPIRED, examples__e=""))
    start(desk)
    assert [item.item for item in latest(desk).items] == ["agent:helper"]


def latest(desk: Desk) -> Campaign:
    """The campaign as its file has it."""
    found = Campaigns(desk.folder / "registry" / "recertification").latest()
    assert found is not None
    return found


@pytest.mark.parametrize(
    ("caller", "item", "capacity"),
    [
        (OLGA, "agent:helper", "owner"),
        (BOSS, "grant:g1", "owner"),
        (PIA, "agent:helper", "policy"),
        (ALONE, "grant:g1", "policy"),
        (person("person:olga2", Role.POLICY, email="OLGA@example.ORG"), "agent:helper", "owner"),
    ],
)
def test_the_owner_or_the_role_policy_answers(
    desk: Desk, caller: Caller, item: str, capacity: str
) -> None:
    """And it is recorded in which capacity, by which credential."""
    start(desk)
    done = answer(desk, caller, item, "revoke")
    assert (done["as"], done["late"], done["verdict"]) == (capacity, False, "revoke")
    record = desk.spool.records[-1]
    assert (record.kind, record.body["id"], record.body["as"]) == (
        "access.recertified", item, capacity,
    )  # fmt: skip
    assert record.requester is not None
    assert record.requester.principal == caller.principal.id
    assert desk.journal.registry() == owned().registry()


@pytest.mark.parametrize(
    ("caller", "match"),
    [
        (BOSS, "is Payments <olga@example.org>'s"),
        (IVAN, "without the role policy"),
        (OPERATOR, "without the role policy"),
        (BOT, "is a program"),
        (person("person:x", Role.INGEST), "may not do"),
        (person("person:helper", Role.READER), "is not called so"),
    ],
)
def test_nobody_else_answers(desk: Desk, caller: Caller, match: str) -> None:
    """A reader sees the list and answers for what is theirs alone."""
    start(desk)
    with pytest.raises(ControlForbidden, match=match):
        answer(desk, caller)
    assert desk.spool.kinds == ["recertification.started"]


def test_the_owner_of_today_answers(desk: Desk) -> None:
    """Who owned it when it was asked about does not any more."""
    start(desk)
    other = "{id: helper, name: H, owner: boss, purpose: p, risk_tier: low}"
    desk.apply(owned(agents__a=other))
    assert answer(desk, BOSS)["as"] == "owner"
    with pytest.raises(ControlForbidden):
        answer(desk, OLGA)


@pytest.mark.parametrize("caller", [OLGA, IVAN, OPERATOR])
def test_only_the_role_policy_asks(desk: Desk, caller: Caller) -> None:
    """Owners alone cannot."""
    with pytest.raises(ControlForbidden, match="policy"):
        start(desk, caller)


def test_one_is_asked_after_the_other(desk: Desk) -> None:
    """Not while owners have time; yes once all have answered, or the time is over."""
    start(desk)
    with pytest.raises(ControlConflict, match="2 items are unanswered"):
        start(desk)
    answer(desk, PIA)
    answer(desk, PIA, "grant:g1")
    desk.clock[0] += SECOND
    assert start(desk)["items"] == 2
    desk.clock[0] += 8 * DAY
    assert start(desk)["items"] == 2
    assert len(desk.human.listing.status(PIA)) == 3


@pytest.mark.parametrize("seconds", [0, -1, LONGEST + 1])
def test_a_due_date_is_within_a_year(desk: Desk, seconds: int) -> None:
    """Both ends are said."""
    with pytest.raises(ControlInvalid, match="expected 1 s to 366 days"):
        start(desk, seconds=seconds)


def test_without_a_registry_nobody_is_asked(desk: Desk) -> None:
    """There is no owner."""
    desk.apply(Bundle({"controls.yaml": "single_operator: true\n"}))
    with pytest.raises(ControlInvalid, match="nobody to ask"):
        start(desk)


def test_an_answer_needs_a_question(desk: Desk) -> None:
    """Before the first campaign, for something it does not ask, for something that is gone."""
    with pytest.raises(NotFound, match="auditspan recertify start"):
        answer(desk, PIA)
    start(desk)
    with pytest.raises(NotFound, match="did you mean"):
        answer(desk, PIA, "agent:halper")
    with pytest.raises(NotFound, match="expected one of agent:helper, grant:g1"):
        answer(desk, PIA, "zzz")
    desk.apply(owned(grants__g=EXPIRED, examples__e=""))
    with pytest.raises(ControlConflict, match="not in force any more"):
        answer(desk, PIA, "grant:g1")


def test_an_answer_says_something(desk: Desk) -> None:
    """A known word, and why."""
    start(desk)
    with pytest.raises(ControlInvalid, match="keep, change, revoke"):
        answer(desk, PIA, verdict="approved")
    with pytest.raises(ControlInvalid, match="reason"):
        answer(desk, PIA, why=Why(requested_by="x"))


def test_the_listing_shows_use_and_state(desk: Desk) -> None:
    """By owner; what nobody answered is shown with since when."""
    use: Fields = {"item": "agent:helper", "at_ns": START, "proven_at_ns": START - SECOND}
    desk.told.rows["last_use"] = [use]
    before = listed(desk)
    assert list(before) == ["agent:helper", "grant:g1"]
    assert (before["agent:helper"]["last_use"], before["grant:g1"]["last_use"]) == (
        "verified", "never",
    )  # fmt: skip
    assert before["agent:helper"]["last_used_at"] == "2027-01-15T07:59:59Z"
    assert before["grant:g1"]["state"] == "not asked"
    start(desk)
    answer(desk, OLGA)
    after = listed(desk, OLGA)
    assert (after["agent:helper"]["state"], after["agent:helper"]["verdict"]) == (
        "answered", "keep",
    )  # fmt: skip
    assert (after["agent:helper"]["yours"], after["grant:g1"]["yours"]) == (True, False)
    assert (after["grant:g1"]["state"], after["grant:g1"]["unanswered_since"]) == (
        "unanswered", "2027-01-15T08:00:00Z",
    )  # fmt: skip
    desk.clock[0] += 8 * DAY
    start(desk)
    again = listed(desk)
    assert again["grant:g1"]["unanswered_since"] == "2027-01-15T08:00:00Z"
    assert again["agent:helper"]["unanswered_since"] == "2027-01-23T08:00:00Z"
    desk.clock[0] += 8 * DAY
    assert listed(desk)["grant:g1"]["state"] == "overdue"


def test_a_use_that_only_claims_prove_is_called_so(desk: Desk) -> None:
    """An agent that anybody may have named is not in use by that."""
    use: Fields = {"item": "agent:helper", "at_ns": START, "proven_at_ns": 0}
    desk.told.rows["last_use"] = [use]
    assert listed(desk)["agent:helper"]["last_use"] == "claimed"


def test_who_reads_no_record_sees_no_use(desk: Desk) -> None:
    """The operator sees what is in force, and the store is not asked."""
    assert listed(desk, OPERATOR)["agent:helper"]["last_use"] == "not shown"
    assert desk.told.asked == []
    with pytest.raises(ControlForbidden):
        listed(desk, person("person:x", Role.INGEST))


def test_no_listing_without_the_store(desk: Desk) -> None:
    """An agent whose use is unknown must not look unused."""
    desk.told.away = ControlUnavailable("away")
    with pytest.raises(ControlUnavailable):
        listed(desk)


def test_the_status_counts(desk: Desk) -> None:
    """Answers by word, and late ones."""
    start(desk)
    answer(desk, OLGA)
    desk.clock[0] += 8 * DAY
    assert answer(desk, BOSS, "grant:g1", "revoke")["late"] is True
    [row] = desk.human.listing.status(OPERATOR)
    assert (row["state"], row["items"], row["answered"], row["late"]) == ("ended", 2, 2, 1)
    assert (row["keep"], row["revoke"]) == (1, 1)


def test_nothing_is_asked_or_answered_without_a_record(desk: Desk) -> None:
    """A full spool leaves everything as it was."""
    desk.spool.full = True
    with pytest.raises(ControlUnavailable):
        start(desk)
    assert desk.human.listing.status(PIA) == []
    desk.spool.full = False
    start(desk)
    desk.spool.full = True
    with pytest.raises(ControlUnavailable):
        answer(desk, PIA)
    assert latest(desk).answers == {}


def test_a_damaged_file_is_not_read_as_another_answer(desk: Desk) -> None:
    """It is named, with the place."""
    start(desk)
    [path] = (desk.folder / "registry" / "recertification").glob("*.json")
    path.write_text(path.read_text().replace('"started_at_ns"', '"began"'))
    with pytest.raises(ControlInvalid, match=path.name):
        listed(desk)
