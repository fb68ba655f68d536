"""What the engine does between two segments, besides storing them.

Each part knows itself when it is due, and tells of what fails, which is tried again. Only a log
that cannot be continued ends the engine: `LogStopped`.
"""

import logging
from dataclasses import dataclass
from typing import Self

from auditspan.collector.engine.config import EngineConfig
from auditspan.collector.engine.dead_files import DeadFiles
from auditspan.collector.engine.erasing import Erasing
from auditspan.collector.engine.errors import SignerUnavailable
from auditspan.collector.engine.expiring import Expiring
from auditspan.collector.engine.holding import Holding
from auditspan.collector.engine.moving import Moving
from auditspan.collector.engine.old_batches import OldBatches
from auditspan.collector.engine.pausing import Pausing
from auditspan.collector.engine.sealing import Sealing
from auditspan.collector.engine.segments import Segments, Stored
from auditspan.collector.spare_memory import SpareMemory
from auditspan.storage.errors import StorageError

LOG = logging.getLogger("auditspan.collector.engine")


@dataclass(frozen=True, slots=True)
class Housekeeping:
    """All of it, in the order in which it is done."""

    pausing: Pausing
    sealing: Sealing | None
    holding: Holding
    erasing: Erasing
    expiring: Expiring
    dead: DeadFiles
    moving: Moving
    old: OldBatches
    spare: SpareMemory

    @classmethod
    def of(cls, segments: Segments, config: EngineConfig, instance: str, pausing: Pausing) -> Self:
        """That of one engine; `instance` is the collector's id."""
        data, store, cold = segments.data, segments.store, config.storage.cold
        return cls(
            pausing,
            segments.sealing,
            Holding(data.folder("registry"), store, instance),
            Erasing(data, store, segments.sealing is not None, instance),
            Expiring(data, store, instance),
            DeadFiles(data, store),
            Moving(store, cold.after_days if cold else None),
            OldBatches(data, config.batch_hold_seconds),
            SpareMemory(),
        )

    def tick(self, stored: Stored | None) -> None:
        """Do what is due, after a segment or, with None, while there is none."""
        asked = stored is not None and stored.may_ask
        self.pausing.tick()
        _keep_log(self.sealing)
        self.holding.tick()
        self.erasing.tick(asked=asked)
        self.expiring.tick(asked=asked)
        self.dead.tick(asked=asked)
        self.moving.tick()
        self.old.tick()
        self.spare.tick(stored.records if stored else 0)

    def end(self) -> None:
        """Do what may not wait for the next engine."""
        _keep_log(self.sealing, last=True)


def _keep_log(sealing: Sealing | None, *, last: bool = False) -> None:
    """Do what the log needs besides batches; what fails now is due the next time as well."""
    if sealing is None:
        return
    try:
        if last:
            sealing.notes.flush()
        else:
            sealing.tick()
    except (StorageError, SignerUnavailable, OSError) as error:
        LOG.warning("the log was not signed, or its notes not stored: %s", error)
