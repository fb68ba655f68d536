"""Trees and proofs against RFC 6962, its reference roots, and two other implementations."""

from itertools import pairwise

import pytest
from scitt_cose import merkle as other  # type: ignore[import-untyped]

from auditspan.integrity.errors import ProofInvalid
from auditspan.integrity.merkle import (
    Frontier,
    Subtree,
    consistency_proof,
    inclusion_proof,
    leaf_hash,
    leaf_hashes,
    root_of,
)
from auditspan.integrity.tree import Tree
from tests.integrity import naive

SIZES = range(70)
ENTRIES = [f"entry {number}".encode() for number in SIZES]
LEAVES = [leaf_hash(entry) for entry in ENTRIES]

# Certificate Transparency's own: https://github.com/google/certificate-transparency,
# merkletree/merkle_tree_test.cc.
REFERENCE = {
    "": "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
    "00": "fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125",
    "10": "aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77",
    "2021": "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
    "3031": "4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4",
    "40414243": "76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef",
    "5051525354555657": "ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c",
    "606162636465666768696a6b6c6d6e6f": (
        "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328"
    ),
}


def test_reference_roots() -> None:
    """The roots that every implementation of RFC 6962 is measured by."""
    tree, frontier = Tree(), Frontier()
    empty = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"
    assert tree.root().hex() == frontier.root().hex() == empty
    for leaf, root in REFERENCE.items():
        hashed = leaf_hash(bytes.fromhex(leaf))
        tree.append([hashed])
        frontier = frontier.extended([hashed])
        assert tree.root().hex() == frontier.root().hex() == root


@pytest.mark.parametrize("size", SIZES)
def test_roots_of_every_size(size: int) -> None:
    """Tree, frontier, the RFC's recursion and somebody else's library say the same."""
    root = naive.mth(ENTRIES[:size])
    assert Tree(LEAVES).root(size) == root
    assert Frontier().extended(LEAVES[:size]).root() == root
    assert root_of(Tree(LEAVES).node, size) == root
    assert other.merkle_root([entry.hex() for entry in ENTRIES[:size]]) == root.hex()


@pytest.mark.parametrize("size", SIZES)
def test_proofs_of_every_size(size: int) -> None:
    """Inclusion and consistency proofs are those of the RFC, hash by hash."""
    nodes, entries = Tree(LEAVES).node, ENTRIES[:size]
    for index in range(size):
        assert list(inclusion_proof(nodes, index, size)) == naive.path(index, entries)
    for old in range(1, size):
        proof = consistency_proof(nodes, old, size)
        assert list(proof) == naive.proof(old, entries)
        grown = Frontier().extended(LEAVES[:old]).grown(LEAVES[old:size])
        assert grown.consistency == proof
        assert grown.tree == Frontier().extended(LEAVES[:size])
    assert consistency_proof(nodes, 0, size) == consistency_proof(nodes, size, size) == ()


def test_proofs_satisfy_another_implementation() -> None:
    """A library that shares nothing with ours accepts ours."""
    nodes, hexed = Tree(LEAVES).node, [entry.hex() for entry in ENTRIES]
    for size in (1, 2, 3, 7, 8, 64, 69):
        root = root_of(nodes, size).hex()
        for index in range(size):
            path = [node.hex() for node in inclusion_proof(nodes, index, size)]
            assert other.verify_inclusion(hexed[index], index, size, path, root)
        for old in range(1, size):
            proof = [node.hex() for node in consistency_proof(nodes, old, size)]
            before = root_of(nodes, old).hex()
            assert other.verify_consistency(before, root, old, size, proof)


def test_a_tree_grows_in_any_steps() -> None:
    """How leaves are cut into batches changes nothing, for tree and frontier."""
    for cuts in ((0, 1, 70), (0, 7, 8, 9, 64, 65, 70), (0, 33, 70)):
        tree, frontier = Tree(), Frontier()
        for start, end in pairwise(cuts):
            tree.append(LEAVES[start:end])
            frontier = frontier.extended(LEAVES[start:end])
            assert tree.frontier() == frontier
        assert tree.root() == frontier.root() == naive.mth(ENTRIES)
        assert tree.frontier(33) == Frontier().extended(LEAVES[:33])


def test_a_frontier_takes_subtrees() -> None:
    """A complete subtree counts as its leaves, where it fits; elsewhere it is refused."""
    tree = Tree(LEAVES)
    whole = Frontier()
    for subtree in tree.frontier(69).subtrees():
        whole = whole.extended_by(subtree)
    assert whole == tree.frontier(69)
    for misplaced in (Subtree(69, 2, b"x" * 32), Subtree(70, 1, b"x" * 32), Subtree(69, 3, b"")):
        with pytest.raises(ProofInvalid):
            whole.extended_by(misplaced)


def test_a_frontier_must_have_the_roots_of_its_size() -> None:
    """A state that was damaged on disk is noticed."""
    with pytest.raises(ProofInvalid, match="expected 2 roots"):
        Frontier(3, (b"x" * 32,))
    with pytest.raises(ProofInvalid, match="32 bytes"):
        Frontier(1, (b"x",))


def test_what_is_not_there_has_no_proof() -> None:
    """Leaves and sizes beyond the tree are refused."""
    tree = Tree(LEAVES)
    for index, size in ((70, 70), (-1, 70), (0, 0)):
        with pytest.raises(ProofInvalid):
            inclusion_proof(tree.node, index, size)
    for old, new in ((3, 2), (-1, 2), (1, 71)):
        with pytest.raises(ProofInvalid):
            consistency_proof(tree.node, old, new)


def test_leaf_hashes_of_entries_side_by_side() -> None:
    """Cutting is done where entries end."""
    joined = b"".join(bytes([n]) * 38 for n in range(5))
    assert leaf_hashes(joined, 38) == [leaf_hash(bytes([n]) * 38) for n in range(5)]
