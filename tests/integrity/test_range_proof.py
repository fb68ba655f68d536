"""Ranges of leaves lead to the root of their tree, and no others do."""

from dataclasses import replace

import pytest

from auditspan.integrity.errors import ProofInvalid
from auditspan.integrity.merkle import leaf_hash
from auditspan.integrity.range_proof import RangeProof, range_proof, verify_range
from auditspan.integrity.tree import Tree

LEAVES = [leaf_hash(f"entry {number}".encode()) for number in range(40)]
TREE = Tree(LEAVES)


@pytest.mark.parametrize("size", range(0, 41, 3))
def test_every_range_of_a_tree(size: int) -> None:
    """The empty one, the whole one, and all between; no more hashes than two paths."""
    for start in range(size + 1):
        for end in range(start, size + 1):
            proof = range_proof(TREE.node, start, end, size)
            verify_range(LEAVES[start:end], proof, size, TREE.root(size))
            assert len(proof.left) + len(proof.right) <= 2 * size.bit_length()


def test_other_leaves_are_not_in_the_tree() -> None:
    """One changed, exchanged, missing or added leaf, or another place."""
    proof, root = range_proof(TREE.node, 5, 20, 40), TREE.root(40)
    leaves = LEAVES[5:20]
    for wrong in (
        [b"x" * 32, *leaves[1:]],
        [leaves[1], leaves[0], *leaves[2:]],
        leaves[:-1],
        [*leaves, LEAVES[20]],
        LEAVES[6:21],
    ):
        with pytest.raises(ProofInvalid):
            verify_range(wrong, proof, 40, root)


def test_other_proofs_do_not_fit() -> None:
    """Subtrees that are missing, out of place or changed."""
    proof, root = range_proof(TREE.node, 5, 20, 40), TREE.root(40)
    changed = replace(proof.left[0], root=b"x" * 32)
    for wrong in (
        RangeProof(5, proof.left[1:], proof.right),
        RangeProof(5, proof.left, proof.right[:-1]),
        RangeProof(5, proof.left[::-1], proof.right),
        RangeProof(6, proof.left, proof.right),
        RangeProof(5, (changed, *proof.left[1:]), proof.right),
    ):
        with pytest.raises(ProofInvalid):
            verify_range(LEAVES[5:20], wrong, 40, root)
    with pytest.raises(ProofInvalid):
        verify_range(LEAVES[5:20], proof, 41, root)


def test_no_range_outside_of_the_tree() -> None:
    """Bounds are checked."""
    for start, end, size in ((-1, 2, 5), (3, 2, 5), (0, 6, 5)):
        with pytest.raises(ProofInvalid):
            range_proof(TREE.node, start, end, size)
