"""Entries of a log that are no records: what they say of records, and whether they say it still.

| kind | body | says |
|---|---|---|
| erase | `{"erased": [{"log", "index", "groups"}]}` | groups are erased, or all (`*`) |
| early expiry | `{"expired": [{"log", "start", "end"}]}` | these went before their day |
| gap | any | something is missing, and the log says so; of dead letters see `dead_letters.py` |
| log open | `{"unsealed_records"}` | how many records of no log were there |
"""

import json
from bisect import bisect_right
from collections import Counter, defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any, Final

from auditspan.integrity.control_entry import Kind
from auditspan.reports.verification.asking import Ask, chunks, rows
from auditspan.reports.verification.dead_letters import DeadLetters
from auditspan.reports.verification.report import Problem, Weight

ALL: Final = "*"
"""In place of a group: the whole record."""

_CHUNK: Final = 1_000_000


@dataclass(slots=True)
class Said:
    """What verified entries of all logs say."""

    kinds: Counter[int] = field(default_factory=Counter)
    by_index: dict[tuple[str, int], set[str]] = field(default_factory=lambda: defaultdict(set))
    early: dict[str, list[tuple[int, int]]] = field(default_factory=lambda: defaultdict(list))
    """By log: ranges of records that were let go before their day, in order and apart."""
    unsealed: int = 0
    """Records that were there before a log, and are in none."""
    dead: DeadLetters = field(default_factory=DeadLetters)

    def gaps(self) -> int:
        """Gaps that the logs state, without those that were closed since."""
        return self.kinds[Kind.GAP] - self.dead.closed_gaps()

    def erased(self, log: str, index: int) -> set[str]:
        """Which groups of a record were erased."""
        return self.by_index.get((log, index), set())

    def expired_early(self, log: str, index: int) -> bool:
        """Whether a record was let go before its day."""
        ranges = self.early.get(log, [])
        at = bisect_right(ranges, index, key=lambda each: each[0])
        return at > 0 and index < ranges[at - 1][1]

    def take(self, kind: int, body: str) -> None:
        """Learn from one entry."""
        self.kinds[kind] += 1
        said = _object(body)
        if kind == Kind.LOG_OPEN:
            self.unsealed = max(self.unsealed, _number(said.get("unsealed_records")))
        if kind == Kind.ERASE:
            for part in _parts(said.get("erased")):
                groups = part.get("groups")
                if isinstance(groups, list):
                    place = str(part.get("log")), _number(part.get("index"))
                    self.by_index[place] |= {str(group) for group in groups}
        if kind == Kind.GAP:
            self.dead.take(said)
        if kind == Kind.EARLY_EXPIRY:
            for part in _parts(said.get("expired")):
                ends = _number(part.get("start")), _number(part.get("end"))
                self.early[str(part.get("log"))].append(ends)
            for log, ranges in self.early.items():
                self.early[log] = _merged(ranges)


def read_bodies(ask: Ask, log: str, end: int) -> tuple[list[tuple[int, int, str]], list[Problem]]:
    """Index, kind and body of the entries that are no records nor checkpoints, below `end`.

    A body that is not the one that was sealed is a problem, and is not among them.
    """
    bodies, problems = [], []
    for first, after in chunks(0, end, _CHUNK):
        for row in rows(ask, "bodies", log=log, first=first, end=after):
            if row["Same"]:
                bodies.append((row["LogIndex"], row["Kind"], row["Body"]))
                continue
            what = "is missing" if not row["Bodies"] else "is not the one that was sealed"
            says = f"the body of this entry of kind {row['Kind']:#04x} {what}"
            problems.append(Problem("entry.altered", Weight.INVALID, says, log, row["LogIndex"]))
    return bodies, problems


def _merged(ranges: list[tuple[int, int]]) -> list[tuple[int, int]]:
    merged: list[tuple[int, int]] = []
    for start, end in sorted(each for each in ranges if each[0] < each[1]):
        if merged and start <= merged[-1][1]:
            start, end = merged[-1][0], max(merged.pop()[1], end)
        merged.append((start, end))
    return merged


def _object(body: str) -> dict[str, Any]:
    try:
        said = json.loads(body)
    except ValueError:
        return {}
    return said if isinstance(said, dict) else {}


def _parts(value: object) -> Iterator[dict[str, Any]]:
    for part in value if isinstance(value, list) else []:
        if isinstance(part, dict):
            yield part


def _number(value: object) -> int:
    return value if isinstance(value, int) else -1
