"""How far the logs of a store reach, at the beginning and when they are verified: 1 of `run.py`.

A collector that runs is waited for, until what was signed is in the store.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from auditspan.integrity.checkpoint import checkpoint_of
from auditspan.integrity.errors import IntegrityError
from auditspan.reports.verification.asking import Ask, rows
from auditspan.reports.verification.bodies import read_bodies
from auditspan.reports.verification.inputs import Inputs


@dataclass(slots=True)
class Extents:
    """How far logs reach."""

    ask: Ask
    given: Inputs
    seen: dict[str, int] = field(default_factory=dict)
    """How far they reached at the beginning."""
    ends: dict[str, int] = field(default_factory=dict)
    """How far they reach now."""
    counts: dict[str, int] = field(default_factory=dict)
    """Entries that are there."""

    def begin(self) -> None:
        """Read how far logs reach at the beginning."""
        self.seen = {row["LogId"]: row["End"] for row in rows(self.ask, "logs")}

    def catch_up(self, notes: Iterable[bytes]) -> None:
        """Read how far everything reaches now, as far as these notes if somebody is waited for."""
        self._reach(self._caught_up(notes))

    def reread(self, origin: str) -> None:
        """Read how far one log reaches by now."""
        self._reach(row for row in rows(self.ask, "logs") if row["LogId"] == origin)

    def _reach(self, found: Iterable[dict[str, Any]]) -> None:
        """Take in how far logs reach."""
        for row in found:
            self.ends[row["LogId"]], self.counts[row["LogId"]] = row["End"], row["Entries"]

    def _caught_up(self, notes: Iterable[bytes]) -> list[dict[str, Any]]:
        """How far the logs reach, once the newest notes are covered or the patience is at an end.

        A collector that runs has a note, and entries of a log that is new, some seconds before the
        entries of its root log are rows.
        """
        signed = _signed(notes)
        for receipt in self.given.receipts:
            signed[receipt.origin] = max(receipt.size, signed.get(receipt.origin, 0))
        found = rows(self.ask, "logs")
        for _ in range(self.given.patience):
            ends = {row["LogId"]: row["End"] for row in found}
            covered = all(ends.get(origin, 0) >= size for origin, size in signed.items())
            if covered and self._all_named(ends):
                break
            self.given.settle()
            found = rows(self.ask, "logs")
        return found

    def _all_named(self, ends: Mapping[str, int]) -> bool:
        """Whether the root logs have the keys of all logs; without a root log nobody says."""
        trust, roots = self.given.trust, self.given.trust.roots
        for origin in roots:
            bodies, _ = read_bodies(self.ask, origin, ends.get(origin, 0))
            trust = trust.with_root([(kind, body) for _, kind, body in bodies])
        return not roots or all(trust.knows(origin) for origin in ends)


def _signed(notes: Iterable[bytes]) -> dict[str, int]:
    """The largest size that notes say of each log."""
    sizes: dict[str, int] = {}
    for note in notes:
        try:
            said = checkpoint_of(note)
        except IntegrityError:
            continue
        sizes[said.origin] = max(said.size, sizes.get(said.origin, 0))
    return sizes
