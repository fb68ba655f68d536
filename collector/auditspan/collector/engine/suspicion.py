"""A batch that ends the engine, or that the store refuses for good, holds up nothing but itself.

1. Two processes ended in the same step of a batch (`attempts.py`), or the store has refused it
   three times for what is in it: it is taken back (`undoing.py`) and into parts (`bisecting.py`).
2. A part that does it again, once, is taken apart in turn; the others are stored meanwhile.
3. What is a single span is tried in a process of its own (`trial.py`), and put aside if two trials
   in a row find it guilty. Somebody who kills the engine, or a store that is away, so gets smaller
   batches and nothing else.
   A batch that the memory does not suffice for three times is taken apart too, and never put aside.
4. A single span that trials find innocent is processed after all. Only when six processes ended at
   it, all in one step, it is put aside without a proof: else nothing behind it were ever stored.
"""

import logging
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from auditspan.collector.engine.attempts import GUILTY, Attempts
from auditspan.collector.engine.bisecting import bisect
from auditspan.collector.engine.segments import Segments, Stored
from auditspan.collector.engine.trial import Outcome
from auditspan.collector.engine.undoing import undo
from auditspan.storage.errors import StatementRefused

LOG = logging.getLogger("auditspan.collector.engine")

MOST_DEATHS: Final = 6
_REFUSALS: Final = 3
_NOT_ITS_FAULT: Final = frozenset({60, 81, 164, 192, 193, 194, 195, 497, 516})
"""Codes of the store: unknown table or database, read-only, users, passwords, rights."""
_MEMORY: Final = 241
"""Code of the store: over its memory limit."""
Try = Callable[[Path], Outcome]


@dataclass(slots=True)
class Suspicion:
    """Stands in front of the segments."""

    segments: Segments
    attempts: Attempts
    trial: Try
    refused: Counter[str] = field(default_factory=Counter)
    """How often the store has refused a batch for good."""

    def process(self, segment: Path) -> Stored:
        """As `Segments.process`, whose errors it raises."""
        batch_id = segment.name.removesuffix(".seg")
        if not self._is_guilty(batch_id):
            return self._processed(segment, batch_id)
        self.attempts.accuse(batch_id)
        if not undo(self.segments, batch_id):
            # It is signed, and so it is in the store.
            return self._processed(segment, batch_id)
        if parts := bisect(segment):
            LOG.warning("batch %s is taken into %d parts: %s", batch_id, parts, self._why())
            del self.refused[batch_id]
            return Stored(batch_id, 0, 0, 0, 0)
        return self._processed(segment, batch_id, self._condemned(segment, batch_id))

    def _is_guilty(self, batch_id: str) -> bool:
        again = self.attempts.is_suspect(batch_id)
        deaths, refusals = self.attempts.most_deaths(batch_id), self.refused[batch_id]
        return deaths >= (1 if again else GUILTY) or refusals >= (1 if again else _REFUSALS)

    def _processed(self, segment: Path, batch_id: str, condemned: str = "") -> Stored:
        try:
            stored = self.segments.process(segment, condemned)
        except Exception as error:
            self.refused[batch_id] += _is_about_it(error)
            self.attempts.rest()
            raise
        self.attempts.leave()
        del self.refused[batch_id]
        return stored

    def _condemned(self, segment: Path, batch_id: str) -> str:
        """Why a single span is put aside; empty if it is not."""
        found = self.trial(segment)
        if found.guilty:
            found = self.trial(segment)
        if found.guilty:
            return found.says
        deaths = self.attempts.most_deaths(batch_id)
        if deaths >= MOST_DEATHS:
            return f"{deaths} engines ended in the step {self.attempts.worst_step()}"
        LOG.warning("batch %s is not at fault, as far as can be tried: %s", batch_id, found.says)
        # Others come before it is tried again.
        del self.refused[batch_id]
        return ""

    def _why(self) -> str:
        step = self.attempts.worst_step()
        return f"engines ended in the step {step}" if step else "it could not be stored"


def _is_about_it(error: Exception) -> bool:
    """Whether smaller batches may get on better."""
    if isinstance(error, StatementRefused):
        return error.code not in _NOT_ITS_FAULT
    return isinstance(error, MemoryError) or getattr(error, "code", 0) == _MEMORY
