"""Search, population and the decision chain over a real store."""

from collections.abc import Mapping
from datetime import timedelta

import pytest

from auditspan.reports.chain import chain
from auditspan.reports.chain_markdown import chain_markdown
from auditspan.reports.errors import BadFilter, NothingFound
from auditspan.reports.filters import NAMES
from auditspan.reports.period import Period
from auditspan.reports.population import population
from auditspan.reports.search import count, search
from auditspan.storage.reader import Reader
from tests.reports.trail import HOSTILE, OTHER_TRACE, START, TRACE

FOUND: Mapping[str, tuple[str | list[str], str]] = {
    "agent": ("stranger", "r4"),
    "user": (["bob@example.org", "nobody"], "r4"),
    "tool": ("refund", "r3"),
    "operation": ("model.call", "r5"),
    "outcome": ("denied", "r3"),
    "decision": (["deny", "not_evaluated"], "r4 r3"),
    "rule": ("no-refunds", "r3"),
    "finding": ("policy.unguarded", "r4"),
    "effect": ("write", "r6"),
    "target": ("order:o-2", "r3"),
    "tag": ("gdpr", "r3"),
    "ticket": ("SUP-7", "r3"),
    "environment": ("staging", "r4"),
    "conversation": ("c2", "r4"),
    "trace": (OTHER_TRACE, "r4"),
    "record": (["r1", "r2"], "r2 r1"),
    "severity": ("3", "r3"),
    "text": ("wien", "r3"),
}


def test_every_filter_has_an_expectation() -> None:
    """A new filter needs a line above."""
    assert set(FOUND) == set(NAMES)


@pytest.mark.parametrize("name", FOUND)
def test_a_filter_finds_its_records(source: Reader, name: str) -> None:
    """Each finds the rows that have the value and no other, newest first."""
    value, found = FOUND[name]
    rows = search(source, {name: value}, Period(), 10)
    assert " ".join(row["RecordId"] for row in rows) == found
    assert count(source, {name: value}, Period()) == len(rows)


def test_filters_narrow_and_a_limit_keeps_the_newest(source: Reader) -> None:
    """Different filters are combined; what a limit leaves out is still counted."""
    both = {"agent": "helper", "operation": "execute_tool"}
    assert [row["RecordId"] for row in search(source, both, Period(), 2)] == ["r6", "r3"]
    assert count(source, both, Period()) == 3
    assert search(source, {**both, "user": "bob"}, Period(), 2) == []


def test_the_population_is_counted(source: Reader) -> None:
    """Six acts: numbers 3 and 4 never came, r4 has none, and one frame could not be read."""
    whole = population(source, Period())
    assert (whole.records, whole.actions) == (6, 6)
    assert (whole.sequence_gaps, whole.unsequenced) == (2, 1)
    assert (whole.unknown_effects, whole.not_evaluated, whole.claimed_agents) == (1, 1, 1)
    assert whole.dead_letters == 1
    assert "sequence gaps 2, without sequence 1" in whole.sentence()


def test_a_population_is_that_of_its_period(source: Reader) -> None:
    """Numbers before and after the period are no gaps in it."""
    start = START + timedelta(minutes=2)
    part = population(source, Period(start, start + timedelta(seconds=59)))
    assert (part.records, part.sequence_gaps, part.dead_letters) == (1, 0, 0)
    nothing = population(source, Period(until=START - timedelta(days=1)))
    assert (nothing.records, nothing.sequence_gaps, nothing.dead_letters) == (0, 0, 0)


def test_a_conversation_is_a_chain(source: Reader) -> None:
    """Records stand under their parents; one of the trace without the id belongs to it."""
    found = chain(source, conversation="c1")
    assert [(depth, step.record["RecordId"]) for depth, step in found.walk()] == [
        (0, "r1"),
        (1, "r2"),
        (1, "r3"),
        (1, "r5"),
        (2, "r6"),
    ]
    denied = found.steps[0].steps[1]
    assert denied.what == "execute_tool refund on order:o-2"
    assert denied.who == "helper for alice"
    assert denied.decision == "deny by no-refunds (blocked)"
    assert chain(source, trace=TRACE.upper()).records == 5


def test_a_claim_is_marked_in_the_chain(source: Reader) -> None:
    """Who nobody proved is shown with a question mark."""
    assert chain(source, conversation="c2").steps[0].who == "stranger? for bob?"


def test_a_page_of_a_chain_shows_hostile_names_as_text(source: Reader) -> None:
    """Neither control nor direction characters reach the page."""
    page = chain_markdown(chain(source, conversation="c2"), HOSTILE, population(source, Period()))
    assert "\x1b" not in page and "\u202e" not in page
    assert "gnp.exe" in page and "over 6 records" in page


def test_a_chain_of_nothing_is_said(source: Reader) -> None:
    """An unknown id is no empty tree, and one of both ids is needed."""
    with pytest.raises(NothingFound, match="no record of conversation 'c9'"):
        chain(source, conversation="c9")
    with pytest.raises(BadFilter):
        chain(source)
