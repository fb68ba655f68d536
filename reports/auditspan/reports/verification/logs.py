"""All logs of a store: their trees, what was signed of them, what they say.

The numbers are those of `run.py`. What is wrong is collected, and does not keep the rest from being
looked at.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Final

from auditspan.integrity.checkpoint import checkpoint_of
from auditspan.integrity.errors import IntegrityError
from auditspan.reports.verification.asking import Ask, Progress
from auditspan.reports.verification.bodies import Said, read_bodies
from auditspan.reports.verification.checkpoints import Notes, Signed, compared
from auditspan.reports.verification.extents import Extents
from auditspan.reports.verification.inputs import Inputs
from auditspan.reports.verification.report import Problem, Weight
from auditspan.reports.verification.root_notes import countersigned
from auditspan.reports.verification.stored_tree import StoredTree
from auditspan.reports.verification.trust import Trust

_NOT_WHOLE: Final = {"log.gap", "log.missing", "log.split", "log.truncated", "root.mismatch"}


@dataclass(slots=True)
class Logs:
    """The logs as far as they are verified."""

    ask: Ask
    given: Inputs
    progress: Progress
    trust: Trust
    notes: Notes
    extents: Extents
    problems: list[Problem] = field(default_factory=list)
    trees: dict[str, StoredTree] = field(default_factory=dict)
    said: Said = field(default_factory=Said)
    """What entries say that are no records."""
    listed: dict[str, int] = field(default_factory=dict)
    """Logs of the root logs, with the largest size there."""
    files: list[tuple[str, bytes]] = field(default_factory=list)

    @classmethod
    def verified(cls, ask: Ask, given: Inputs, progress: Progress) -> "Logs":
        """All of them."""
        extents = Extents(ask, given)
        logs = cls(ask, given, progress, given.trust, Notes(given.trust), extents)
        extents.begin()
        given.settle()
        logs.files = list(given.notes())
        extents.catch_up(note for _, note in logs.files)
        roots = [origin for origin in logs._origins() if origin in logs.trust.roots]
        for origin in roots:
            logs._rebuild(origin)
        logs._root_logs(roots)
        logs._earlier(roots)
        logs._revoked()
        for origin in logs._origins():
            if origin not in roots:
                logs._rebuild(origin)
        return logs

    # 1

    def _origins(self) -> list[str]:
        """All logs that are here, or of which a note is."""
        names = {_origin(note) for _, note in self.files} - {""}
        return sorted({*self.extents.ends, *self.notes.by_log, *self.trust.roots} | names)

    # 2 and 3

    def _rebuild(self, origin: str) -> None:
        """A log's tree, and all that was signed of it."""
        self.notes.trust = self.trust
        for name, note in self.files:
            if _origin(note) == origin:
                self.notes.add(note, name)
        signed = self._stored_notes(origin)
        if signed.size > self.extents.ends.get(origin, 0):
            # Signed meanwhile: entries are rows before the note of them is one. Logs begun
            # meanwhile are for the next time.
            self.extents.reread(origin)
        end = self.extents.ends.get(origin, 0)
        tree = StoredTree(self.ask, origin)
        self.trees[origin] = tree
        tree.load(end, self.progress)
        if not signed.size and not end and origin in self.trust.roots:
            return
        self._extent(origin, signed.size, tree)
        self.problems += compared(signed, tree, self.progress)
        covered = min(end, signed.size) if self.trust.knows(origin) else end
        bodies, problems = read_bodies(self.ask, origin, covered)
        self.problems += problems
        for _, kind, body in bodies:
            self.said.take(kind, body)
        if origin in self.trust.roots:
            self.trust = self.trust.with_root([(kind, body) for _, kind, body in bodies])

    def _stored_notes(self, origin: str) -> Signed:
        """All notes of a log, once what was here at first is signed or the patience is at an end.

        Of a collector that runs elsewhere there are no files, and notes are rows some seconds
        after they are signed.
        """
        self.notes.add_stored(self.ask, origin, self.progress)
        for _ in range(self.given.patience if self.trust.knows(origin) else 0):
            if self.notes.by_log[origin].size >= self.extents.seen.get(origin, 0):
                break
            self.given.settle()
            self.notes.add_stored(self.ask, origin, self.progress)
        return self.notes.by_log[origin]

    def _extent(self, origin: str, signed: int, tree: StoredTree) -> None:
        """What was signed is here, and what was here at first is signed by now."""
        if not self.trust.knows(origin):
            self._unknown(origin)
            return
        if signed and not self.extents.ends.get(origin):
            says = f"{signed} entries of it were signed, and nothing of it is here"
            self._problem("log.missing", says, origin)
        elif tree.broken:
            self._problem("log.gap", tree.broken, origin, tree.size)
        elif signed > tree.size:
            says = f"{signed} entries were signed, and {tree.size} are here: its end was cut off"
            self._problem("log.truncated", says, origin, tree.size)
        behind = self.extents.seen.get(origin, 0) - signed
        if behind > 0:
            says = (
                f"{behind} entries are behind the last tree that was signed, at {signed}; if the "
                "collector was killed, start it and verify again: it finishes what it has begun"
            )
            self._problem("log.unsigned", says, origin, signed)

    def _unknown(self, origin: str) -> None:
        if self.listed:
            says = "no root log has it: whoever can write into the store has made it"
            self._problem("log.unknown", says, origin)
        else:
            says = "its key is not known, so its signatures prove nothing"
            self._problem("log.no_key", says, origin, weight=Weight.UNVERIFIABLE)

    def _root_logs(self, roots: Sequence[str]) -> None:
        """Which logs there have to be."""
        for origin in roots:
            size = min(self.notes.by_log[origin].size, self.extents.ends.get(origin, 0))
            for log in self.trust.certified:
                self.listed.setdefault(log, 0)
            for index, at, note in countersigned(self.ask, origin, size, self.problems):
                self.listed[at.origin] = max(at.size, self.listed.get(at.origin, 0))
                self.notes.trust = self.trust
                self.notes.add(note, f"entry {index} of {origin}")
        if self.trust.policy is not None and not any(self.extents.ends.get(root) for root in roots):
            says = "no root log is here, so nobody can say which logs there were"
            self._problem("root.missing", says, weight=Weight.UNVERIFIABLE)

    def _earlier(self, roots: Sequence[str]) -> None:
        """A root log that a later one has the last note of is here, as far as that."""
        said = {problem.log for problem in self.problems if problem.kind in _NOT_WHOLE}
        for origin in roots:
            if self.listed.get(origin) and origin not in said:
                signed, tree = self.notes.by_log[origin], self.trees[origin]
                self._extent(origin, signed.size, tree)
                self.problems += compared(signed, tree, self.progress)

    def _revoked(self) -> None:
        """What is under keys that somebody said not to trust any more."""
        for vkey, good in sorted(self.trust.revoked.items()):
            origin, _, rest = vkey.partition("+")
            behind = max(0, self.listed.get(origin, 0) - good)
            says = (
                f"its key {rest[:8]} was revoked and counts for {good} entries; {behind} behind "
                "them are under no key that counts"
            )
            self._problem("key.revoked", says, origin, weight=Weight.WARNING)

    def _problem(
        self,
        kind: str,
        says: str,
        log: str = "",
        index: int | None = None,
        weight: Weight = Weight.INVALID,
    ) -> None:
        self.problems.append(Problem(kind, weight, says, log, index))


def _origin(note: bytes) -> str:
    try:
        return checkpoint_of(note).origin
    except IntegrityError:
        return ""
