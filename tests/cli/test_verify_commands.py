"""`verify` on the store of a stopped collector."""

import json
import shutil
from pathlib import Path

from auditspan.collector.data_dir import prepare
from tests.cli.conftest import Auditspan, Edit, record
from tests.migrated import migrated_store
from tests.reports.verification.sealed import BATCH


def test_a_sound_store_is_valid(auditspan: Auditspan, sealed: Path, folder: Path) -> None:
    """Exit code 0, with what the verdict rests on and what it leaves open."""
    ran = auditspan("verify", "--data", folder, "--policy", sealed / "policy.txt")
    assert ran.code == 0, ran.err
    assert ran.out.startswith("VALID  anchored: none\n")
    assert f"{5 * BATCH - 1} present-ok, 1 erased-groups" in ran.out
    assert f"keys: policy {sealed}" in ran.out
    assert "rollback" in ran.out


def test_saved_notes_are_a_local_anchor(auditspan: Auditspan, sealed: Path, folder: Path) -> None:
    """It is said that it is local only; keys of the data folder are said to be just that."""
    ran = auditspan("verify", "--data", folder, "--anchors", sealed / "saved")
    assert ran.code == 0, ran.err
    assert ran.out.startswith("VALID  anchored: local\n")
    assert "local anchor only" in ran.out and "keys: the public keys of the data folder" in ran.out


def test_an_altered_record_is_named(auditspan: Auditspan, folder: Path, edit: Edit) -> None:
    """Exit code 1, for people and for programs."""
    name = record(folder)
    edit("ALTER TABLE audit_records UPDATE Summary = 'x' WHERE LogIndex = 30")
    ran = auditspan("verify", "--data", folder)
    assert ran.code == 1
    assert ran.out.startswith("INVALID")
    assert f"[30] record {name}: its content is not what was sealed" in ran.out
    document = json.loads(auditspan("verify", "--data", folder, "--format", "json").out)
    assert document["verdict"] == "INVALID"
    assert [problem["record_id"] for problem in document["problems"]] == [name]


def test_twenty_problems_are_listed(auditspan: Auditspan, folder: Path, edit: Edit) -> None:
    """The others are counted, and all in JSON."""
    edit("ALTER TABLE audit_records DELETE WHERE LogIndex >= 100 AND LogIndex < 125")
    ran = auditspan("verify", "--data", folder)
    assert ran.out.count("INVALID record.missing") == 20
    assert "and 5 more: --format json lists all" in ran.out
    document = json.loads(auditspan("verify", "--data", folder, "--format", "json").out)
    assert len(document["problems"]) == 25


def test_without_keys_nothing_can_be_told(auditspan: Auditspan, folder: Path) -> None:
    """Exit code 2: never VALID."""
    shutil.rmtree(folder / "public")
    ran = auditspan("verify", "--data", folder)
    assert (ran.code, ran.out.split()[0]) == (2, "UNVERIFIABLE")
    assert "name a policy with --policy" in ran.out


def test_a_store_without_seals_is_unverifiable(auditspan: Auditspan, tmp_path: Path) -> None:
    """Exit code 2, and what to do where there is not even a store."""
    data = prepare(tmp_path / "empty")
    ran = auditspan("verify", "--data", data.root)
    assert (ran.code, "holds no records yet" in ran.err) == (2, True)
    engine = migrated_store(data.folder("store"))
    engine.close()
    ran = auditspan("verify", "--data", data.root)
    assert (ran.code, ran.out.split()[0]) == (2, "UNVERIFIABLE")
    assert "nothing is sealed here" in ran.out


def test_a_verification_is_in_the_access_log(auditspan: Auditspan, folder: Path) -> None:
    """It is a read like others: a control record, sealed when the collector starts again."""
    auditspan("verify", "--data", folder, "--since", "2026-11-18")
    written = b"".join(path.read_bytes() for path in (folder / "spool").glob("*.seg"))
    assert b"store.read" in written and b"verify since=2026-11-18" in written
