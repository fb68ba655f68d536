"""A whole verification: every record recomputed, every signed tree rebuilt, everything explained.

1. How far logs and records reach is read first; a collector that runs is given time to sign that.
2. Logs whose keys the policy names are rebuilt: root logs, which hold the keys of the others.
3. All other logs are rebuilt, and every tree of them that was signed is compared.
4. Anchors: what others keep has to be here.
5. Records are recomputed and compared with their entries; what is absent has to be explained.
"""

import time
from dataclasses import dataclass, field
from typing import Final

from auditspan.reports.verification.anchored import AnchoredLogs
from auditspan.reports.verification.asking import Ask, Progress, rows, silent
from auditspan.reports.verification.inputs import Inputs
from auditspan.reports.verification.logs import Logs
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
from auditspan.reports.verification.window import Window, out_of_order

_LISTED: Final = 1_000


def run(
    ask: Ask, given: Inputs, window: Window | None = None, progress: Progress = silent
) -> Report:
    """Verify a store. Raises what the store raises."""
    began = time.monotonic()
    places = {row["LogId"]: row for row in rows(ask, "places")}
    logs = Logs.verified(ask, given, progress)
    anchored = AnchoredLogs.checked(ask, given, logs.trust, logs.trees)
    return _Run(ask, window or Window(), given, progress, logs, anchored).report(places, began)


@dataclass(slots=True)
class _Run:
    """A verification of records whose logs are verified."""

    ask: Ask
    window: Window
    given: Inputs
    progress: Progress
    logs: Logs
    anchored: AnchoredLogs
    problems: list[Problem] = field(default_factory=list)
    before_sealing: int = 0

    def report(self, places: dict[str, dict[str, object]], began: float) -> Report:
        """All that was found."""
        self._shape()
        self._places(places)
        self._stray_bodies()
        results = tuple(self._records(origin) for origin in sorted(self.logs.extents.ends))
        if not self.logs.extents.ends:
            says = "nothing is sealed here: nobody can say whether something was changed"
            self._problem("store.unsealed", says, weight=Weight.UNVERIFIABLE)
        return self._finished(results, began)

    def _shape(self) -> None:
        """Tables hold rows: what computes them can show a verification others than a reader."""
        for row in rows(self.ask, "shape"):
            column = f", column {row['Column']}" if row["Column"] else ""
            says = (
                f"{row['Table']}{column} is {row['Engine']}: what it shows is computed, not stored"
            )
            self._problem("store.shape", says)

    def _places(self, places: dict[str, dict[str, object]]) -> None:
        """Records that stand in no log, or behind its end."""
        for log, row in places.items():
            if not log:
                self.before_sealing = int(str(row["Records"]))
                self._before_sealing()
                continue
            end = self.logs.extents.ends.get(log, 0)
            if int(str(row["End"])) > end:
                behind = rows(self.ask, "records_behind", log=log, first=end, limit=_LISTED)
                for one in behind:
                    says = "it stands behind the end of its log, or in a log that is not there"
                    index, record = one["LogIndex"], one["RecordId"]
                    self._problem("record.unsealed", says, log, index, record)

    def _before_sealing(self) -> None:
        allowed = self.logs.said.unsealed
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
        signed, end = self.logs.notes.by_log[origin], self.logs.extents.ends[origin]
        times = [
            *signed.times,
            *((r.size, r.time) for r in self.anchored.receipts if r.origin == origin and r.time),
        ]
        first, until = self.window.indices(signed.times, end)
        records = Records(self.ask, origin, self.logs.said, self.given.now, self.given.at_once)
        if origin not in self.logs.trust.roots or self._has_records(origin):
            records.check(first, until, self.progress)
            self.problems += records.problems
            self.problems += out_of_order(origin, records.times, times)
        behind = max(min(self.logs.extents.seen.get(origin, 0), until) - max(signed.size, first), 0)
        if behind:
            records.states[State.UNSEALED] += behind
            records.states[State.PRESENT] -= min(behind, records.states[State.PRESENT])
        return LogResult(
            origin,
            self.logs.extents.counts[origin],
            signed.size,
            self.anchored.sizes.get(origin, 0),
            len(signed.roots),
            signed.notes,
            max((second for _, second in signed.times), default=0),
            signed.longest_silence(),
            first,
            until,
            {state: count for state, count in sorted(records.states.items()) if count},
        )

    def _has_records(self, origin: str) -> bool:
        counts = rows(
            self.ask, "counts", log=origin, first=0, end=self.logs.extents.ends[origin], today=0
        )[0]
        return bool(counts["Records"] or counts["Sealed"])

    def _finished(self, logs: tuple[LogResult, ...], began: float) -> Report:
        found = rows(self.ask, "population", **self.window.parameters())[0]
        dead = self._dead_letters(found["DeadLetters"])
        all_problems = (
            *self.given.known,
            *self.logs.notes.problems,
            *self.logs.problems,
            *self.anchored.problems,
            *self.problems,
        )
        # A root log is read twice: for what it lists, and for how far that is anchored.
        problems = tuple(dict.fromkeys(all_problems))
        anchored = Anchored.NONE
        if self.anchored.receipts:
            kinds = {receipt.kind for receipt in self.anchored.receipts}
            anchored = Anchored.EXTERNAL if "external" in kinds else Anchored.LOCAL
        since, until = self.window.words()
        population = Population(
            since,
            until,
            found["Records"],
            sum(sum(log.states.get(s, 0) for s in _RECOMPUTED) for log in logs),
            dead,
            found["SequenceGaps"],
            self.logs.said.gaps(),
            self.before_sealing,
            complete=not dead,
        )
        return Report(
            verdict_of(problems),
            anchored,
            self.logs.trust.said,
            problems,
            logs,
            population,
            not_excluded(anchored),
            round(time.monotonic() - began, 3),
        )

    def _dead_letters(self, rows: int) -> int:
        """How many are open: by the logs, and of rows that are in no log all."""
        letters = self.logs.said.dead
        dead = letters.open(self.window, self.given.now())
        dead += max(rows - letters.sealed(self.window), 0)
        return dead

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
