"""What each sender's recorder has numbered so far, and what is missing.

A recorder numbers its spans from 1 in the order in which it writes them. On the way they may
overtake each other: a number that is missing is only called a gap when the recorder's close marker
has come, or `REORDER` later numbers, or `PATIENCE_NS` has passed.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final

import numpy as np
import numpy.typing as npt

from auditspan.processors.batch import Mask

REORDER: Final = 1000
"""By how many numbers a span may be overtaken."""

PATIENCE_NS: Final = 600 * 1_000_000_000
"""For how long a missing number is awaited, in nanoseconds between times of receipt."""

MAX_INSTANCES: Final = 20_000
"""Instances remembered; the one that was silent longest is forgotten."""

Numbers = npt.NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class Progress:
    """How far one instance has come."""

    last: int
    """The highest number seen."""
    missing: tuple[int, ...] = ()
    """Lower ones that may still come, in order."""
    noticed: tuple[int, ...] = ()
    """For each of them when it was noticed, Unix nanoseconds."""


@dataclass(frozen=True, slots=True)
class SequenceState:
    """The progress of all instances; immutable, and part of what a batch is judged with.

    Whoever keeps it across restarts must keep the one from before a batch until that batch is
    stored, so that processing the batch again gives the same answer.
    """

    instances: Mapping[str, Progress] = field(default_factory=dict)
    """By principal and instance; the one that came last stands last."""

    def to_json(self) -> str:
        """The text to keep."""
        return json.dumps({k: [p.last, p.missing, p.noticed] for k, p in self.instances.items()})

    @classmethod
    def from_json(cls, text: str) -> "SequenceState":
        """Read what `to_json` wrote. Raises `ValueError`."""
        try:
            return cls(
                {
                    key: Progress(last, tuple(missing), tuple(noticed))
                    for key, (last, missing, noticed) in json.loads(text).items()
                }
            )
        except (AttributeError, TypeError) as error:
            raise ValueError("sequence state: expected an object of lists of numbers") from error

    def updated(self, changes: Mapping[str, Progress]) -> "SequenceState":
        """With the progress of some instances, forgetting the oldest beyond the limit."""
        if not changes:
            return self
        kept = {key: value for key, value in self.instances.items() if key not in changes}
        merged = [*kept.items(), *changes.items()]
        return SequenceState(dict(merged[-MAX_INSTANCES:]))


@dataclass(frozen=True, slots=True)
class Judged:
    """What the numbers of one instance in a batch say, in the order they were given."""

    gap: Mask
    """After which a number is missing for good."""
    unbroken: Mask
    """Before which no number is missing."""
    progress: Progress
    """How far the instance has come now."""


def judge(before: Progress, numbers: Numbers, closed: Mask, now: int) -> Judged:
    """Compare the numbers of one instance, one or more, with what was seen before."""
    seen = np.unique(numbers)
    steps = np.concatenate([[before.last], seen[seen > before.last]]).astype(np.int64)
    top = int(steps[-1])
    old, noticed = _awaited(before, seen)
    new = _between(steps, top)
    # Up to the horizon nothing is awaited any more; above it at most REORDER numbers are.
    closing = numbers[closed]
    horizon = max(top - REORDER, int(closing.max()) if len(closing) else 0)
    given_up = (old <= horizon) | (noticed < now - PATIENCE_NS)
    gap = np.isin(numbers, steps[1:][np.diff(steps) > 1][_first_missing(steps) <= horizon])
    if given_up.any():
        gap |= numbers == seen[-1]
    kept_old, kept_new = ~given_up, new > horizon
    missing = np.concatenate([old[kept_old], new[kept_new]])
    times = np.concatenate([noticed[kept_old], np.full(int(kept_new.sum()), now)])
    return Judged(
        gap=gap,
        unbroken=numbers < _broken_from(old, steps),
        progress=Progress(top, tuple(missing.tolist()), tuple(times.tolist())),
    )


def _awaited(before: Progress, seen: Numbers) -> tuple[Numbers, Numbers]:
    """The numbers that were missing and still are, and when that was noticed."""
    missing = np.asarray(before.missing, dtype=np.int64)
    still = ~np.isin(missing, seen)
    return missing[still], np.asarray(before.noticed, dtype=np.int64)[still]


def _first_missing(steps: Numbers) -> Numbers:
    """The first number of each jump."""
    jumps = np.diff(steps) > 1
    first: Numbers = steps[:-1][jumps] + 1
    return first


def _between(steps: Numbers, top: int) -> Numbers:
    """The numbers that were jumped over, as far as they are still awaited."""
    start = max(int(steps[0]), top - REORDER) + 1
    return np.setdiff1d(np.arange(start, top + 1, dtype=np.int64), steps, assume_unique=True)


def _broken_from(awaited: Numbers, steps: Numbers) -> int:
    """The first number that is missing."""
    firsts = np.concatenate([awaited[:1], _first_missing(steps)[:1]])
    return int(firsts.min()) if len(firsts) else np.iinfo(np.int64).max
