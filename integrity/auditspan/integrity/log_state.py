"""One log as whoever writes it must remember it: it only grows, its times only go forward, and no
two different trees of one size are ever signed. A pure state machine: the caller keeps what
`to_json` gives, and keeps it before a signature of the new state leaves.
"""

import json
from collections.abc import Sequence
from dataclasses import dataclass, field, replace

from auditspan.integrity.canonical import ENTRY_BYTES
from auditspan.integrity.checkpoint import Checkpoint
from auditspan.integrity.errors import LogConflict, ProofInvalid
from auditspan.integrity.merkle import Frontier, leaf_hashes
from auditspan.integrity.merkle_verify import verify_consistency

_VERSION = 1


@dataclass(frozen=True, slots=True)
class LogState:
    """A log up to its last entry."""

    origin: str
    """Its name."""
    tree: Frontier = field(default_factory=Frontier)
    sealed_at: int = 0
    """When its last entry was sealed, Unix nanoseconds."""
    signed: Checkpoint | None = None
    """The largest checkpoint that was signed."""

    def appended(self, entries: bytes, sealed_at: int) -> "LogState":
        """The log with entries of 38 bytes behind its own. Raises `LogConflict`."""
        if len(entries) % ENTRY_BYTES:
            raise LogConflict(f"log {self.origin}: {len(entries)} bytes are no entries of 38")
        if sealed_at < self.sealed_at:
            raise LogConflict(
                f"log {self.origin}: sealed at {sealed_at}, but its last entry at {self.sealed_at}"
            )
        tree = self.tree.extended(leaf_hashes(entries, ENTRY_BYTES))
        return replace(self, tree=tree, sealed_at=sealed_at)

    def checkpoint(self) -> Checkpoint:
        """What may be signed now."""
        return Checkpoint(self.origin, self.tree.size, self.tree.root())

    def signing(self, checkpoint: Checkpoint, proof: Sequence[bytes]) -> "LogState":
        """The state to keep before a checkpoint is signed. Raises `LogConflict`.

        `proof` shows that it holds the one that was signed before.
        """
        if checkpoint != self.checkpoint():
            raise LogConflict(
                f"log {self.origin} has {self.tree.size} entries: the checkpoint of "
                f"{checkpoint.size} for {checkpoint.origin} is not its own"
            )
        if self.signed is not None:
            old = self.signed
            try:
                verify_consistency(old.size, checkpoint.size, old.root, checkpoint.root, proof)
            except ProofInvalid as error:
                raise LogConflict(f"log {self.origin}: {error}") from error
        return replace(self, signed=checkpoint)

    def to_json(self) -> str:
        """All of it, as text."""
        signed = self.signed and {"size": self.signed.size, "root": self.signed.root.hex()}
        state = {
            "version": _VERSION,
            "origin": self.origin,
            "size": self.tree.size,
            "roots": [root.hex() for root in self.tree.roots],
            "sealed_at": self.sealed_at,
            "signed": signed,
        }
        return json.dumps(state)


def read_state(text: str) -> LogState:
    """From `to_json`. Raises `LogConflict` for what is no state of this version."""
    try:
        state = json.loads(text)
        if state["version"] != _VERSION:
            raise LogConflict(f"state of version {state['version']}, expected {_VERSION}")
        roots = tuple(bytes.fromhex(root) for root in state["roots"])
        signed = state["signed"]
        if signed is not None:
            root = bytes.fromhex(signed["root"])
            signed = Checkpoint(state["origin"], signed["size"], root)
        tree = Frontier(state["size"], roots)
        return LogState(state["origin"], tree, state["sealed_at"], signed)
    except (ValueError, KeyError, TypeError, AttributeError, ProofInvalid) as error:
        raise LogConflict(f"state of a log cannot be read: {error}") from error


def recovered(origin: str, entries: bytes, sealed_at: int, signed: Checkpoint | None) -> LogState:
    """The state made anew from all entries of the store. Raises `LogConflict` if they are not those
    that were signed: a backup was restored, or somebody deleted.
    """
    state = LogState(origin).appended(entries, sealed_at)
    if signed is None:
        return state
    count = len(entries) // ENTRY_BYTES
    if signed.size > count:
        raise LogConflict(f"log {origin}: {signed.size} entries were signed, {count} are here")
    then = Frontier().extended(leaf_hashes(entries[: signed.size * ENTRY_BYTES], ENTRY_BYTES))
    if then.root() != signed.root or signed.origin != origin:
        raise LogConflict(f"log {origin}: another tree of {signed.size} entries was signed")
    return replace(state, signed=signed)
