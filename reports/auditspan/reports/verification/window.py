"""The window of a verification, as times and as places in a log."""

from bisect import bisect_left
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import accumulate
from typing import Final

from auditspan.reports.verification.report import Problem, Weight

_BEGIN: Final = datetime(1970, 1, 1, tzinfo=UTC)
_END: Final = datetime(2262, 1, 1, tzinfo=UTC)
_CLOCK: Final = 10
"""Seconds by which the clocks of sealing and of signing may differ."""
_NS: Final = 1_000_000_000


@dataclass(frozen=True, slots=True)
class Window:
    """From when to when, open at a side that is None."""

    since: datetime | None = None
    until: datetime | None = None

    def parameters(self) -> dict[str, datetime]:
        """For statements that ask for records of the window."""
        return {"since": self.since or _BEGIN, "until": self.until or _END}

    def words(self) -> tuple[str, str]:
        """Both ends as text, empty where it is open."""
        return _iso(self.since), _iso(self.until)

    def indices(self, times: Sequence[tuple[int, int]], end: int) -> tuple[int, int]:
        """Places of a log that the window covers, by what was signed: never by what rows say.

        `times` has sizes and seconds of signatures. A record was sealed after the tree without it
        was signed, and before the first tree with it was.
        """
        first = 0
        if self.since is not None:
            first = max((s for s, at in times if at < self.since.timestamp()), default=0)
        if self.until is not None:
            end = min((s for s, at in times if at >= self.until.timestamp()), default=end)
        return min(first, end), end


def out_of_order(
    log: str, batches: Sequence[tuple[int, int, int]], times: Sequence[tuple[int, int]]
) -> list[Problem]:
    """Records that say another time of sealing than their place in the log allows.

    `batches` has the time of sealing in nanoseconds, first and last index; `times` sizes and
    seconds of signatures and anchors.
    """
    problems = []
    known = sorted(times)
    sizes = [size for size, _ in known]
    not_before = list(accumulate((at for _, at in known), max))
    not_after = list(accumulate((at for _, at in reversed(known)), min))[::-1]
    behind = -1
    for at, first, last in sorted(batches):
        if first <= behind:
            says = f"sealed at {_moment(at)}, after records that stand behind it"
            problems.append(Problem("time.order", Weight.INVALID, says, log, first))
        behind = max(behind, last)
        below = bisect_left(sizes, first + 1)
        if below and at < (not_before[below - 1] - _CLOCK) * _NS:
            says = f"sealed at {_moment(at)}, but a tree without it was signed later"
            problems.append(Problem("time.backdated", Weight.INVALID, says, log, first))
        above = bisect_left(sizes, last + 1)
        if above < len(sizes) and at > (not_after[above] + _CLOCK) * _NS:
            says = f"sealed at {_moment(at)}, but a tree with it was signed before"
            problems.append(Problem("time.postdated", Weight.INVALID, says, log, last))
    return problems


def _moment(ns: int) -> str:
    return datetime.fromtimestamp(ns / _NS, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def _iso(at: datetime | None) -> str:
    return "" if at is None else at.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
