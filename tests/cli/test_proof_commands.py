"""`proof` on the store of a stopped collector."""

from pathlib import Path

from auditspan.integrity.canonical import ENTRY_BYTES
from auditspan.integrity.checkpoint import checkpoint_of
from auditspan.integrity.merkle import leaf_hash
from auditspan.integrity.merkle_verify import verify_inclusion
from auditspan.integrity.proof_file import parse_proof
from tests.cli.conftest import Auditspan, Edit, record


def test_a_proof_verifies_by_itself(auditspan: Auditspan, folder: Path, tmp_path: Path) -> None:
    """The file holds the entry, its way to the root, and the signed note."""
    file = tmp_path / "record.tlog-proof"
    ran = auditspan("proof", record(folder), "-o", file, "--data", folder)
    assert ran.code == 0, ran.err
    proof = parse_proof(file.read_bytes())
    assert proof.extra is not None and len(proof.extra) == ENTRY_BYTES
    at = checkpoint_of(proof.checkpoint)
    verify_inclusion(leaf_hash(proof.extra), 30, at.size, proof.hashes, at.root)


def test_no_proof_of_what_is_not_there(auditspan: Auditspan, folder: Path, edit: Edit) -> None:
    """Neither of an unknown record, nor of one that was altered."""
    name = record(folder)
    ran = auditspan("proof", "nobody", "-o", "x", "--data", folder)
    assert ran.code != 0 and "no record with the id 'nobody'" in ran.err
    edit("ALTER TABLE audit_records UPDATE Summary = 'x' WHERE LogIndex = 30")
    ran = auditspan("proof", name, "-o", "x", "--data", folder)
    assert ran.code != 0 and "is not what was sealed" in ran.err
