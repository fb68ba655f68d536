"""Every question's SQL runs in a migrated store and finds what the trail holds."""

from collections.abc import Mapping
from datetime import timedelta
from typing import Any

import pytest

from auditspan.reports.errors import BadFilter, MissingParameter, UnknownQuestion
from auditspan.reports.period import Period
from auditspan.reports.questions import ask, question, questions
from auditspan.storage.reader import Reader
from tests.reports.trail import HOSTILE, START

ALL = Period()
TUESDAY = Period(START, START + timedelta(hours=12))

EXPECTED: Mapping[str, tuple[Mapping[str, str], str, list[Any]]] = {
    "actions-in-environment": (
        {"environment": "production"},
        "RecordId",
        ["r1", "r2", "r3", "r5", "r6"],
    ),
    "agents": ({}, "Agent", ["", "helper", "idle"]),
    "attempts": ({}, "ToolName", [HOSTILE, "", "", "change_order", "get_order", "refund"]),
    "coverage": ({}, "ToolName", [HOSTILE, "change_order", "get_order", "refund"]),
    "data-modified": ({"data_class": "customer"}, "RecordId", ["r6"]),
    "denials": ({}, "RecordId", ["r3"]),
    "done-to-data": ({"organization": "acme"}, "RecordId", ["r5", "r1", "r2", "r3", "r6"]),
    "findings": (
        {},
        "Finding",
        ["authorization.missing", "identity.unregistered", "policy.unguarded"],
    ),
    "grants-in-use": ({}, "GrantId", ["g1"]),
    "incident-content": ({"conversation": "c1"}, "RecordId", ["r1", "r2", "r3", "r5", "r6"]),
    "incident": ({"conversation": "c1"}, "RecordId", ["r1", "r2", "r3", "r5", "r6"]),
    "pending": ({}, "RecordId", []),
    "policy-changes": ({}, "Version", ["sha256:a", "sha256:b"]),
    "policy-in-force": ({"at": "2026-11-24T08:30:00Z"}, "Text", ["permit old"]),
    "recertification": ({}, "Item", ["agent:helper", "grant:g1"]),
    "record-authorization": ({"record": "r6"}, "Grantor", ["carol"]),
    "retention": ({}, "Records", [6]),
    "review-missing": ({}, "RecordId", ["r4"]),
    "reviews": ({}, "ReviewId", ["v1", "v2", "v3"]),
    "reviews-of-record": ({"record": "r6"}, "Reason", ["not ordered", "ordered by phone"]),
    "unattributed": ({}, "Unregistered", [1]),
    "usage": ({}, "TokensIn", [100]),
    "user-activity": ({"user": "alice"}, "RecordId", ["r1", "r2", "r3", "r5", "r6"]),
    "violations": ({}, "RecordId", ["r4"]),
    "who-reached-data": ({"data_class": "customer"}, "UserId", ["alice"]),
}
"""The parameters of each question, a column, and what it holds."""


def test_every_question_has_an_expectation() -> None:
    """A new question needs a line above."""
    assert set(EXPECTED) == {one.name for one in questions()}


@pytest.mark.parametrize("name", EXPECTED)
def test_a_question_finds_what_the_trail_holds(source: Reader, name: str) -> None:
    """The query runs against the real schema and gives the right rows."""
    values, column, found = EXPECTED[name]
    answer = ask(source, name, ALL, values)
    assert [row[column] for row in answer.rows] == found
    assert answer.population.records == 6


@pytest.mark.parametrize(
    "name", [one.name for one in questions() if "{since:" in one.sql and "grants" not in one.sql]
)
def test_a_period_without_records_has_no_rows(source: Reader, name: str) -> None:
    """Every question that takes a period heeds it: registered agents alone stand outside of it."""
    before = Period(until=START - timedelta(days=30))
    answer = ask(source, name, before, EXPECTED[name][0])
    assert [row for row in answer.rows if not row.get("Registered")] == []
    assert answer.population.records == 0


def test_what_became_known_late_belongs_to_both_periods(source: Reader) -> None:
    """A period matches the time of the act and the time of receipt."""
    wednesday = Period(START + timedelta(hours=20), START + timedelta(hours=40))
    for window in (TUESDAY, wednesday):
        answer = ask(source, "usage", window)
        assert [row["Calls"] for row in answer.rows] == [1]


def test_an_agent_that_did_nothing_is_listed_as_registered(source: Reader) -> None:
    """Nothing seen is no time, and not 1970."""
    rows = {row["Agent"]: row for row in ask(source, "agents", ALL).rows}
    assert (rows["idle"]["Registered"], rows["idle"]["LastSeen"]) == (1, None)
    assert (rows[""]["Registered"], rows["helper"]["Denied"]) == (0, 1)


def test_a_record_without_a_grant_has_no_times_of_one(source: Reader) -> None:
    """An absent grant is empty, and not granted in 1970."""
    [row] = ask(source, "record-authorization", ALL, {"record": "r4"}).rows
    assert (row["Grantor"], row["GrantedAt"], row["ExpiresAt"]) == ("", None, None)


def test_the_policy_in_force_changes_with_the_date(source: Reader) -> None:
    """The later version holds from when it was applied."""
    [row] = ask(source, "policy-in-force", ALL, {"at": "2026-11-24T09:00:00Z"}).rows
    assert row["Text"] == "permit new"
    assert ask(source, "policy-in-force", ALL, {"at": "2020-01-01"}).rows == []


def test_a_hostile_value_is_only_a_value(source: Reader) -> None:
    """What a person gives is never SQL."""
    attack = "c1' OR 1=1 --"
    assert ask(source, "incident", ALL, {"conversation": attack}).rows == []


def test_what_is_asked_wrongly_is_said(source: Reader) -> None:
    """An unknown question, a missing and a superfluous parameter, a time that is none."""
    with pytest.raises(UnknownQuestion, match="did you mean 'denials'"):
        question("denial")
    with pytest.raises(MissingParameter, match="needs 'user'"):
        ask(source, "user-activity", ALL)
    with pytest.raises(BadFilter, match="no parameter 'usr'"):
        ask(source, "denials", ALL, {"usr": "x"})
    with pytest.raises(BadFilter, match="cannot be read"):
        ask(source, "policy-in-force", ALL, {"at": "soon"})


def test_a_verdict_that_does_not_close_leaves_a_record_waiting(source: Reader) -> None:
    """And says who escalated it; one that was closed later is not asked about any more."""
    [row] = ask(source, "review-missing", ALL).rows
    assert (row["LastVerdict"], row["LastReviewedBy"]) == ("escalated", "person:ivan")
    assert row["HoursWaiting"] > 0


def test_of_several_reviews_the_latest_counts(source: Reader) -> None:
    """All are kept."""
    rows = ask(source, "reviews", ALL).rows
    assert [(row["RecordId"], row["Counts"]) for row in rows] == [("r4", 1), ("r6", 0), ("r6", 1)]


def test_what_an_owner_said_and_what_nobody_said(source: Reader) -> None:
    """An item without an answer has no time of one."""
    agent, grant = ask(source, "recertification", ALL).rows
    assert (agent["Verdict"], agent["AnsweredAs"], agent["Overdue"]) == ("keep", "owner", 0)
    assert (grant["Verdict"], grant["AnsweredAt"], grant["Overdue"]) == ("", None, 1)
