"""What a verification found, and what it could not have found."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from enum import StrEnum
from typing import Any


class Verdict(StrEnum):
    """The answer."""

    VALID = "VALID"
    """All of it is what was sealed."""
    INVALID = "INVALID"
    """Something is not."""
    UNVERIFIABLE = "UNVERIFIABLE"
    """Nothing is known to be wrong, but something that is needed to know is not there."""


class Weight(StrEnum):
    """What a problem means for the verdict."""

    INVALID = "INVALID"
    UNVERIFIABLE = "UNVERIFIABLE"
    WARNING = "WARNING"
    """Nothing."""


class Anchored(StrEnum):
    """Where the newest size and root that others keep lie."""

    NONE = "none"
    LOCAL = "local"
    """In files that somebody has saved."""
    EXTERNAL = "external"
    """With somebody else, who proves it."""


class State(StrEnum):
    """What became of the record at an index of a log."""

    PRESENT = "present-ok"
    ERASED_GROUPS = "erased-groups"
    """There, without what was erased."""
    ERASED = "erased"
    """Gone, by an erasure."""
    EXPIRED = "expired"
    """Gone, after its day."""
    EXPIRED_EARLY = "expired-early"
    """Gone before its day, by an entry of the log that says so."""
    MISSING = "MISSING"
    """Gone before its day."""
    ALTERED = "ALTERED"
    """Not what was sealed."""
    UNSEALED = "UNSEALED"
    """Under no checkpoint, or without an entry at all."""
    PRUNED = "pruned"
    """Gone after its day with its whole log."""


@dataclass(frozen=True, slots=True)
class Problem:
    """One thing that is not as it should be."""

    kind: str
    """Which: `record.altered`, `log.truncated` … (docs/verification.md)."""
    weight: Weight
    says: str
    """In one sentence."""
    log: str = ""
    index: int | None = None
    """Place in the log."""
    record_id: str = ""
    """As it stands in the store, if a row of it is there."""


@dataclass(frozen=True, slots=True)
class LogResult:
    """One log."""

    origin: str
    entries: int
    """Entries in the store."""
    size: int
    """Entries under the newest checkpoint that is signed."""
    anchored_size: int
    """Entries under the newest anchor."""
    checkpoints: int
    """Different trees that were signed, each rebuilt."""
    notes: int
    """Signed notes that were verified."""
    signed_at: int
    """Unix seconds of the newest cosignature; 0 if there is none."""
    longest_silence: int
    """Seconds of the longest time between two signatures."""
    first: int
    """Records were recomputed from this index on …"""
    end: int
    """… up to this one."""
    states: Mapping[str, int]
    """How many records of that range are in which state."""


@dataclass(frozen=True, slots=True)
class Population:
    """Over what the verdict is given."""

    since: str
    until: str
    """The window, empty at a side that is open."""
    records: int
    """Records received in the window."""
    recomputed: int
    """Records whose digests were recomputed."""
    dead_letters: int
    """Those that were not stored since, and are not past their day."""
    sequence_gaps: int
    """Records at which the numbers of a sender have a gap."""
    stated_gaps: int
    """Gaps that the logs themselves state."""
    before_sealing: int
    """Records of no log, stored before records were sealed."""
    complete: bool = True
    """Whether all that was received is among the records: false while there are dead letters."""


@dataclass(frozen=True, slots=True)
class Report:
    """The result of a verification."""

    verdict: Verdict
    anchored: Anchored
    keys: str
    """Whose word the keys are."""
    problems: tuple[Problem, ...]
    logs: tuple[LogResult, ...]
    population: Population
    not_excluded: str
    """Which attacks would not show."""
    seconds: float

    def as_dict(self) -> dict[str, Any]:
        """For `--format json`."""
        return asdict(self)

    def states(self) -> dict[str, int]:
        """Records by state, over all logs."""
        return {
            state: count
            for state in State
            if (count := sum(log.states.get(state, 0) for log in self.logs))
        }


def verdict_of(problems: tuple[Problem, ...]) -> Verdict:
    """The heaviest problem decides."""
    weights = {problem.weight for problem in problems}
    if Weight.INVALID in weights:
        return Verdict.INVALID
    return Verdict.UNVERIFIABLE if Weight.UNVERIFIABLE in weights else Verdict.VALID


_BEFORE = "what was lost or invented before it was sealed shows only in gaps of sender's numbers"
_NOT_EXCLUDED: Mapping[Anchored, str] = {
    Anchored.NONE: (
        "not excluded without an anchor outside: the end of a log cut off at an earlier checkpoint "
        "(truncation), everything put back to an older backup (rollback), and records changed and "
        "signed anew by somebody who has the keys (key theft)"
    ),
    Anchored.LOCAL: (
        "local anchor only: truncation, rollback to a backup and key theft are excluded as far as "
        "nobody could change the saved notes, and not for what came after the newest of them"
    ),
    Anchored.EXTERNAL: ("not excluded: truncation, rollback and key theft after the newest anchor"),
}


def not_excluded(anchored: Anchored) -> str:
    """Which attacks a verification with these anchors cannot see."""
    return f"{_NOT_EXCLUDED[anchored]}; {_BEFORE}"
