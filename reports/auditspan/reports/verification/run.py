"""A whole verification: every record recomputed, every signed tree rebuilt, everything explained.

1. How far logs and records reach is read first; a collector that runs is given time to sign that.
2. Logs whose keys the policy names are rebuilt: root logs, which hold the keys of the others.
3. All other logs are rebuilt, and every tree of them that was signed is compared.
4. Anchors: what others keep has to be here.
5. Records are recomputed and compared with their entries; what is absent has to be explained.
"""

import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from typing import Final

from auditspan.integrity.checkpoint import Checkpoint, parse_checkpoint
from auditspan.integrity.control_entry import Kind
from auditspan.integrity.errors import IntegrityError, ProofInvalid
from auditspan.integrity.note import parse_note
from auditspan.reports.verification.anchors import AnchorReceipt, receipts_of
from auditspan.reports.verification.asking import Ask, Progress, chunks, rows, silent
from auditspan.reports.verification.bodies import Said, read_bodies
from auditspan.reports.verification.checkpoints import Notes, compared
from auditspan.reports.verification.records import Records
from auditspan.reports.verification.report import (
    Anchored,
    LogResult,
    Population,
    Problem,
    Report,
    State,
    Weight,
    not_excluded,
    verdict_of,
)
from auditspan.reports.verification.stored_tree import StoredTree
from auditspan.reports.verification.trust import Trust
from auditspan.reports.verification.window import Window, out_of_order

_DAY: Final = 86_400
_LISTED: Final = 1_000


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
    settle: Callable[[], None] = lambda: None
    """Waits until what is in the store now is signed; for a collector that runs."""
    now: Callable[[], float] = time.time


@dataclass(slots=True)
class _Run:
    """A verification as far as it has come."""

    ask: Ask
    window: Window
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
    trees: dict[str, StoredTree] = field(default_factory=dict)
    said: Said = field(default_factory=Said)
    listed: dict[str, int] = field(default_factory=dict)
    """Logs of the root logs, with the largest size there."""
    anchored: dict[str, int] = field(default_factory=dict)
    receipts: list[AnchorReceipt] = field(default_factory=list)
    files: list[tuple[str, bytes]] = field(default_factory=list)
    before_sealing: int = 0

    def report(self, began: float) -> Report:
        places = {row["LogId"]: row for row in rows(self.ask, "places")}
        self.seen = self._extents()
        self.given.settle()
        self._gather()
        roots = [origin for origin in self._origins() if origin in self.trust.roots]
        for origin in roots:
            self._rebuild(origin)
        self._root_logs(roots)
        for origin in self._origins():
            if origin not in roots:
                self._rebuild(origin)
        self._anchors()
        self._places(places)
        self._stray_bodies()
        logs = tuple(self._records(origin) for origin in sorted(self.ends))
        if not self.ends:
            says = "nothing is sealed here: nobody can say whether something was changed"
            self._problem("store.unsealed", says, weight=Weight.UNVERIFIABLE)
        return self._finished(logs, began)

    # 1

    def _extents(self) -> dict[str, int]:
        return {row["LogId"]: row["End"] for row in rows(self.ask, "logs")}

    def _gather(self) -> None:
        """Notes of the root logs, and how far everything reaches now."""
        self.files = list(self.given.notes())
        found = rows(self.ask, "logs")
        self.ends = {row["LogId"]: row["End"] for row in found}
        self.counts = {row["LogId"]: row["Entries"] for row in found}

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
        self.notes.add_stored(self.ask, origin, self.progress)
        signed, end = self.notes.by_log[origin], self.ends.get(origin, 0)
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
                self._covered(receipt)

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

    def _covered(self, receipt: AnchorReceipt) -> None:
        """How far logs are anchored: directly, or by a root log that has their checkpoints."""
        known = self.anchored
        known[receipt.origin] = max(receipt.size, known.get(receipt.origin, 0))
        if receipt.origin in self.trust.roots:
            for _, at, _ in self._countersigned(receipt.origin, receipt.size):
                known[at.origin] = max(at.size, known.get(at.origin, 0))

    # 5

    def _places(self, places: dict[str, dict[str, object]]) -> None:
        """Records that stand in no log, or behind its end."""
        for log, row in places.items():
            if not log:
                self.before_sealing = int(str(row["Records"]))
                self._before_sealing()
                continue
            end = self.ends.get(log, 0)
            if int(str(row["End"])) > end:
                behind = rows(self.ask, "records_behind", log=log, first=end, limit=_LISTED)
                for one in behind:
                    says = "it stands behind the end of its log, or in a log that is not there"
                    index, record = one["LogIndex"], one["RecordId"]
                    self._problem("record.unsealed", says, log, index, record)

    def _before_sealing(self) -> None:
        allowed = self.said.unsealed
        if self.before_sealing > allowed:
            found = rows(self.ask, "records_behind", log="", first=0, limit=_LISTED)
            says = (
                f"{self.before_sealing} records are in no log, but {allowed} were there when "
                "sealing began; the newest are"
            )
            newest = ", ".join(sorted((row["RecordId"] for row in found), reverse=True)[:5])
            self._problem("record.unsealed", f"{says} {newest}", record=newest.partition(",")[0])
        else:
            says = f"{self.before_sealing} records are from before sealing began: unverified"
            self._problem("record.before_sealing", says, weight=Weight.WARNING)

    def _stray_bodies(self) -> None:
        for row in rows(self.ask, "stray_bodies"):
            says = "a body is here, but the log has no such entry"
            self._problem("entry.stray", says, row["LogId"], row["LogIndex"])

    def _records(self, origin: str) -> LogResult:
        signed, end = self.notes.by_log[origin], self.ends[origin]
        times = [
            *signed.times,
            *((r.size, r.time) for r in self.receipts if r.origin == origin and r.time),
        ]
        first, until = self.window.indices(signed.times, end)
        today = int(self.given.now()) // _DAY
        records = Records(self.ask, origin, self.said, today)
        if origin not in self.trust.roots or self._has_records(origin):
            records.check(first, until, self.progress)
            self.problems += records.problems
            self.problems += out_of_order(origin, records.times, times)
        behind = max(min(self.seen.get(origin, 0), until) - max(signed.size, first), 0)
        if behind:
            records.states[State.UNSEALED] += behind
            records.states[State.PRESENT] -= min(behind, records.states[State.PRESENT])
        return LogResult(
            origin,
            self.counts[origin],
            signed.size,
            self.anchored.get(origin, 0),
            len(signed.roots),
            signed.notes,
            max((second for _, second in signed.times), default=0),
            signed.longest_silence(),
            first,
            until,
            {state: count for state, count in sorted(records.states.items()) if count},
        )

    def _has_records(self, origin: str) -> bool:
        counts = rows(self.ask, "counts", log=origin, first=0, end=self.ends[origin], today=0)[0]
        return bool(counts["Records"] or counts["Sealed"])

    def _finished(self, logs: tuple[LogResult, ...], began: float) -> Report:
        problems = (*self.notes.problems, *self.problems)
        anchored = Anchored.NONE
        if self.receipts:
            kinds = {receipt.kind for receipt in self.receipts}
            anchored = Anchored.EXTERNAL if "external" in kinds else Anchored.LOCAL
        since, until = self.window.words()
        found = rows(self.ask, "population", **self.window.parameters())[0]
        population = Population(
            since,
            until,
            found["Records"],
            sum(sum(log.states.get(s, 0) for s in _RECOMPUTED) for log in logs),
            found["DeadLetters"],
            found["SequenceGaps"],
            self.said.kinds[Kind.GAP],
            self.before_sealing,
        )
        return Report(
            verdict_of(problems),
            anchored,
            self.trust.said,
            problems,
            logs,
            population,
            not_excluded(anchored),
            round(time.monotonic() - began, 3),
        )

    def _problem(
        self,
        kind: str,
        says: str,
        log: str = "",
        index: int | None = None,
        record: str = "",
        weight: Weight = Weight.INVALID,
    ) -> None:
        self.problems.append(Problem(kind, weight, says, log, index, record))


_RECOMPUTED: Final = (State.PRESENT, State.ERASED_GROUPS, State.ALTERED)


def run(
    ask: Ask, given: Inputs, window: Window | None = None, progress: Progress = silent
) -> Report:
    """Verify a store. Raises what the store raises."""
    began = time.monotonic()
    whole = window or Window()
    return _Run(ask, whole, given, progress, given.trust, Notes(given.trust)).report(began)


def _origin(note: bytes) -> str:
    try:
        return parse_checkpoint(parse_note(note).text).origin
    except IntegrityError:
        return ""
