"""Entries of a log that are no records: what they say of records, and whether they say it still.

| kind | body | says |
|---|---|---|
| erase | `{"log", "index" or "record", "groups"}`, or these in `records` | groups, or `*`, are erased |
| early expiry | `{"log", "first", "end"}` | records of these indices went before their day |
| gap | any | something is missing, and the log says so |
| log open | `{"unsealed_records"}` | how many records of no log were there |
"""

import json
from collections import Counter, defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any, Final

from auditspan.integrity.control_entry import Kind
from auditspan.reports.verification.asking import Ask, chunks, rows
from auditspan.reports.verification.report import Problem, Weight

ALL: Final = "*"
"""In place of a group: the whole record."""

_CHUNK: Final = 1_000_000


@dataclass(slots=True)
class Said:
    """What verified entries of all logs say."""

    kinds: Counter[int] = field(default_factory=Counter)
    by_index: dict[tuple[str, int], set[str]] = field(default_factory=lambda: defaultdict(set))
    by_record: dict[str, set[str]] = field(default_factory=lambda: defaultdict(set))
    early: list[tuple[str, int, int]] = field(default_factory=list)
    unsealed: int = 0
    """Records that were there before a log, and are in none."""

    def erased(self, log: str, index: int, record: str) -> set[str]:
        """Which groups of a record were erased."""
        return self.by_index.get((log, index), set()) | self.by_record.get(record, set())

    def expired_early(self, log: str, index: int) -> bool:
        """Whether a record was let go before its day."""
        return any(log == name and first <= index < end for name, first, end in self.early)

    def take(self, log: str, kind: int, body: str) -> None:
        """Learn from one entry."""
        self.kinds[kind] += 1
        if kind == Kind.LOG_OPEN:
            for said in _parts(body):
                count = said.get("unsealed_records")
                self.unsealed = max(self.unsealed, count if isinstance(count, int) else 0)
        if kind == Kind.ERASE:
            for said in _parts(body):
                self._erase(log, said)
        if kind == Kind.EARLY_EXPIRY:
            for said in _parts(body):
                first, end = said.get("first"), said.get("end")
                if isinstance(first, int) and isinstance(end, int):
                    self.early.append((str(said.get("log", log)), first, end))

    def _erase(self, log: str, said: dict[str, Any]) -> None:
        groups = said.get("groups")
        if not isinstance(groups, list):
            return
        names = {str(group) for group in groups}
        if isinstance(said.get("index"), int):
            self.by_index[str(said.get("log", log)), said["index"]] |= names
        if isinstance(said.get("record"), str) and said["record"]:
            self.by_record[said["record"]] |= names


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


def _parts(body: str) -> Iterator[dict[str, Any]]:
    try:
        said = json.loads(body)
    except ValueError:
        return
    if not isinstance(said, dict):
        return
    yield said
    records = said.get("records")
    for part in records if isinstance(records, list) else []:
        if isinstance(part, dict):
            yield {"groups": said.get("groups"), **part}
