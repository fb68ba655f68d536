"""`verify`, `proof`, `evidence` and `log policy` on the store of a stopped collector."""

import json
import shutil
import stat
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest

from auditspan.collector.data_dir import prepare
from auditspan.integrity.canonical import ENTRY_BYTES
from auditspan.integrity.checkpoint import parse_checkpoint
from auditspan.integrity.merkle import leaf_hash
from auditspan.integrity.merkle_verify import verify_inclusion
from auditspan.integrity.note import parse_note
from auditspan.integrity.proof_file import parse_proof
from auditspan.storage.engine import open_embedded
from tests.cli.conftest import Auditspan
from tests.migrated import migrated_store
from tests.reports.verification.sealed import BATCH, made

Edit = Callable[[str], None]


@pytest.fixture(scope="module")
def sealed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A store, sealed once, with a policy and saved notes beside it."""
    return made(tmp_path_factory.mktemp("sealed"))


@pytest.fixture
def folder(sealed: Path, tmp_path: Path) -> Path:
    """A copy of its data folder."""
    copy = tmp_path / "data"
    shutil.copytree(sealed / "data", copy, symlinks=True)
    return copy


@pytest.fixture
def edit(folder: Path) -> Edit:
    """Changes the store as somebody does who has its files."""

    def run(sql: str) -> None:
        engine = open_embedded(folder / "store")
        engine.command(f"{sql} SETTINGS mutations_sync = 2")
        engine.close()

    return run


def record(folder: Path) -> str:
    """Id of a record."""
    engine = open_embedded(folder / "store")
    found = engine.raw("SELECT RecordId FROM audit_records WHERE LogIndex = 30", "TSVRaw")
    engine.close()
    return found.decode().strip()


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


def test_a_proof_verifies_by_itself(auditspan: Auditspan, folder: Path, tmp_path: Path) -> None:
    """The file holds the entry, its way to the root, and the signed note."""
    file = tmp_path / "record.tlog-proof"
    ran = auditspan("proof", record(folder), "-o", file, "--data", folder)
    assert ran.code == 0, ran.err
    proof = parse_proof(file.read_bytes())
    assert proof.extra is not None and len(proof.extra) == ENTRY_BYTES
    at = parse_checkpoint(parse_note(proof.checkpoint).text)
    verify_inclusion(leaf_hash(proof.extra), 30, at.size, proof.hashes, at.root)


def test_no_proof_of_what_is_not_there(auditspan: Auditspan, folder: Path, edit: Edit) -> None:
    """Neither of an unknown record, nor of one that was altered."""
    name = record(folder)
    ran = auditspan("proof", "nobody", "-o", "x", "--data", folder)
    assert ran.code != 0 and "no record with the id 'nobody'" in ran.err
    edit("ALTER TABLE audit_records UPDATE Summary = 'x' WHERE LogIndex = 30")
    ran = auditspan("proof", name, "-o", "x", "--data", folder)
    assert ran.code != 0 and "is not what was sealed" in ran.err


def test_evidence_is_a_private_file(auditspan: Auditspan, folder: Path, tmp_path: Path) -> None:
    """With what was asked for in it; nothing is left of one that failed."""
    file = tmp_path / "case.zip"
    ran = auditspan("evidence", "build", "-o", file, "--data", folder, "--tool", "pay")
    assert ran.code == 0, ran.err
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    with zipfile.ZipFile(file) as package:
        manifest = json.loads(package.read("manifest.json"))
    assert manifest["filters"] == {"tool": ["pay"]}
    ran = auditspan("evidence", "build", "-o", tmp_path / "y", "--data", folder, "--complete",
                    "--tool", "pay")  # fmt: skip
    assert ran.code == 2 and "completeness cannot be shown" in ran.err
    assert not list(tmp_path.glob("*y*"))


def test_the_policy_is_the_auditors(auditspan: Auditspan, sealed: Path, folder: Path) -> None:
    """What `log policy` prints is what verification takes."""
    ran = auditspan("log", "policy", "--data", folder)
    assert (ran.code, ran.out) == (0, (sealed / "policy.txt").read_text())
