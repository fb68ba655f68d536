"""A review is recorded as said by whom a credential proves, or refused with the reason."""

import asyncio
from pathlib import Path

import pytest

from auditspan.collector.control.errors import (
    ControlError,
    ControlForbidden,
    ControlInvalid,
    ControlUnavailable,
    NotFound,
)
from auditspan.collector.control.fields import Fields
from auditspan.collector.control.records import Why
from auditspan.collector.control.reviews import Review
from auditspan.identity.caller import Caller
from tests.collector.control.callers import ALONE, OPERATOR
from tests.collector.control.human import BOT, FACTS, IVAN, OLGA, PIA, START, WHY, Desk, desk_in


@pytest.fixture
def desk(tmp_path: Path) -> Desk:
    """An empty folder with a registry in force; the store knows one record."""
    return desk_in(tmp_path)


def review(
    desk: Desk, caller: Caller, verdict: str = "approved", record: str = "r1", why: Why = WHY
) -> Fields:
    """Review a record."""
    return asyncio.run(desk.human.reviews.review(Review(record, verdict), why, caller))


def test_a_review_is_a_control_record(desk: Desk) -> None:
    """With the record, the verdict, the reason, and who said it by which credential."""
    done = review(desk, IVAN)
    assert (done["id"], done["verdict"], done["by"]) == ("r1", "approved", "person:ivan")
    [record] = desk.spool.records
    assert (record.kind, record.at_ns, record.why) == ("record.reviewed", START, WHY)
    assert record.requester is not None
    assert (record.requester.principal, record.requester.method) == ("person:ivan", "api_key")
    assert record.body["id"] == "r1"
    assert record.body["principal"] == "agent:helper"
    assert (record.body["closes"], record.body["review_required"]) == (True, True)


def test_a_later_review_is_one_more(desk: Desk) -> None:
    """Each with an id of its own; what escalates does not close."""
    first, second = review(desk, IVAN, "escalated"), review(desk, ALONE, "rejected")
    assert (first["closes"], second["closes"]) == (False, True)
    assert first["review"] != second["review"]
    assert desk.spool.kinds == ["record.reviewed", "record.reviewed"]


def test_what_asked_for_no_review_may_be_reviewed(desk: Desk) -> None:
    """And the review says so."""
    desk.told.rows["record"] = [{**FACTS, "review_required": False}]
    assert review(desk, IVAN)["review_required"] is False


@pytest.mark.parametrize(
    ("caller", "match"),
    [
        (OLGA, "investigator"),
        (PIA, "investigator"),
        (OPERATOR, "investigator"),
        (BOT, "is a program"),
    ],
)
def test_a_review_takes_a_person_with_the_role(desk: Desk, caller: Caller, match: str) -> None:
    """Neither an owner nor an approver of changes has it by that; a program never."""
    with pytest.raises(ControlForbidden, match=match):
        review(desk, caller)
    assert (desk.spool.records, desk.told.asked) == ([], [])


def test_who_had_a_part_is_refused(desk: Desk) -> None:
    """Here the user of the record."""
    desk.told.rows["record"] = [{**FACTS, "user_email": "ivan@example.org"}]
    with pytest.raises(ControlForbidden, match="the user whom the agent acted for"):
        review(desk, IVAN)
    assert desk.spool.records == []


@pytest.mark.parametrize("record", ["r2", "", " ", "x" * 100])
def test_an_unknown_record_is_said(desk: Desk, record: str) -> None:
    """With where to look."""
    with pytest.raises(NotFound, match="auditspan reviews pending"):
        review(desk, IVAN, record=record)


@pytest.mark.parametrize(
    ("verdict", "why", "match"),
    [
        ("fine", WHY, "approved, rejected, false_positive, escalated"),
        ("keep", WHY, "expected one of"),
        ("approved", Why(requested_by="x", reason=" "), "reason"),
    ],
)
def test_a_review_says_something(desk: Desk, verdict: str, why: Why, match: str) -> None:
    """One of the known words, and why."""
    with pytest.raises(ControlInvalid, match=match):
        review(desk, IVAN, verdict, why=why)
    assert desk.spool.records == []


def test_nothing_is_reviewed_that_cannot_be_looked_up_or_recorded(desk: Desk) -> None:
    """Both are worth another try."""
    desk.told.away = ControlUnavailable("away")
    with pytest.raises(ControlUnavailable, match="away"):
        review(desk, IVAN)
    desk.told.away, desk.spool.full = None, True
    with pytest.raises(ControlError, match="disk full") as caught:
        review(desk, IVAN)
    assert caught.value.retryable
