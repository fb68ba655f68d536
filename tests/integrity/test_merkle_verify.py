"""Proofs are accepted when they prove something, and never otherwise."""

from collections.abc import Iterator

import pytest

from auditspan.integrity.errors import ProofInvalid
from auditspan.integrity.merkle import consistency_proof, inclusion_proof, leaf_hash
from auditspan.integrity.merkle_verify import verify_consistency, verify_inclusion
from auditspan.integrity.tree import Tree

SIZES = range(1, 70)
LEAVES = [leaf_hash(f"entry {number}".encode()) for number in SIZES]
TREE = Tree(LEAVES)
ROOTS = [TREE.root(size) for size in range(70)]


def mutants(proof: tuple[bytes, ...]) -> Iterator[tuple[bytes, ...]]:
    """Proofs near a right one: a bit elsewhere, one hash less, one more, two exchanged, short."""
    for place, hashed in enumerate(proof):
        changed = bytes([hashed[0] ^ 1]) + hashed[1:]
        yield (*proof[:place], changed, *proof[place + 1 :])
        yield (*proof[:place], *proof[place + 1 :])
        yield (*proof[:place], hashed[:31], *proof[place + 1 :])
    yield (*proof, b"x" * 32)
    yield (b"x" * 32, *proof)
    if len(set(proof)) > 1:
        yield proof[::-1]


@pytest.mark.parametrize("size", SIZES)
def test_inclusion(size: int) -> None:
    """Every leaf of every tree is proved; with another proof, index, leaf or root it is not."""
    for index in range(size):
        proof = inclusion_proof(TREE.node, index, size)
        verify_inclusion(LEAVES[index], index, size, proof, ROOTS[size])
        for wrong in mutants(proof):
            with pytest.raises(ProofInvalid):
                verify_inclusion(LEAVES[index], index, size, wrong, ROOTS[size])
        for leaf, at, root in (
            (b"x" * 32, index, ROOTS[size]),
            (LEAVES[index], (index + 1) % size if size > 1 else 1, ROOTS[size]),
            (LEAVES[index], index, ROOTS[size - 1]),
            (LEAVES[index], -1, ROOTS[size]),
        ):
            with pytest.raises(ProofInvalid):
                verify_inclusion(leaf, at, size, proof, root)


@pytest.mark.parametrize("new", SIZES)
def test_consistency(new: int) -> None:
    """Every tree holds every smaller one; with another proof or root it does not."""
    for old in range(1, new):
        proof = consistency_proof(TREE.node, old, new)
        verify_consistency(old, new, ROOTS[old], ROOTS[new], proof)
        for wrong in mutants(proof):
            with pytest.raises(ProofInvalid):
                verify_consistency(old, new, ROOTS[old], ROOTS[new], wrong)
        for first, second in ((ROOTS[old - 1], ROOTS[new]), (ROOTS[old], ROOTS[old])):
            with pytest.raises(ProofInvalid):
                verify_consistency(old, new, first, second, proof)
        with pytest.raises(ProofInvalid):
            verify_consistency(old, new, ROOTS[old], ROOTS[new], ())


def test_consistency_without_hashes() -> None:
    """A tree holds itself and the empty one; nothing else needs no proof."""
    verify_consistency(0, 5, ROOTS[0], ROOTS[5], ())
    verify_consistency(5, 5, ROOTS[5], ROOTS[5], ())
    verify_consistency(0, 0, ROOTS[0], ROOTS[0], ())
    for old, new, first, second, proof in (
        (0, 5, ROOTS[1], ROOTS[5], ()),
        (0, 5, ROOTS[0], ROOTS[5], (b"x" * 32,)),
        (5, 5, ROOTS[4], ROOTS[5], ()),
        (5, 5, ROOTS[5], ROOTS[5], (b"x" * 32,)),
        (5, 4, ROOTS[5], ROOTS[4], ()),
        (-1, 4, ROOTS[0], ROOTS[4], ()),
    ):
        with pytest.raises(ProofInvalid):
            verify_consistency(old, new, first, second, proof)
