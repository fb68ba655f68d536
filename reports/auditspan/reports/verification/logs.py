"""All logs of a store: their trees, what was signed of them, what they say, who else keeps them.

The numbers are those of `run.py`. What is wrong is collected, and does not keep the rest from being
looked at.
"""

import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from auditspan.integrity.checkpoint import Checkpoint, parse_checkpoint
from auditspan.integrity.errors import IntegrityError, ProofInvalid
from auditspan.integrity.note import parse_note
from auditspan.reports.verification.anchors import AnchorReceipt, receipts_of
from auditspan.reports.verification.asking import Ask, Progress, chunks, rows
from auditspan.reports.verification.bodies import Said, read_bodies
from auditspan.reports.verification.checkpoints import Notes, Signed, compared
from auditspan.reports.verification.report import Problem, Weight
from auditspan.reports.verification.stored_tree import StoredTree
from auditspan.reports.verification.trust import Trust

_NOT_WHOLE: Final = {"log.gap", "log.missing", "log.split", "log.truncated", "root.mismatch"}


@dataclass(frozen=True, slots=True)
class Inputs:
    """What a verification has beside the store."""

    trust: Trust
    notes: Callable[[], Iterable[tuple[str, bytes]]] = tuple
    """Notes that lie in files, with their names; asked for after the store."""
    anchors: Sequence[tuple[str, bytes]] = ()
    """Notes that were saved."""
    receipts: Sequence[AnchorReceipt] = ()
    """What other anchors prove."""
    known: Sequence[Problem] = ()
    """What is known to be wrong already, with anchors for example."""
    settle: Callable[[], None] = lambda: None
    """Waits until what is in the store now is signed; for a collector that runs."""
    patience: int = 0
    """How often to settle again while notes are newer than the store."""
    now: Callable[[], float] = time.time
    at_once: int = 1
    """Questions that the store may be asked at the same time."""


@dataclass(slots=True)
class Logs:
    """The logs as far as they are verified."""

    ask: Ask
    given: Inputs
    progress: Progress
    trust: Trust
    notes: Notes
    problems: list[Problem] = field(default_factory=list)
    seen: dict[str, int] = field(default_factory=dict)
    """How far logs reached at the beginning."""
    ends: dict[str, int] = field(default_factory=dict)
    """How far they reach now."""
    counts: dict[str, int] = field(default_factory=dict)
    """Entries that are there."""
    trees: dict[str, StoredTree] = field(default_factory=dict)
    said: Said = field(default_factory=Said)
    """What entries say that are no records."""
    listed: dict[str, int] = field(default_factory=dict)
    """Logs of the root logs, with the largest size there."""
    anchored: dict[str, int] = field(default_factory=dict)
    """How far others keep them."""
    receipts: list[AnchorReceipt] = field(default_factory=list)
    """Anchors that fit."""
    files: list[tuple[str, bytes]] = field(default_factory=list)

    @classmethod
    def verified(cls, ask: Ask, given: Inputs, progress: Progress) -> "Logs":
        """All of them."""
        logs = cls(ask, given, progress, given.trust, Notes(given.trust))
        logs.seen = logs._extents()
        given.settle()
        logs._gather()
        roots = [origin for origin in logs._origins() if origin in logs.trust.roots]
        for origin in roots:
            logs._rebuild(origin)
        logs._root_logs(roots)
        logs._earlier(roots)
        logs._revoked()
        for origin in logs._origins():
            if origin not in roots:
                logs._rebuild(origin)
        logs._anchors()
        return logs

    # 1

    def _extents(self) -> dict[str, int]:
        return {row["LogId"]: row["End"] for row in rows(self.ask, "logs")}

    def _gather(self) -> None:
        """Notes of the root logs, and how far everything reaches now."""
        self.files = list(self.given.notes())
        self._reach(self._caught_up())

    def _reach(self, found: Iterable[dict[str, Any]]) -> None:
        """Take in how far logs reach."""
        for row in found:
            self.ends[row["LogId"]], self.counts[row["LogId"]] = row["End"], row["Entries"]

    def _caught_up(self) -> list[dict[str, Any]]:
        """How far the logs reach, once the newest notes are covered or the patience is at an end.

        A collector that runs has a note, and entries of a log that is new, some seconds before the
        entries of its root log are rows.
        """
        signed = _signed(note for _, note in self.files)
        for receipt in self.given.receipts:
            signed[receipt.origin] = max(receipt.size, signed.get(receipt.origin, 0))
        found = rows(self.ask, "logs")
        for _ in range(self.given.patience):
            ends = {row["LogId"]: row["End"] for row in found}
            covered = all(ends.get(origin, 0) >= size for origin, size in signed.items())
            if covered and self._all_named(ends):
                break
            self.given.settle()
            found = rows(self.ask, "logs")
        return found

    def _all_named(self, ends: Mapping[str, int]) -> bool:
        """Whether the root logs have the keys of all logs; without a root log nobody says."""
        trust, roots = self.trust, self.trust.roots
        for origin in roots:
            bodies, _ = read_bodies(self.ask, origin, ends.get(origin, 0))
            trust = trust.with_root([(kind, body) for _, kind, body in bodies])
        return not roots or all(trust.knows(origin) for origin in ends)

    def _origins(self) -> list[str]:
        """All logs that are here, or of which a note is."""
        names = {_origin(note) for _, note in self.files} - {""}
        return sorted({*self.ends, *self.notes.by_log, *self.trust.roots} | names)

    # 2 and 3

    def _rebuild(self, origin: str) -> None:
        """A log's tree, and all that was signed of it."""
        self.notes.trust = self.trust
        for name, note in self.files:
            if _origin(note) == origin:
                self.notes.add(note, name)
        signed = self._stored_notes(origin)
        if signed.size > self.ends.get(origin, 0):
            # Signed meanwhile: entries are rows before the note of them is one. Logs begun
            # meanwhile are for the next time.
            self._reach(row for row in rows(self.ask, "logs") if row["LogId"] == origin)
        end = self.ends.get(origin, 0)
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
            if self.notes.by_log[origin].size >= self.seen.get(origin, 0):
                break
            self.given.settle()
            self.notes.add_stored(self.ask, origin, self.progress)
        return self.notes.by_log[origin]

    def _extent(self, origin: str, signed: int, tree: StoredTree) -> None:
        """What was signed is here, and what was here at first is signed by now."""
        if not self.trust.knows(origin):
            self._unknown(origin)
            return
        if signed and not self.ends.get(origin):
            says = f"{signed} entries of it were signed, and nothing of it is here"
            self._problem("log.missing", says, origin)
        elif tree.broken:
            self._problem("log.gap", tree.broken, origin, tree.size)
        elif signed > tree.size:
            says = f"{signed} entries were signed, and {tree.size} are here: its end was cut off"
            self._problem("log.truncated", says, origin, tree.size)
        behind = self.seen.get(origin, 0) - signed
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
            size = min(self.notes.by_log[origin].size, self.ends.get(origin, 0))
            for log in self.trust.certified:
                self.listed.setdefault(log, 0)
            for index, at, note in self._countersigned(origin, size):
                self.listed[at.origin] = max(at.size, self.listed.get(at.origin, 0))
                self.notes.trust = self.trust
                self.notes.add(note, f"entry {index} of {origin}")
        if self.trust.policy is not None and not any(self.ends.get(root) for root in roots):
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

    def _countersigned(self, origin: str, size: int) -> Iterable[tuple[int, Checkpoint, bytes]]:
        for first, end in chunks(0, size, 20_000):
            for row in rows(self.ask, "root_notes", log=origin, first=first, end=end):
                note = row["Body"].encode()
                try:
                    yield row["LogIndex"], parse_checkpoint(parse_note(note).text), note
                except IntegrityError:
                    says = "it should be a checkpoint, and is none"
                    self._problem("entry.malformed", says, origin, row["LogIndex"])

    # 4

    def _anchors(self) -> None:
        receipts, problems = receipts_of(self.given.anchors, self.trust)
        self.problems += problems
        for receipt in (*receipts, *self.given.receipts):
            if self._anchor(receipt):
                self.receipts.append(receipt)
                known = max(receipt.size, self.anchored.get(receipt.origin, 0))
                self.anchored[receipt.origin] = known
        for origin in self.trust.roots:
            self._covered(origin, self.anchored.get(origin, 0))

    def _anchor(self, receipt: AnchorReceipt) -> bool:
        """Whether the log is still the one that was anchored."""
        tree = self.trees.get(receipt.origin)
        size = tree.size if tree else 0
        if tree is None or receipt.size > size:
            says = f"{receipt.size} entries were anchored, and {size} are here: its end was cut off"
            self._problem("anchor.truncated", says, receipt.origin, size)
            return False
        try:
            same = tree.root(receipt.size) == receipt.root
        except ProofInvalid:
            same = False
        if not same:
            says = f"another tree of {receipt.size} entries was anchored: the log was made anew"
            self._problem("anchor.conflict", says, receipt.origin)
        return same

    def _covered(self, root: str, size: int) -> None:
        """How far logs are anchored by a root log that has their checkpoints."""
        for _, at, _ in self._countersigned(root, size):
            self.anchored[at.origin] = max(at.size, self.anchored.get(at.origin, 0))

    def _problem(
        self,
        kind: str,
        says: str,
        log: str = "",
        index: int | None = None,
        weight: Weight = Weight.INVALID,
    ) -> None:
        self.problems.append(Problem(kind, weight, says, log, index))


def _signed(notes: Iterable[bytes]) -> dict[str, int]:
    """The largest size that notes say of each log."""
    sizes: dict[str, int] = {}
    for note in notes:
        try:
            said = parse_checkpoint(parse_note(note).text)
        except IntegrityError:
            continue
        sizes[said.origin] = max(said.size, sizes.get(said.origin, 0))
    return sizes


def _origin(note: bytes) -> str:
    try:
        return parse_checkpoint(parse_note(note).text).origin
    except IntegrityError:
        return ""
