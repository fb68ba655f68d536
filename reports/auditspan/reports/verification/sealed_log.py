"""Proofs over a store: of one entry, and that the root log holds a log's checkpoint.

Only what verifies is used: notes by the keys that are trusted, trees that give the signed roots. Of
a log whose key was revoked that is the newest checkpoint for which the key still counts. What could
not be used is told in `warnings`; where it could be a revocation, there is no proof at all.
"""

from collections.abc import Iterable
from dataclasses import dataclass, field

from auditspan.integrity.checkpoint import Checkpoint, checkpoint_of
from auditspan.integrity.control_entry import Kind
from auditspan.integrity.merkle import inclusion_proof
from auditspan.integrity.proof_file import TlogProof
from auditspan.reports.errors import NothingFound
from auditspan.reports.verification.asking import Ask, rows, silent
from auditspan.reports.verification.bodies import read_bodies
from auditspan.reports.verification.checkpoints import Notes
from auditspan.reports.verification.report import Problem
from auditspan.reports.verification.root_notes import countersigned
from auditspan.reports.verification.stored_tree import StoredTree
from auditspan.reports.verification.trust import Trust


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
    problems: list[Problem] = field(default_factory=list)
    """Entries of the root log that are not what they should be; nothing of them is used."""
    beyond: dict[str, int] = field(default_factory=dict)
    """By log, the largest size that its key signed though it did not count for it any more."""

    def load(self) -> None:
        """Find the root log, and what it says of other logs.

        Raises `NothingFound` if nothing here is signed by a trusted key, or the root log is not
        what was signed, and `ProofInvalid` if it has gaps.
        """
        for origin in self.trust.roots:
            if self._newest(origin):
                self.root = origin
        if not self.root:
            raise NothingFound(
                "no root log is here that a trusted key has signed; see `auditspan verify`"
            )
        self._check_root()
        size = self.size(self.root)
        bodies, self.problems = read_bodies(self.ask, self.root, size)
        self._refuse_unreadable_revocations()
        for index, kind, body in bodies:
            if kind == Kind.LOG_OPEN:
                self._open(index, body)
        self.trust = self.trust.with_root([(kind, body) for _, kind, body in bodies])
        altered = {problem.index for problem in self.problems}
        for index, at, note in countersigned(self.ask, self.root, size, self.problems):
            if index not in altered:
                self._countersigned(index, at, note)

    def _check_root(self) -> None:
        """What its entries say counts only if they are those that were signed, kinds and all."""
        at = checkpoint_of(self.note(self.root))
        if self.tree(self.root).root(at.size) != at.root:
            raise NothingFound(
                f"the {at.size} entries of {self.root} are not those that were signed: nothing is "
                "proved by them; see `auditspan verify`"
            )

    def _refuse_unreadable_revocations(self) -> None:
        for index in [problem.index for problem in self.problems if problem.index is not None]:
            found = rows(self.ask, "entries", log=self.root, first=index, end=index + 1)
            if any(row["Entry"][1] == Kind.KEY_REVOKE for row in found):
                raise NothingFound(
                    f"entry {index} of {self.root} revokes a key and is not what was sealed: "
                    "nobody can say which key counts; see `auditspan verify`"
                )

    def _open(self, index: int, body: str) -> None:
        known = Trust(None, "").with_root([(Kind.LOG_OPEN, body)])
        for origin in known.certified:
            self.opened[origin] = (index, body)

    def _countersigned(self, index: int, at: Checkpoint, note: bytes) -> None:
        good = self.trust.good_until(at.origin)
        if good is not None and at.size > good:
            self.beyond[at.origin] = max(at.size, self.beyond.get(at.origin, 0))
            return
        before = self.countersigned.get(at.origin)
        if before is None or self._size_of(before[1]) <= at.size:
            self.countersigned[at.origin] = (index, note)

    def warnings(self) -> list[str]:
        """What was not used, in sentences: damage of the root log, and what no key counts for."""
        return self.damage() + [self.revoked(origin) for origin in sorted(self.beyond)]

    def damage(self) -> list[str]:
        """Entries of the root log that are not what they should be, each once."""
        says = {problem.index or 0: problem.says for problem in reversed(self.problems)}
        return [
            f"entry {index} of {self.root}: {what}; it is not used, see `auditspan verify`"
            for index, what in sorted(says.items())
        ]

    def revoked(self, origin: str) -> str:
        """How far a log whose key was revoked can be proved."""
        good, end = self.trust.good_until(origin), self.beyond[origin]
        proved = self.size(origin) if origin in self.countersigned else 0
        return (
            f"log {origin}: its key was revoked and counts for {good} entries; the {end - proved} "
            f"from {proved} on are under no checkpoint that counts, and cannot be proved"
        )

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
        if origin in self.beyond and origin not in self.countersigned:
            raise NothingFound(self.revoked(origin))
        if origin not in self.countersigned or origin not in self.opened:
            says = f"log {origin}: the root log holds no checkpoint of it, or no key"
            raise NothingFound("; ".join([says, *self.damage()]))
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
