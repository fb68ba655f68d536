"""A Merkle tree with all its nodes in memory."""

import hashlib
from collections.abc import Iterable

from auditspan.integrity.errors import ProofInvalid
from auditspan.integrity.merkle import HASH_BYTES, Frontier, complete_subtrees, root_of


class Tree:
    """All nodes of a tree in memory, 64 bytes a leaf: makes proofs for any of its sizes."""

    def __init__(self, leaves: Iterable[bytes] = ()) -> None:
        """From hashes of leaves."""
        self._levels = [bytearray()]
        self.append(leaves)

    def __len__(self) -> int:
        """How many leaves."""
        return len(self._levels[0]) // HASH_BYTES

    def append(self, leaves: Iterable[bytes]) -> None:
        """Add leaves by their hashes."""
        self._levels[0] += b"".join(leaves)
        sha256, level = hashlib.sha256, 0
        while len(self._levels[level]) >= 2 * HASH_BYTES:
            if level + 1 == len(self._levels):
                self._levels.append(bytearray())
            below, above = self._levels[level], self._levels[level + 1]
            first, end = 2 * len(above), len(below) - len(below) % (2 * HASH_BYTES)
            pairs = bytes(below[first:end])
            above += b"".join(
                [
                    sha256(b"\1" + pairs[at : at + 2 * HASH_BYTES]).digest()
                    for at in range(0, len(pairs), 2 * HASH_BYTES)
                ]
            )
            level += 1

    def node(self, level: int, place: int) -> bytes:
        """Hash of a complete subtree. Raises `ProofInvalid` for one that is not there."""
        found = b""
        if level < len(self._levels):
            found = bytes(self._levels[level][place * HASH_BYTES : (place + 1) * HASH_BYTES])
        if len(found) != HASH_BYTES:
            raise ProofInvalid(f"no subtree {place} of level {level} in a tree of {len(self)}")
        return found

    def root(self, size: int | None = None) -> bytes:
        """Root of the tree when it had `size` leaves."""
        return root_of(self.node, len(self) if size is None else size)

    def frontier(self, size: int | None = None) -> Frontier:
        """The tree when it had `size` leaves, to go on from."""
        end = len(self) if size is None else size
        return Frontier(end, tuple(self.node(*at) for at in complete_subtrees(0, end)))
