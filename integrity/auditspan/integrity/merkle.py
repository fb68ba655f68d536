"""Merkle trees over SHA-256 as in RFC 6962 §2.1, https://www.rfc-editor.org/rfc/rfc6962"""

import hashlib
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Final, TypeAlias

from auditspan.integrity.errors import ProofInvalid

HASH_BYTES: Final = 32
EMPTY_ROOT: Final = hashlib.sha256(b"").digest()
"""Root of a tree without leaves."""

Nodes: TypeAlias = Callable[[int, int], bytes]
"""Hash of the complete subtree of 2^level leaves that begins at leaf `place << level`, by level and
place. Asked only for subtrees that lie inside of the tree."""


def leaf_hash(entry: bytes) -> bytes:
    """Hash of a leaf."""
    return hashlib.sha256(b"\0" + entry).digest()


def leaf_hashes(entries: bytes, width: int) -> list[bytes]:
    """Hashes of leaves that stand one after the other, `width` bytes each."""
    sha256 = hashlib.sha256
    return [
        sha256(b"\0" + entries[at : at + width]).digest() for at in range(0, len(entries), width)
    ]


def node_hash(left: bytes, right: bytes) -> bytes:
    """Hash of an inner node."""
    return hashlib.sha256(b"\1" + left + right).digest()


@dataclass(frozen=True, slots=True)
class Subtree:
    """A complete subtree: `size` is a power of two, and `start` a multiple of it."""

    start: int
    size: int
    root: bytes


@dataclass(frozen=True, slots=True)
class Frontier:
    """A tree that can only grow, in as many hashes as its size has ones in binary."""

    size: int = 0
    roots: tuple[bytes, ...] = ()
    """Roots of its complete subtrees, the largest first."""

    def __post_init__(self) -> None:
        if self.size < 0 or len(self.roots) != self.size.bit_count():
            raise ProofInvalid(
                f"tree of {self.size} leaves: expected {self.size.bit_count()} roots of subtrees, "
                f"got {len(self.roots)}"
            )
        if any(len(root) != HASH_BYTES for root in self.roots):
            raise ProofInvalid(f"root of a subtree: expected {HASH_BYTES} bytes")

    def extended(self, leaves: Iterable[bytes]) -> "Frontier":
        """The tree with these leaves (their hashes) behind its own."""
        sha256 = hashlib.sha256
        size, roots = self.size, list(self.roots)
        for hashed in leaves:
            place, size = size, size + 1
            while place & 1:
                hashed = sha256(b"\1" + roots.pop() + hashed).digest()
                place >>= 1
            roots.append(hashed)
        return Frontier(size, tuple(roots))

    def extended_by(self, subtree: Subtree) -> "Frontier":
        """The tree with a complete subtree behind its own leaves. Raises `ProofInvalid`."""
        if subtree.start != self.size or self.size % subtree.size or subtree.size.bit_count() != 1:
            raise ProofInvalid(
                f"subtree of {subtree.size} at {subtree.start} does not stand behind {self.size}"
            )
        place, roots, hashed = self.size // subtree.size, list(self.roots), subtree.root
        while place & 1:
            hashed = node_hash(roots.pop(), hashed)
            place >>= 1
        return Frontier(self.size + subtree.size, (*roots, hashed))

    def root(self) -> bytes:
        """Root of the whole tree."""
        if not self.roots:
            return EMPTY_ROOT
        hashed = self.roots[-1]
        for left in self.roots[-2::-1]:
            hashed = node_hash(left, hashed)
        return hashed

    def subtrees(self) -> tuple[Subtree, ...]:
        """Its complete subtrees, the largest first."""
        pairs = zip(complete_subtrees(0, self.size), self.roots, strict=True)
        return tuple(Subtree(level_at << level, 1 << level, r) for (level, level_at), r in pairs)

    def grown(self, leaves: Sequence[bytes]) -> "Grown":
        """The tree with these leaves (their hashes) behind its own, and the proof of it."""
        ranges = complete_subtrees(self.size, self.size + len(leaves))
        fresh = [self._subtree(level, place, leaves) for level, place in ranges]
        tree = self
        for subtree in fresh:
            tree = tree.extended_by(subtree)
        nodes = {(each.start, each.size): each.root for each in (*self.subtrees(), *fresh)}

        def node(level: int, place: int) -> bytes:
            found = nodes.get((place << level, 1 << level))
            half = level - 1
            return found or node_hash(node(half, 2 * place), node(half, 2 * place + 1))

        return Grown(tree, consistency_proof(node, self.size, tree.size))

    def _subtree(self, level: int, place: int, leaves: Sequence[bytes]) -> Subtree:
        start, size = place << level, 1 << level
        at = start - self.size
        return Subtree(start, size, _fold(leaves[at : at + size]))


@dataclass(frozen=True, slots=True)
class Grown:
    """A tree that grew."""

    tree: Frontier
    consistency: tuple[bytes, ...] = ()
    """Proof that it begins with the one it grew from, from no other hashes than those of the
    smaller tree's subtrees and of the leaves (RFC 6962 §2.1.2)."""


def root_of(nodes: Nodes, size: int) -> bytes:
    """Root of a tree of `size` leaves."""
    return _range(nodes, 0, size) if size else EMPTY_ROOT


def inclusion_proof(nodes: Nodes, index: int, size: int) -> tuple[bytes, ...]:
    """Hashes from the sibling of a leaf up. Raises `ProofInvalid` for a leaf that is not there."""
    if not 0 <= index < size:
        raise ProofInvalid(f"no leaf {index} in a tree of {size}")
    return tuple(_range(nodes, start, end) for start, end in _path(index, 0, size))


def _path(index: int, start: int, end: int) -> Iterator[tuple[int, int]]:
    if end - start == 1:
        return
    middle = start + _split(end - start)
    if index < middle:
        yield from _path(index, start, middle)
        yield middle, end
    else:
        yield from _path(index, middle, end)
        yield start, middle


def consistency_proof(nodes: Nodes, old: int, new: int) -> tuple[bytes, ...]:
    """Hashes that show that a tree of `new` leaves begins with the one of `old`."""
    if not 0 <= old <= new:
        raise ProofInvalid(f"a tree of {new} leaves cannot hold one of {old}")
    if old in (0, new):
        return ()
    return tuple(_range(nodes, start, end) for start, end in _subproof(old, 0, new, whole=True))


def _subproof(old: int, start: int, end: int, *, whole: bool) -> Iterator[tuple[int, int]]:
    """RFC 6962 §2.1.2: ranges of leaves; `whole` is its `b`."""
    if old == end:
        if not whole:
            yield start, end
        return
    middle = start + _split(end - start)
    if old <= middle:
        yield from _subproof(old, start, middle, whole=whole)
        yield middle, end
    else:
        yield from _subproof(old, middle, end, whole=False)
        yield start, middle


def _split(count: int) -> int:
    """Largest power of two below `count`."""
    return 1 << ((count - 1).bit_length() - 1)


def complete_subtrees(start: int, end: int) -> Iterator[tuple[int, int]]:
    """Level and place of the largest complete subtrees that cover a range, in order."""
    while start < end:
        aligned = (start & -start).bit_length() - 1 if start else 64
        level = min(aligned, (end - start).bit_length() - 1)
        yield level, start >> level
        start += 1 << level


def _range(nodes: Nodes, start: int, end: int) -> bytes:
    """Root of the leaves of a range that begins where a subtree of its size does."""
    hashes = [nodes(level, place) for level, place in complete_subtrees(start, end)]
    hashed = hashes[-1]
    for left in hashes[-2::-1]:
        hashed = node_hash(left, hashed)
    return hashed


def _fold(leaves: Sequence[bytes]) -> bytes:
    """Root of a complete subtree, level by level: a hash less than there are leaves."""
    sha256, level = hashlib.sha256, leaves
    while len(level) > 1:
        each = iter(level)
        level = [
            sha256(b"\1" + left + right).digest() for left, right in zip(each, each, strict=True)
        ]
    return level[0]
