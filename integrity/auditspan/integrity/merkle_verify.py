"""Verification of Merkle proofs, as in RFC 9162 §2.1.3 and §2.1.4
(https://www.rfc-editor.org/rfc/rfc9162). What does not raise `ProofInvalid` is proved.
"""

from collections.abc import Sequence

from auditspan.integrity.errors import ProofInvalid
from auditspan.integrity.merkle import EMPTY_ROOT, HASH_BYTES, node_hash


def verify_inclusion(
    leaf: bytes, index: int, size: int, proof: Sequence[bytes], root: bytes
) -> None:
    """A leaf (its hash) stands at `index` of the tree of this root (RFC 9162 §2.1.3.2)."""
    if not 0 <= index < size:
        raise ProofInvalid(f"no leaf {index} in a tree of {size}")
    place, last, hashed = index, size - 1, leaf
    for sibling in _checked(proof):
        if last == 0:
            raise ProofInvalid("inclusion proof is too long")
        if place & 1 or place == last:
            hashed = node_hash(sibling, hashed)
            while place and not place & 1:
                place, last = place >> 1, last >> 1
        else:
            hashed = node_hash(hashed, sibling)
        place, last = place >> 1, last >> 1
    if last or hashed != root:
        raise ProofInvalid(f"inclusion of leaf {index} in the tree of {size} is not proved")


def verify_consistency(
    old_size: int, new_size: int, old_root: bytes, new_root: bytes, proof: Sequence[bytes]
) -> None:
    """The tree of the new root begins with that of the old one (RFC 9162 §2.1.4.2)."""
    if not 0 <= old_size <= new_size:
        raise ProofInvalid(f"a tree of {new_size} leaves cannot hold one of {old_size}")
    if old_size in (0, new_size):
        expected = old_root if old_size == new_size else new_root
        if proof or expected != new_root or (old_size == 0 and old_root != EMPTY_ROOT):
            raise ProofInvalid(f"trees of {old_size} and {new_size} leaves are not consistent")
        return
    path = list(_checked(proof))
    if old_size.bit_count() == 1:
        path.insert(0, old_root)
    if not path:
        raise ProofInvalid("consistency proof is empty")
    place, last = old_size - 1, new_size - 1
    while place & 1:
        place, last = place >> 1, last >> 1
    old = new = path[0]
    for sibling in path[1:]:
        if last == 0:
            raise ProofInvalid("consistency proof is too long")
        if place & 1 or place == last:
            old, new = node_hash(sibling, old), node_hash(sibling, new)
            while place and not place & 1:
                place, last = place >> 1, last >> 1
        else:
            new = node_hash(new, sibling)
        place, last = place >> 1, last >> 1
    if last or (old, new) != (old_root, new_root):
        raise ProofInvalid(f"trees of {old_size} and {new_size} leaves are not consistent")


def _checked(proof: Sequence[bytes]) -> Sequence[bytes]:
    if any(len(hashed) != HASH_BYTES for hashed in proof):
        raise ProofInvalid(f"a hash of the proof has not {HASH_BYTES} bytes")
    return proof
