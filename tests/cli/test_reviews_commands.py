"""`review`, `reviews` and `recertify` on the folder of a stopped collector."""

import json
from pathlib import Path

import pytest

from auditspan.cli.recertify_commands import next_steps
from auditspan.cli.reviews_commands import age
from auditspan.cli.terminal import safe
from tests.cli.conftest import Auditspan
from tests.reports.trail import HOSTILE

SAID = ("--verdict", "approved", "--reason", "looked at it")


def test_what_waits_is_listed_with_its_age(auditspan: Auditspan, stopped: Path) -> None:
    """With what was said of it, over its population; nothing reaches the terminal raw."""
    ran = auditspan("reviews", "pending", "--data", stopped)
    assert ran.code == 0, ran.err
    assert "r4" in ran.out and "r6" not in ran.out
    assert "escalated" in ran.out
    assert safe(HOSTILE) in ran.out and "\x1b" not in ran.out
    assert "1 records wait for a review over 6 records" in ran.err


@pytest.mark.parametrize(
    "narrower", [("--severity", "9"), ("--agent", "helper"), ("--until", "2020-01-01")]
)
def test_a_narrower_question_has_fewer_rows(
    auditspan: Auditspan, stopped: Path, narrower: tuple[str, str]
) -> None:
    """By severity, agent, and time; as one document of JSON."""
    ran = auditspan("reviews", "pending", "--data", stopped, *narrower, "--format", "json")
    assert json.loads(ran.out)["rows"] == []


def test_reviews_are_listed(auditspan: Auditspan, stopped: Path) -> None:
    """All of them, and those of a record with their reasons."""
    ran = auditspan("reviews", "list", "--data", stopped, "--format", "json")
    assert [row["ReviewId"] for row in json.loads(ran.out)["rows"]] == ["v1", "v2", "v3"]
    ran = auditspan("reviews", "list", "--data", stopped, "--record", "r4", "--format", "csv")
    assert "who is this?" in ran.out


def test_a_review_is_taken_for_the_next_start(auditspan: Auditspan, stopped: Path) -> None:
    """It waits in the spool."""
    before = set((stopped / "spool").glob("*.seg"))
    ran = auditspan("review", "r4", *SAID, "--data", stopped)
    assert (ran.code, ran.out) == (0, "record r4 is approved by operator\n")
    [segment] = set((stopped / "spool").glob("*.seg")) - before
    assert b"record.reviewed" in segment.read_bytes()
    segment.unlink()


@pytest.mark.parametrize(
    ("words", "code", "said"),
    [
        (("review", "r99", *SAID), 2, "the store has none of this id"),
        (("review", "r4", "--verdict", "approved"), 2, "--reason: every change says why"),
        (("review", "r4", "--verdict", "x", "--reason", "y"), 2, "expected one of approved"),
        (("recertify", "start"), 2, "--due is missing: how long owners have"),
        (("recertify", "start", "--due", "soon"), 2, "expected a span such as 90d"),
        (("recertify", "agent:x"), 2, "--verdict is missing: keep, change or revoke"),
        (("recertify", "agent:x", "--verdict", "keep"), 2, "--reason: every change says why"),
        (("recertify", "agent:x", "--verdict", "keep", "--reason", "y"), 2, "nobody was asked yet"),
    ],
)
def test_what_is_asked_wrongly_is_said(
    auditspan: Auditspan, stopped: Path, words: tuple[str, ...], code: int, said: str
) -> None:
    """With exit code 2 and what to do."""
    ran = auditspan(*words, "--data", stopped)
    assert ran.code == code
    assert said in " ".join(ran.err.replace("│", " ").split())


def test_without_a_registry_nobody_owns_anything(auditspan: Auditspan, stopped: Path) -> None:
    """The list is empty, and there is nobody to ask."""
    ran = auditspan("recertify", "--data", stopped, "--format", "json")
    assert (ran.code, json.loads(ran.out)) == (0, [])
    ran = auditspan("recertify", "start", "--due", "14d", "--data", stopped)
    assert (ran.code, "nobody to ask" in ran.err) == (2, True)


@pytest.mark.parametrize(
    ("hours", "words"), [(0, "0h"), (-3, "0h"), (23, "23h"), (24, "1d 0h"), (50, "2d 2h")]
)
def test_an_age_is_read_by_people(hours: int, words: str) -> None:
    """A clock that was set back makes nothing negative."""
    assert age(hours) == words


@pytest.mark.parametrize(
    ("item", "verdict", "expected", "missing"),
    [
        ("agent:a", "revoke", "auditspan agents disable a", "change it"),
        ("agent:a", "change", "change it in agents/*.yaml", "disable"),
        ("grant:g", "revoke", "take it out of grants/*.yaml", "disable"),
    ],
)
def test_an_answer_says_what_to_do_next(
    item: str, verdict: str, expected: str, missing: str
) -> None:
    """As commands, since the answer changes nothing; keeping needs nothing."""
    steps = "\n".join(next_steps(item, verdict))
    assert expected in steps and "auditspan apply FOLDER" in steps
    assert missing not in steps
    assert next_steps(item, "keep") == []
