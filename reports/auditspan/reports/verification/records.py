"""The records of a log, recomputed: which are there, and which are not what was sealed."""

from collections import Counter, deque
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import CancelledError, Future, ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any, Final

from auditspan.reports.verification.asking import Ask, Progress, chunks, rows
from auditspan.reports.verification.bodies import ALL, Said
from auditspan.reports.verification.difference import filled_later
from auditspan.reports.verification.report import Problem, State, Weight
from auditspan.storage.values import Value

_CHUNK: Final = 100_000
_LEAST: Final = 10_000
"""Records of a part, unless there are no more."""
_DAY: Final = 86_400
_EXPLAINED: Final = 20
"""Of how many altered records it is looked for what was altered."""


@dataclass(frozen=True, slots=True)
class _Part:
    """A part of a log, and what is asked of each."""

    params: Mapping[str, Any]
    counts: Mapping[str, Any]
    altered: list[dict[str, Any]]
    times: list[dict[str, Any]]


@dataclass(slots=True)
class Records:
    """What is found in one log."""

    ask: Ask
    origin: str
    said: Said
    """What the logs say about records."""
    now: Callable[[], float]
    """Unix seconds."""
    at_once: int = 1
    """Questions that the store is asked at the same time."""
    states: Counter[str] = field(default_factory=Counter)
    problems: list[Problem] = field(default_factory=list)
    times: list[tuple[int, int, int]] = field(default_factory=list)
    """When each batch was sealed, unix nanoseconds, and its first and last index."""
    overdue: int = 0
    over: bool = False
    """Whether nobody waits for answers any more."""

    def check(self, first: int, end: int, progress: Progress) -> None:
        """Recompute the records with indices `first` up to `end`."""
        with self._threads() as pool:
            for part in self._parts(pool, first, end):
                self._chunk(part)
                progress(f"records of {self.origin}", part.params["end"] - first, end - first)
        if self.overdue:
            says = f"{self.overdue} records are past their day of expiry and still there"
            self._problem("record.overdue", says, weight=Weight.WARNING)

    @contextmanager
    def _threads(self) -> Iterator[ThreadPoolExecutor]:
        """Threads that ask, none of them at the end; whoever interrupts waits for no answer."""
        pool, wait = ThreadPoolExecutor(self.at_once), True
        try:
            yield pool
        except KeyboardInterrupt:
            wait = False
            raise
        finally:
            self.over = True
            pool.shutdown(wait, cancel_futures=True)

    def _parts(self, pool: ThreadPoolExecutor, first: int, end: int) -> Iterator[_Part]:
        """All parts in their order; others are asked for while the next one is awaited."""
        width = max(_LEAST, -(-(end - first) // self.at_once))
        ranges = chunks(first, end, min(width, _CHUNK))
        params = ({"log": self.origin, "first": start, "end": after} for start, after in ranges)
        if self.at_once == 1:
            yield from map(self._part, params)
            return
        asked = deque[Future[_Part]]()
        for each in params:
            asked.append(pool.submit(self._part, each))
            if len(asked) == self.at_once:
                yield asked.popleft().result()
        while asked:
            yield asked.popleft().result()

    def _part(self, params: Mapping[str, Any]) -> _Part:
        [counts] = self._asked("counts", **params, today=self._today())
        altered = self._asked("altered", **params)
        return _Part(params, counts, altered, self._asked("times", **params))

    def _asked(self, name: str, **params: Value) -> list[dict[str, Any]]:
        if self.over:
            raise CancelledError
        return rows(self.ask, name, **params)

    def _chunk(self, found: _Part) -> None:
        part, counts = found.params, found.counts
        self.overdue += counts["Overdue"]
        bad = self._altered(found.altered)
        erased: set[int] = set()
        if counts["Erased"]:
            bad |= self._altered(rows(self.ask, "altered_erased", **part))
            erased = self._redacted(part)
        if counts["Indices"] != counts["Records"]:
            bad |= self._duplicates(part)
        if counts["Indices"] != counts["Sealed"] or bad:
            self._absent(part)
        self.times += [(row["At"], row["First"], row["Last"]) for row in found.times]
        self.states[State.ERASED_GROUPS] += len(erased - bad)
        self.states[State.PRESENT] += counts["Indices"] - len(bad | erased)

    def _altered(self, found: Sequence[Mapping[str, Any]]) -> set[int]:
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
