"""Proofs in files as https://c2sp.org/tlog-proof has them."""

import pytest

from auditspan.integrity.errors import NoteInvalid
from auditspan.integrity.merkle import inclusion_proof, leaf_hash
from auditspan.integrity.merkle_verify import verify_inclusion
from auditspan.integrity.proof_file import TlogProof, parse_proof
from auditspan.integrity.tree import Tree
from tests.integrity.trail import ORIGIN, note_of

TREE = Tree(leaf_hash(bytes([n])) for n in range(21))
NOTE = note_of(ORIGIN, TREE)


@pytest.mark.parametrize("extra", [None, b"", b"more"])
def test_round_trip(extra: bytes | None) -> None:
    """What is written is read, and proves its leaf."""
    proof = TlogProof(7, inclusion_proof(TREE.node, 7, 21), NOTE, extra)
    read = parse_proof(proof.encode())
    assert read == proof
    verify_inclusion(leaf_hash(b"\7"), read.index, 21, read.hashes, TREE.root())


def test_the_bytes() -> None:
    """Line by line as in the specification; the checkpoint stands behind an empty line."""
    small = Tree([leaf_hash(b"")])
    note = note_of(ORIGIN, small)
    made = TlogProof(0, (), note, b"x").encode()
    assert made == b"c2sp.org/tlog-proof@v1\nextra eA==\nindex 0\n\n" + note


@pytest.mark.parametrize(
    ("old", "new"),
    [
        (b"@v1", b"@v2"),
        (b"index 7", b"index 07"),
        (b"index 7", b"index -7"),
        (b"index 7", b"Index 7"),
        (b"index 7\n", b""),
        (b"index 7\n", b"index 7\nAAAA\n"),
        (b"index 7\n", b"index 7\n!\n"),
        (b"index 7\n", b"index 7\n" + b"AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=\n" * 64),
        (b"\n\n", b"\n"),
        (b"index 7", "index 7\u00b2".encode()),
        (NOTE[-40:], b""),
        (b"index 7\n", b"extra eA\nindex 7\n"),
        (NOTE, NOTE + b"x" * 2_000_000),
    ],
)
def test_malformed_files_are_refused(old: bytes, new: bytes) -> None:
    """Head, index, hashes, checkpoint, size."""
    made = TlogProof(7, inclusion_proof(TREE.node, 7, 21), NOTE).encode()
    assert old in made
    with pytest.raises(NoteInvalid):
        parse_proof(made.replace(old, new))
