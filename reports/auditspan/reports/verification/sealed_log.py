"""Proofs over a store: of one entry, and that the root log holds a log's checkpoint.

Only what verifies is used: notes by the keys that are trusted, trees that give the signed roots.
"""

from collections.abc import Iterable
from dataclasses import dataclass, field

from auditspan.integrity.checkpoint import checkpoint_of
from auditspan.integrity.control_entry import Kind
from auditspan.integrity.errors import IntegrityError
from auditspan.integrity.merkle import inclusion_proof
from auditspan.integrity.proof_file import TlogProof
from auditspan.reports.errors import NothingFound
from auditspan.reports.verification.asking import Ask, chunks, rows, silent
from auditspan.reports.verification.bodies import read_bodies
from auditspan.reports.verification.checkpoints import Notes
from auditspan.reports.verification.stored_tree import StoredTree
from auditspan.reports.verification.trust import Trust

_CHUNK = 20_000


@dataclass(slots=True)
class SealedLogs:
    """The logs of a store, with their newest checkpoints."""

    ask: Ask
    trust: Trust
    files: Iterable[tuple[str, bytes]] = ()
    """Notes that lie in files."""
    root: str = ""
    """Origin of the root log."""
    opened: dict[str, tuple[int, str]] = field(default_factory=dict)
    """By log, the place and body of the root log's entry that names its key."""
    countersigned: dict[str, tuple[int, bytes]] = field(default_factory=dict)
    """By log, the place and body of the root log's newest checkpoint of it."""
    trees: dict[str, StoredTree] = field(default_factory=dict)
    notes: dict[str, bytes] = field(default_factory=dict)
    """By log, its newest note."""

    def load(self) -> None:
        """Find the root log. Raises `NothingFound` if nothing here is signed by a trusted key."""
        for origin in self.trust.roots:
            if self._newest(origin):
                self.root = origin
        if not self.root:
            raise NothingFound(
                "no root log is here that a trusted key has signed; see `auditspan verify`"
            )
        size = self.size(self.root)
        bodies, _ = read_bodies(self.ask, self.root, size)
        for index, kind, body in bodies:
            if kind == Kind.LOG_OPEN:
                self._open(index, body)
        self.trust = self.trust.with_root([(kind, body) for _, kind, body in bodies])
        for first, end in chunks(0, size, _CHUNK):
            for row in rows(self.ask, "root_notes", log=self.root, first=first, end=end):
                self._countersigned(row["LogIndex"], row["Body"].encode())

    def _open(self, index: int, body: str) -> None:
        known = Trust(None, "").with_root([(Kind.LOG_OPEN, body)])
        for origin in known.certified:
            self.opened[origin] = (index, body)

    def _countersigned(self, index: int, note: bytes) -> None:
        try:
            at = checkpoint_of(note)
        except IntegrityError:
            return
        before = self.countersigned.get(at.origin)
        if before is None or self._size_of(before[1]) <= at.size:
            self.countersigned[at.origin] = (index, note)

    def _newest(self, origin: str) -> bool:
        """Whether a log has a note that verifies."""
        notes = Notes(self.trust)
        for name, note in self.files:
            notes.add(note, name)
        notes.add_stored(self.ask, origin, silent)
        signed = notes.by_log[origin]
        stored = {row["LogId"]: row["End"] for row in rows(self.ask, "logs")}
        fitting = [size for size in signed.roots if size <= stored.get(origin, 0)]
        if not fitting:
            return False
        self.notes[origin] = signed.by_size[max(fitting)]
        return True

    def note(self, origin: str) -> bytes:
        """The newest note of a log that the root log holds. Raises `NothingFound`."""
        if origin == self.root:
            return self.notes[origin]
        if origin not in self.countersigned or origin not in self.opened:
            raise NothingFound(f"log {origin}: the root log holds no checkpoint of it")
        note = self.countersigned[origin][1]
        self.trust.accept(note)
        return note

    def size(self, origin: str) -> int:
        """Entries under that note."""
        return self._size_of(self.note(origin))

    def _size_of(self, note: bytes) -> int:
        return checkpoint_of(note).size

    def tree(self, origin: str) -> StoredTree:
        """The tree of a log, as far as that note."""
        if origin not in self.trees:
            self.trees[origin] = StoredTree(self.ask, origin)
            self.trees[origin].load(self.size(origin))
        return self.trees[origin]

    def in_root(self, index: int) -> TlogProof:
        """That an entry is in the root log. Raises `ProofInvalid`."""
        return self.proof(self.root, index)

    def proof(self, origin: str, index: int, extra: bytes | None = None) -> TlogProof:
        """That an entry is in a log. Raises `ProofInvalid`."""
        note = self.note(origin)
        hashes = inclusion_proof(self.tree(origin).node, index, self._size_of(note))
        return TlogProof(index, hashes, note, extra)
