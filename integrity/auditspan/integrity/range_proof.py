"""Proof that leaves stand side by side in a tree: a few hashes for any number of leaves."""

from collections.abc import Iterable
from dataclasses import dataclass

from auditspan.integrity.errors import ProofInvalid
from auditspan.integrity.merkle import Frontier, Nodes, Subtree, complete_subtrees


@dataclass(frozen=True, slots=True)
class RangeProof:
    """What is needed beside the leaves of a range to compute the root of the tree."""

    start: int
    """Index of the range's first leaf."""
    left: tuple[Subtree, ...]
    """Complete subtrees before the range, in order."""
    right: tuple[Subtree, ...]
    """Complete subtrees behind it, in order."""


def range_proof(nodes: Nodes, start: int, end: int, size: int) -> RangeProof:
    """The proof for leaves `start` up to `end` of a tree of `size`. Raises `ProofInvalid`."""
    if not 0 <= start <= end <= size:
        raise ProofInvalid(f"no range {start} to {end} in a tree of {size}")
    left, right = complete_subtrees(0, start), complete_subtrees(end, size)
    return RangeProof(start, _subtrees(nodes, left), _subtrees(nodes, right))


def verify_range(leaves: Iterable[bytes], proof: RangeProof, size: int, root: bytes) -> None:
    """Leaves (their hashes) stand side by side in the tree of this root."""
    tree = Frontier()
    for subtree in proof.left:
        tree = tree.extended_by(subtree)
    if tree.size != proof.start:
        raise ProofInvalid(f"subtrees before the range end at {tree.size}, expected {proof.start}")
    tree = tree.extended(leaves)
    for subtree in proof.right:
        tree = tree.extended_by(subtree)
    if tree.size != size:
        raise ProofInvalid(f"range proof ends at {tree.size}, expected {size}")
    if tree.root() != root:
        raise ProofInvalid(f"root of {size} leaves differs: some leaf is not what was sealed")


def _subtrees(nodes: Nodes, at: Iterable[tuple[int, int]]) -> tuple[Subtree, ...]:
    return tuple(Subtree(place << level, 1 << level, nodes(level, place)) for level, place in at)
