"""All signed notes of a store: whose they are, and whether the tree is the one that was signed.

Notes are in their table, and those of other logs in the root log as well; the newest ones may be
known from files too. Each is verified once. What a row says beside its note is only compared.
"""

from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from itertools import pairwise
from typing import Any, Final

from auditspan.integrity.checkpoint import checkpoint_of
from auditspan.integrity.errors import IntegrityError, ProofInvalid
from auditspan.reports.verification.asking import Ask, Progress, rows
from auditspan.reports.verification.report import Problem, Weight
from auditspan.reports.verification.stored_tree import StoredTree
from auditspan.reports.verification.trust import Trust

_PAGE: Final = 50_000
_PORTION: Final = 400


@dataclass(slots=True)
class Signed:
    """What was signed of one log."""

    roots: dict[int, set[bytes]] = field(default_factory=lambda: defaultdict(set))
    """Roots by size."""
    times: list[tuple[int, int]] = field(default_factory=list)
    """Size and second of each cosignature."""
    notes: int = 0
    by_size: dict[int, bytes] = field(default_factory=dict)
    """The newest note of each size."""
    size: int = 0
    """Of the largest tree."""
    seen: set[bytes] = field(default_factory=set)

    def longest_silence(self) -> int:
        """Seconds of the longest time between two signatures."""
        seconds = sorted(second for _, second in self.times)
        return max((after - before for before, after in pairwise(seconds)), default=0)


@dataclass(slots=True)
class Notes:
    """Reads and verifies notes."""

    trust: Trust
    by_log: dict[str, Signed] = field(default_factory=lambda: defaultdict(Signed))
    problems: list[Problem] = field(default_factory=list)

    def add(self, note: bytes, where: str) -> None:
        """Verify one note, wherever it was found."""
        try:
            origin = checkpoint_of(note).origin
        except IntegrityError as error:
            self._problem("note.malformed", "", f"{where}: {error}")
            return
        signed = self.by_log[origin]
        if note in signed.seen or not self.trust.knows(origin):
            return
        signed.seen.add(note)
        try:
            accepted = self.trust.accept(note)
        except IntegrityError as error:
            self._problem("note.signature", origin, f"{where}: {error}")
            return
        at = accepted.checkpoint
        signed.notes += 1
        signed.roots[at.size].add(at.root)
        signed.times += [(at.size, second) for second in accepted.cosigned.values()]
        signed.by_size[at.size] = note
        signed.size = max(at.size, signed.size)

    def add_stored(self, ask: Ask, origin: str, progress: Progress) -> None:
        """Verify the notes of a log that stand in the table of checkpoints."""
        for at, row in enumerate(_stored(ask, origin)):
            note = bytes(row["Note"], "utf-8")
            self._compare(row)
            self.add(note, f"checkpoint of {origin} at {row['Size']}")
            if at % 1_000 == 0:
                progress(f"signatures of {origin}", at, at)

    def _compare(self, row: dict[str, Any]) -> None:
        try:
            said = checkpoint_of(str(row["Note"]).encode())
        except IntegrityError:
            return
        there = (row["LogId"], row["Size"], bytes(row["Root"]))
        if there != (said.origin, said.size, said.root):
            words = f"the row of checkpoint {row['Size']} says something else than its note"
            self._problem("checkpoint.row", str(row["LogId"]), words)

    def _problem(self, kind: str, log: str, says: str) -> None:
        self.problems.append(Problem(kind, Weight.INVALID, says, log))


def compared(signed: Signed, tree: StoredTree, progress: Progress) -> list[Problem]:
    """Every tree that was signed is what the store's entries give; where the first is not, all
    behind it are others too, so that the list ends there."""
    sizes = sorted(signed.roots)
    for at in range(0, len(sizes), _PORTION):
        some = sizes[at : at + _PORTION]
        tree.prefetch(some)
        problems = list(_compared(some, signed, tree))
        if problems:
            return problems
        progress(f"checkpoints of {tree.origin}", at + len(some), len(sizes))
    return []


def _compared(sizes: Iterable[int], signed: Signed, tree: StoredTree) -> Iterator[Problem]:
    for size in sizes:
        roots = signed.roots[size]
        if len(roots) > 1:
            says = f"two trees of {size} entries were signed: whoever holds the key has done it"
            yield Problem("log.split", Weight.INVALID, says, tree.origin)
        try:
            root = tree.root(size)
        except ProofInvalid:
            # What is missing is said once, by whoever asks for the log's extent.
            continue
        if root not in roots:
            says = f"the tree of {size} entries is not the one that was signed: an entry differs"
            yield Problem("root.mismatch", Weight.INVALID, says, tree.origin)
            return


def _stored(ask: Ask, origin: str) -> Iterator[dict[str, Any]]:
    first = 0
    while found := rows(ask, "notes", log=origin, first=first, limit=_PAGE):
        yield from found
        first += len(found)
