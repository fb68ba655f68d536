"""Erasure, holds and early expiry on the command line of a stopped collector: bad input, mostly."""

import json
from io import StringIO
from pathlib import Path

import pytest

from tests.cli.conftest import Auditspan

WHY = ("--reason", "asked by letter", "--ticket", "DSR-1")
LONG = "x" * 65


@pytest.mark.parametrize(
    ("words", "code", "says"),
    [
        (("erase",), 2, "--reason"),
        (("erase", *WHY), 2, "name either --subject, or --record"),
        (("erase", "--subject", "alice", "--record", "r1", *WHY), 2, "name either --subject"),
        (("erase", "--subject", "alice", "--field", "UserId", *WHY), 2, "name either --subject"),
        (("erase", "--field", "UserId", *WHY), 2, "at least one --record"),
        (("erase", "--record", "r1", "--ticket", "T"), 2, "--reason"),
        (("erase", "--record", "r1", "--reason", "so"), 2, "--ticket"),
        (("erase", "--record", "nobody", *WHY), 2, "the store has none of this id"),
        (("erase", "--record", "", *WHY), 2, "at least 1 character"),
        (("erase", "--record", LONG, *WHY), 2, "at most 64 characters"),
        (("erase", "--record", "r1", "--field", "AgentId", *WHY), 2, "the core of a record"),
        (("erase", "--record", "r1", "--field", "Nothing", *WHY), 2, "expected a column"),
        (("erase", "--record", "r1", "--field", "ToolResult", *WHY), 2, "nothing of that is there"),
        (("erase", "--subject", "no-such-person", *WHY), 2, "no record names this subject"),
        (("erase", "--subject", "bob", *WHY), 2, "at least 4 characters"),
        (("erasures", "certificate", "0011"), 2, "see `auditspan erasures list`"),
        (("hold", "add", "--filter", "colour=red", *WHY), 2, "expected some of record"),
        (("hold", "add", "--filter", "tool", *WHY), 2, "expected word=value"),
        (("hold", "add", "--filter", "tool=pay"), 2, "--reason"),
        (("hold", "add", "--filter", "until=9999-12-31", *WHY), 2, "or leave until out"),
        (("hold", "add", "--filter", "tool=a,since=2026-02-01,until=2026-01-01", *WHY), 2,
         "no act can fit"),
        (("hold", "release", "00", *WHY), 2, "no hold begins"),
        (("retention", "shorten", *WHY), 2, "--filter"),
        (("retention", "shorten", "--filter", "class=", *WHY), 2, "expected word=value"),
        (("retention", "shorten", "--filter", "user=alice", *WHY), 2, "no sealed record"),
        (("retention", "shorten", "--filter", "user=alice", "--reason", "x"), 2, "--ticket"),
        (("retention", "shorten", "--filter", "since=2300-01-01", *WHY), 2, "no time after 2262"),
        (("retention", "certificate", "0011"), 2, "no certificate"),
    ],
)  # fmt: skip
def test_what_cannot_be(
    auditspan: Auditspan, stopped: Path, words: tuple[str, ...], code: int, says: str
) -> None:
    """The code of bad input, and what to do instead."""
    ran = auditspan(*words, "--yes" if words[0] == "erase" else "--data", *_data(words, stopped))
    assert ran.code == code, ran.out + ran.err
    assert says in " ".join((ran.out + ran.err).replace("│", " ").split())


def _data(words: tuple[str, ...], stopped: Path) -> tuple[str | Path, ...]:
    return ("--data", stopped) if words[0] == "erase" else (stopped,)


def test_nothing_is_listed_before_there_is_something(auditspan: Auditspan, stopped: Path) -> None:
    """Empty lists are no error."""
    for command in ("erasures", "hold", "retention"):
        ran = auditspan(command, "list", "--format", "json", "--data", stopped)
        assert (ran.code, json.loads(ran.out)) == (0, []), ran.err


def test_what_is_erased_on_a_stopped_collector_is_done_at_its_start(
    auditspan: Auditspan, stopped: Path
) -> None:
    """It does not wait for what cannot come; whom it is about is told before."""
    ran = auditspan("erase", "--subject", "alice", "--yes", *WHY, "--data", stopped)
    assert ran.code == 0, ran.err
    assert "done when the collector is started" in ran.err
    assert "user" in ran.out
    assert "change.bootstrap" in ran.err


@pytest.mark.parametrize("typed", ["", "n\n", "maybe\n"])
def test_what_is_not_confirmed_is_not_asked_for(
    auditspan: Auditspan, stopped: Path, monkeypatch: pytest.MonkeyPatch, typed: str
) -> None:
    """Nobody there to say yes is no."""
    monkeypatch.setattr("sys.stdin", StringIO(typed))
    before = list((stopped / "spool").iterdir())
    ran = auditspan("erase", "--record", "r1", *WHY, "--data", stopped)
    assert ran.code == 1
    assert "Aborted" in ran.out + ran.err
    assert list((stopped / "spool").iterdir()) == before
