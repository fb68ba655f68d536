"""Packages out of a real store: the auditor's file agrees with the verification, byte for byte."""

import json
import subprocess
import sys
import zipfile
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from auditspan.integrity import verify as auditors_file
from auditspan.reports.errors import BadFilter, NothingFound
from auditspan.reports.verification.evidence import Built, Wanted, build
from auditspan.reports.verification.report import Verdict
from auditspan.reports.verification.sealed_log import SealedLogs
from auditspan.reports.verification.trust import nobody
from auditspan.reports.verification.window import Window
from tests.reports.verification.sealed import (
    BATCH,
    ERASED_INDEX,
    HOUR,
    NOW,
    Sealed,
    Thief,
)

Checked = Callable[[Sealed, Wanted], tuple[Built, dict[str, Any]]]


@pytest.fixture
def checked(tmp_path: Path) -> Checked:
    """Builds a package and has the auditor's file verify it, by itself."""

    def run(store: Sealed, wanted: Wanted) -> tuple[Built, dict[str, Any]]:
        package, policy = tmp_path / "case.zip", tmp_path / "policy.txt"
        policy.write_bytes(store.policy)
        with package.open("wb") as file:
            built = build(store.ask, SealedLogs(store.ask, store.trust), wanted, file)
        done = subprocess.run(
            [sys.executable, "-I", str(auditors_file.__file__), str(package),
             "--policy", str(policy), "--format", "json"],
            capture_output=True, text=True, timeout=60, check=False,
        )  # fmt: skip
        found: dict[str, Any] = json.loads(done.stdout)
        assert done.returncode == found["exit"]
        return built, found

    return run


def test_everything_is_complete_by_itself(copy: Sealed, checked: Checked) -> None:
    """All records, erased groups among them, and the note that was saved."""
    built, found = checked(copy, Wanted(Window(), anchors=copy.saved))
    assert (found["verdict"], found["complete"], found["anchored"]) == ("VALID", True, "local")
    assert (built.shown, built.entries) == (5 * BATCH, copy.end())
    assert found["population"]["records"] == copy.verify().population.recomputed
    assert found["population"]["erased_groups"] == 1


def test_a_window_is_a_part_of_the_log(copy: Sealed, checked: Checked) -> None:
    """Entries before and behind it are not in the package, and its roots are still proved."""
    since = datetime.fromtimestamp(NOW / 1e9 + 1.5 * HOUR / 1e9, UTC)
    until = datetime.fromtimestamp(NOW / 1e9 + 2.5 * HOUR / 1e9, UTC)
    built, found = checked(copy, Wanted(Window(since, until)))
    assert found["verdict"] == "VALID"
    assert built.entries < copy.end()


def test_completeness_is_proved_by_the_core_of_the_others(copy: Sealed, checked: Checked) -> None:
    """No content of a record that was not asked for is in the package, nor what opens it."""
    record = copy.record(30)
    wanted = Wanted(Window(), {"record": [record]}, complete=True)
    built, found = checked(copy, wanted)
    assert (found["verdict"], found["complete"]) == ("VALID", True)
    assert (built.shown, built.hidden) == (1, 5 * BATCH - 1)
    assert found["population"]["hidden"] == 5 * BATCH - 1


def test_who_is_asked_for_is_shown_alone(copy: Sealed, checked: Checked, tmp_path: Path) -> None:
    """Others are not shown, and that is said; nobody's records leave by a filter of nobody."""
    built, found = checked(copy, Wanted(Window(), {"user": ["u-17"], "tool": ["pay"]}))
    assert (found["verdict"], found["complete"]) == ("VALID", False)
    assert built.shown == 5 * BATCH - 1
    built, found = checked(copy, Wanted(Window(), {"user": ["nobody"]}))
    assert (built.shown, found["verdict"]) == (0, "VALID")
    with zipfile.ZipFile(tmp_path / "case.zip") as package:
        assert package.read("records.jsonl") == b""
        assert b"python3 -I verify.py" in package.read("README.txt")
        assert json.loads(package.read("context/agents.json"))[0]["AgentId"]


@pytest.mark.parametrize("erased", [False, True])
def test_both_find_an_altered_record(copy: Sealed, checked: Checked, *, erased: bool) -> None:
    """The engine's SQL and the auditor's Python name the same one."""
    at = ERASED_INDEX if erased else 30
    record = copy.record(at)
    copy.sql(f"ALTER TABLE audit_records UPDATE Summary = 'other' WHERE LogIndex = {at}")
    _, found = checked(copy, Wanted(Window()))
    mine = copy.verify()
    assert (found["verdict"], mine.verdict) == ("INVALID", Verdict.INVALID)
    assert {problem.record_id for problem in mine.problems} == {record}
    assert record in found["problems"][0] and found["population"]["altered"] == 1


def test_both_find_a_missing_record(copy: Sealed, checked: Checked) -> None:
    """Its entry is there, and nothing explains its absence."""
    copy.sql("ALTER TABLE audit_records DELETE WHERE LogIndex = 30")
    _, found = checked(copy, Wanted(Window()))
    assert (found["verdict"], found["population"]["missing"]) == ("INVALID", 1)
    assert copy.verify().states()["MISSING"] == 1


def test_both_find_a_fake_seal(copy: Sealed, checked: Checked) -> None:
    """A record and its entry that fit each other, and no tree that was signed."""
    copy.sql("ALTER TABLE audit_records UPDATE Summary = 'other' WHERE LogIndex = 30")
    copy.reseal(30)
    _, found = checked(copy, Wanted(Window()))
    assert found["verdict"] == "INVALID"
    assert {problem.kind for problem in copy.verify().problems} == {"root.mismatch"}


def test_neither_finds_what_stolen_keys_have_signed(copy: Sealed, checked: Checked) -> None:
    """The honest miss of both, which an anchor shows."""
    copy.sql("ALTER TABLE audit_records UPDATE Summary = 'other' WHERE LogIndex = 30")
    copy.reseal(30)
    seconds = NOW // 10**9
    Thief(copy).sign_all({copy.sizes[0]: seconds + 1, copy.end(): seconds + 20_000})
    _, found = checked(copy, Wanted(Window()))
    assert (found["verdict"], copy.verify().verdict) == ("VALID", Verdict.VALID)
    assert copy.verify(anchors=True).verdict is Verdict.INVALID


def test_completeness_needs_columns_of_the_core() -> None:
    """What is hidden cannot be shown not to match."""
    with pytest.raises(BadFilter, match="filter user: completeness cannot be shown"):
        Wanted(Window(), {"user": ["u-17"]}, complete=True)
    with pytest.raises(BadFilter, match="filter 'colour': expected one of agent"):
        Wanted(Window(), {"colour": ["red"]})


def test_nothing_is_built_from_what_nobody_signed(copy: Sealed, tmp_path: Path) -> None:
    """Without a key, and for a window without records."""
    with (tmp_path / "x.zip").open("wb") as file:
        with pytest.raises(NothingFound, match="no root log is here"):
            build(copy.ask, SealedLogs(copy.ask, nobody()), Wanted(Window()), file)
        since = datetime(2030, 1, 1, tzinfo=UTC)
        with pytest.raises(NothingFound, match="no sealed record lies in this window"):
            wanted = Wanted(Window(since, None))
            build(copy.ask, SealedLogs(copy.ask, copy.trust), wanted, file)
