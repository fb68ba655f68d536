"""The records of a log, recomputed: which are there, and which are not what was sealed."""

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from auditspan.reports.verification.asking import Ask, Progress, chunks, rows
from auditspan.reports.verification.bodies import ALL, Said
from auditspan.reports.verification.difference import filled_later
from auditspan.reports.verification.report import Problem, State, Weight

_CHUNK: Final = 200_000
_DAY: Final = 86_400
_EXPLAINED: Final = 20
"""Of how many altered records it is looked for what was altered."""


@dataclass(slots=True)
class Records:
    """What is found in one log."""

    ask: Ask
    origin: str
    said: Said
    """What the logs say about records."""
    now: Callable[[], float]
    """Unix seconds."""
    states: Counter[str] = field(default_factory=Counter)
    problems: list[Problem] = field(default_factory=list)
    times: list[tuple[int, int, int]] = field(default_factory=list)
    """When each batch was sealed, unix nanoseconds, and its first and last index."""
    overdue: int = 0

    def check(self, first: int, end: int, progress: Progress) -> None:
        """Recompute the records with indices `first` up to `end`."""
        for start, after in chunks(first, end, _CHUNK):
            self._chunk({"log": self.origin, "first": start, "end": after})
            progress(f"records of {self.origin}", after - first, end - first)
        if self.overdue:
            says = f"{self.overdue} records are past their day of expiry and still there"
            self._problem("record.overdue", says, weight=Weight.WARNING)

    def _chunk(self, part: Mapping[str, Any]) -> None:
        counts = rows(self.ask, "counts", **part, today=self._today())[0]
        self.overdue += counts["Overdue"]
        bad = self._altered("altered", part)
        erased: set[int] = set()
        if counts["Erased"]:
            bad |= self._altered("altered_erased", part)
            erased = self._redacted(part)
        if counts["Indices"] != counts["Records"]:
            bad |= self._duplicates(part)
        if counts["Indices"] != counts["Sealed"] or bad:
            self._absent(part)
        self.times += [
            (row["At"], row["First"], row["Last"]) for row in rows(self.ask, "times", **part)
        ]
        self.states[State.ERASED_GROUPS] += len(erased - bad)
        self.states[State.PRESENT] += counts["Indices"] - len(bad | erased)

    def _altered(self, name: str, part: Mapping[str, Any]) -> set[int]:
        found = rows(self.ask, name, **part)
        for row in found:
            index, record = row["LogIndex"], row["RecordId"]
            if not row["Sealed"] or row["Kind"]:
                self.states[State.UNSEALED] += 1
                says = "it stands where the log has no record: somebody put it there"
                self._problem("record.unsealed", says, index, record)
                continue
            self.states[State.ALTERED] += 1
            self._problem("record.altered", self._difference(row), index, record)
        return {row["LogIndex"] for row in found}

    def _difference(self, row: Mapping[str, Any]) -> str:
        if row["SameContent"]:
            return "the day of expiry, or the version, in its seal is not its own"
        says = "its content is not what was sealed"
        filled = ""
        if self.states[State.ALTERED] <= _EXPLAINED:
            filled = filled_later(self.ask, self.origin, row["LogIndex"])
        if filled:
            return f"{says}: {filled} was empty then"
        return f"{says}: its core, or one of its groups"

    def _redacted(self, part: Mapping[str, Any]) -> set[int]:
        """Records of which groups were erased: only by an entry of the log, and for good."""
        found = rows(self.ask, "redacted", **part)
        for row in found:
            index, record, gone = row["LogIndex"], row["RecordId"], set(row["Groups"])
            allowed = self.said.erased(self.origin, index)
            free = set() if ALL in allowed else gone - allowed
            if free:
                says = f"{_names(free)} erased without an entry of the log that says so"
                self._problem("record.redacted", says, index, record)
            back = gone & set(row["Present"])
            if back:
                says = f"{_names(back)} were erased, and something stands there again"
                self._problem("record.restored", says, index, record)
            if row["HasSalt"] and gone:
                says = "its salt is still there after an erasure: what is gone could be guessed at"
                self._problem("record.salt", says, index, record, Weight.WARNING)
        return {row["LogIndex"] for row in found}

    def _duplicates(self, part: Mapping[str, Any]) -> set[int]:
        found = rows(self.ask, "duplicates", **part)
        for row in found:
            ids = ", ".join(sorted(set(row["RecordIds"])))
            says = f"its place in the log is taken more than once: {ids}"
            self._problem("record.duplicate", says, row["LogIndex"], row["RecordIds"][0])
        return {row["LogIndex"] for row in found}

    def _absent(self, part: Mapping[str, Any]) -> None:
        found = rows(self.ask, "absent", **part)
        # Looked at after the store was: what went at midnight is no finding.
        today = self._today()
        for row in found:
            index, day = row["LogIndex"], row["ExpiresOn"]
            if ALL in self.said.erased(self.origin, index):
                self.states[State.ERASED] += 1
            elif day and day <= today:
                self.states[State.EXPIRED] += 1
            elif self.said.expired_early(self.origin, index):
                self.states[State.EXPIRED_EARLY] += 1
            else:
                self.states[State.MISSING] += 1
                says = "it was sealed, and is gone before its day of expiry"
                self._problem("record.missing", says, index)

    def _today(self) -> int:
        """Days since 1970-01-01."""
        return int(self.now()) // _DAY

    def _problem(
        self,
        kind: str,
        says: str,
        index: int | None = None,
        record: str = "",
        weight: Weight = Weight.INVALID,
    ) -> None:
        self.problems.append(Problem(kind, weight, says, self.origin, index, record))


def _names(groups: Sequence[str] | set[str]) -> str:
    names = sorted(groups)
    return f"{'group' if len(names) == 1 else 'groups'} {', '.join(names)}"
