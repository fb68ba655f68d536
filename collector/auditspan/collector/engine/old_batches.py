"""Batch files that the store has held for long enough go, and their seals.

They are held as long as the engine may lose parts that are not surely on disk, from the moment at
which they were stored.
"""

import logging
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Final

from auditspan.collector.data_dir import DataDir
from auditspan.collector.engine.pacing import Every
from auditspan.collector.engine.sealing import SUFFIX

LOG = logging.getLogger("auditspan.collector.engine")

_EVERY_SECONDS: Final = 10.0


@dataclass(slots=True)
class OldBatches:
    """The batch files of one data folder."""

    data: DataDir
    hold_seconds: float
    now_ns: Callable[[], int] = time.time_ns
    every: Every = field(default_factory=lambda: Every(_EVERY_SECONDS))

    def tick(self) -> None:
        """Do what is due, now and then."""
        if not self.every.is_due():
            return
        try:
            self.run()
        except OSError as error:
            LOG.error("old batch files are left: %s; it is tried again", error)

    def run(self) -> int:
        """Delete what is old and has no segment any more; how many files."""
        oldest, count = self.now_ns() / 1e9 - self.hold_seconds, 0
        folder, spool = self.data.folder("batches"), self.data.folder("spool")
        for path in (*folder.glob("*.arrow"), *folder.glob(f"*{SUFFIX}")):
            if path.stat().st_mtime < oldest and not (spool / f"{path.stem}.seg").exists():
                path.unlink()
                count += 1
        return count
