"""Memory goes back to the machine when there is little to do (storage/memory.py)."""

import asyncio
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Final

from auditspan.storage.memory import give_back

_LARGE: Final = 1_000
"""Records of a batch that needs much of it."""
_SECONDS: Final = 60.0


@dataclass(slots=True)
class SpareMemory:
    """Counts the time since it was needed."""

    clock: Callable[[], float] = time.monotonic
    give: Callable[[], None] = give_back
    since: float = field(init=False)

    def __post_init__(self) -> None:
        """What the start needed is of no use any more."""
        self.since = self.clock()

    def tick(self, records: int) -> None:
        """After each batch of so many records, or a pause: give back once a minute of little."""
        now = self.clock()
        if records >= _LARGE:
            self.since = now
        elif now - self.since >= _SECONDS:
            self.since = now
            self.give()

    async def keep(self) -> None:
        """For a process that hears of nothing while there is nothing to do."""
        while True:
            await asyncio.sleep(_SECONDS)
            self.tick(0)
