"""Packages and proofs where a key was revoked, or entries of the root log are not what they were:
what still can be proved is, and the rest is told."""

import io
import json
import zipfile
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from auditspan.integrity import verify as auditors_file
from auditspan.integrity.checkpoint import checkpoint_of
from auditspan.integrity.control_entry import Kind
from auditspan.reports.errors import NothingFound
from auditspan.reports.verification.evidence import Built, Wanted, build
from auditspan.reports.verification.proof import proof_of
from auditspan.reports.verification.report import Verdict
from auditspan.reports.verification.sealed_log import SealedLogs
from auditspan.reports.verification.window import Window
from tests.reports.verification.sealed import HOUR, LATER, NOW, ROOT, Sealed, Thief


def logs_of(store: Sealed) -> SealedLogs:
    """As a command has them."""
    logs = SealedLogs(store.ask, store.trust)
    logs.load()
    return logs


def checked(
    store: Sealed, folder: Path, wanted: Wanted
) -> tuple[Built, dict[str, Any], dict[str, Any]]:
    """What was built, its manifest, and what the auditor's file says of it."""
    package = folder / "case.zip"
    with package.open("wb") as file:
        built = build(store.ask, SealedLogs(store.ask, store.trust), wanted, file)
    with zipfile.ZipFile(package) as parts:
        manifest = json.loads(parts.read("manifest.json"))
    return built, manifest, auditors_file.verified(str(package), store.policy, LATER)


def alter(store: Sealed, kind: Kind) -> int:
    """Change the body of the newest entry of a kind in the root log; its index."""
    sql = "SELECT max(LogIndex) AS i FROM audit_log_entries WHERE LogId = {log:String}"
    [row] = store.rows(f"{sql} AND Kind = {int(kind)}", {"log": ROOT})
    store.sql(
        "ALTER TABLE audit_log_entries UPDATE Body = 'nothing' "
        "WHERE LogId = {log:String} AND LogIndex = {at:UInt64}",
        log=ROOT, at=row["i"],
    )  # fmt: skip
    return int(row["i"])


def test_what_a_revoked_key_counts_for_is_proved(copy: Sealed, tmp_path: Path) -> None:
    """Up to the newest checkpoint that counts; the package says who revoked, and what is left out.
    Verification of the whole store is INVALID, as before."""
    good, end = copy.sizes[2] + 5, copy.end()
    Thief(copy).revoke(good)
    assert copy.verify().verdict is Verdict.INVALID
    built, manifest, found = checked(copy, tmp_path, Wanted(Window()))
    assert (found["verdict"], found["problems"]) == ("VALID", [])
    assert (found["logs"][0]["size"], built.entries) == (copy.sizes[2], copy.sizes[2])
    counts = f"log {copy.log}: its key was revoked and counts for {good} entries"
    warning = f"log {copy.log}: its key was revoked; it counts up to {good}"
    assert found["warnings"] == [warning]
    told = (
        f"{counts}; the {end - copy.sizes[2]} from {copy.sizes[2]} on are under no checkpoint "
        "that counts, and cannot be proved"
    )
    assert (built.warnings, manifest["left_out"], built.damaged) == ((told,), [told], False)


def test_a_key_that_counts_for_all_it_signed_leaves_nothing_out(
    copy: Sealed, tmp_path: Path
) -> None:
    """The revocation is in the package, and is a warning of the auditor's file."""
    Thief(copy).revoke(copy.end())
    built, manifest, found = checked(copy, tmp_path, Wanted(Window()))
    assert (found["verdict"], built.warnings) == ("VALID", ())
    assert "left_out" not in manifest and "key was revoked" in found["warnings"][0]


def test_what_is_behind_a_revoked_key_is_not_proved(copy: Sealed, tmp_path: Path) -> None:
    """Neither a window nor a record there; nor anything where no checkpoint counts."""
    Thief(copy).revoke(copy.sizes[2])
    since = datetime.fromtimestamp((NOW + 2.5 * HOUR) / 1e9, UTC)
    with pytest.raises(NothingFound, match=r"in this window; log .* counts for \d+ entries"):
        checked(copy, tmp_path, Wanted(Window(since, None)))
    logs = logs_of(copy)
    proof = proof_of(logs, copy.record(copy.sizes[2] - 1))
    assert checkpoint_of(proof.checkpoint).size == copy.sizes[2]
    with pytest.raises(NothingFound, match="its key was revoked and counts for"):
        proof_of(logs, copy.record(copy.sizes[2] + 1))
    Thief(copy).revoke(0)
    with pytest.raises(NothingFound, match="counts for 0 entries"):
        proof_of(logs_of(copy), copy.record(30))
    with pytest.raises(NothingFound, match="counts for 0 entries"):
        checked(copy, tmp_path, Wanted(Window()))


def test_a_damaged_checkpoint_of_the_root_log_is_told(copy: Sealed, tmp_path: Path) -> None:
    """The one before it is used: what only the damaged one covered is not in the package, and the
    proof of it says why there is none."""
    index = alter(copy, Kind.CHECKPOINT)
    told = (
        f"entry {index} of {ROOT}: the body of this entry of kind 0x10 is not the one that was "
        "sealed; it is not used, see `auditspan verify`"
    )
    built, manifest, found = checked(copy, tmp_path, Wanted(Window()))
    assert (found["verdict"], built.entries < copy.end()) == ("VALID", True)
    assert (built.warnings, manifest["left_out"], built.damaged) == ((told,), [told], True)
    with pytest.raises(NothingFound, match="is not the one that was sealed; it is not used"):
        proof_of(logs_of(copy), copy.record(copy.end() - 1))


def test_a_damaged_key_of_a_log_is_told(copy: Sealed, tmp_path: Path) -> None:
    """Nothing of that log can be proved, and it is said why."""
    damage = f"entry {alter(copy, Kind.LOG_OPEN)} of {ROOT}: .* is not the one that was sealed"
    with pytest.raises(NothingFound, match=f"or no key; {damage}"):
        proof_of(logs_of(copy), copy.record(30))
    with pytest.raises(NothingFound, match=f"no sealed record lies in this window; {damage}"):
        checked(copy, tmp_path, Wanted(Window()))


def test_another_note_in_place_of_a_checkpoint_is_not_used(copy: Sealed, tmp_path: Path) -> None:
    """It is a note that verifies, but not at that place: a package with it would be INVALID."""
    sql = "SELECT LogIndex, Body FROM audit_log_entries WHERE LogId = {log:String} AND Kind = 16"
    *_, before, newest = copy.rows(f"{sql} ORDER BY LogIndex", {"log": ROOT})
    copy.sql(
        "ALTER TABLE audit_log_entries UPDATE Body = {body:String} "
        "WHERE LogId = {log:String} AND LogIndex = {at:UInt64}",
        body=before["Body"], log=ROOT, at=newest["LogIndex"],
    )  # fmt: skip
    built, _, found = checked(copy, tmp_path, Wanted(Window()))
    assert (found["verdict"], built.damaged) == ("VALID", True)
    assert built.entries == checkpoint_of(before["Body"].encode()).size


def test_a_sealed_entry_that_is_no_checkpoint_is_told(copy: Sealed, tmp_path: Path) -> None:
    """As verification says it: a root log that was sealed so."""
    Thief(copy).sign_all({copy.end(): NOW // 10**9 + 40_000}, [(Kind.CHECKPOINT, "no note")])
    built, _, found = checked(copy, tmp_path, Wanted(Window()))
    assert (found["verdict"], built.entries, built.damaged) == ("VALID", copy.end(), True)
    assert "it should be a checkpoint, and is none" in built.warnings[0]
    assert copy.verify().verdict is Verdict.INVALID


def test_no_proof_where_a_revocation_cannot_be_read(copy: Sealed) -> None:
    """Which key counts is not known, so that nothing may be called proved."""
    Thief(copy).revoke(copy.sizes[2])
    index = alter(copy, Kind.KEY_REVOKE)
    with pytest.raises(NothingFound, match=f"entry {index} of .* nobody can say which key counts"):
        logs_of(copy)
    with pytest.raises(NothingFound, match="nobody can say which key counts"):
        build(copy.ask, SealedLogs(copy.ask, copy.trust), Wanted(Window()), io.BytesIO())


def test_no_proof_by_a_root_log_that_is_not_what_was_signed(copy: Sealed) -> None:
    """A revocation that was replaced with its seal, by something that fits that: the tree differs,
    so that no key may count that the root log has revoked."""
    Thief(copy).revoke(copy.sizes[2])
    where = f"LogId = '{ROOT}' AND LogIndex = {alter(copy, Kind.KEY_REVOKE)}"
    copy.sql(f"ALTER TABLE audit_log_entries UPDATE Kind = 2 WHERE {where}")
    digest = r"SHA256(concat('auditspan/control/v1\n', 'nothing'))"
    copy.sql(f"ALTER TABLE audit_seals UPDATE Kind = 2, Content = {digest} WHERE {where}")
    with pytest.raises(NothingFound, match=r"entries of .* are not those that were signed"):
        logs_of(copy)
