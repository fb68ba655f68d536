"""The engine holds still while front copies what belongs together: a backup of a running collector.

1. Front asks with `Pause`; it is heard between two segments, when nothing is sealed and not signed.
2. Notes of all that is signed are stored, so that the store has every checkpoint of its entries;
   an embedded store is frozen (`storage/freezing.py`).
3. `Paused` says what was frozen. Nothing in the spool, among batch files and dead letters, or in
   the store is changed until `GoOn` comes, front ends, or has not repeated `Pause` for long.

Requests are taken into the spool meanwhile, as always.
"""

import logging
import queue
from collections.abc import Callable
from dataclasses import dataclass, field

from auditspan.collector.engine.errors import SignerUnavailable
from auditspan.collector.engine.messages import LONGEST_PAUSE, Message, Pause, Paused
from auditspan.collector.engine.sealing import Sealing
from auditspan.storage.engine import Engine
from auditspan.storage.errors import StorageError
from auditspan.storage.freezing import Frozen, freeze

LOG = logging.getLogger("auditspan.collector.engine")

Pauses = queue.SimpleQueue[Pause | None]
"""What front wants: a pause, or None for its end."""


@dataclass(slots=True)
class Pausing:
    """The pauses of one engine."""

    store: Engine
    sealing: Sealing | None
    asked: Pauses
    send: Callable[[Message], None]
    longest: float = field(default=LONGEST_PAUSE)
    """Seconds from one word of front to the next: one that is silent does not stop the pipeline."""

    def tick(self) -> None:
        """Pause if that is asked, until it is over."""
        while not self.asked.empty():
            wanted = self.asked.get()
            if wanted is None:
                continue
            self.send(self._paused(wanted.name))
            try:
                while self.asked.get(timeout=self.longest) is not None:
                    pass  # It is still copying.
            except queue.Empty:
                LOG.warning("front did not end a pause of %g s; the pipeline goes on", self.longest)

    def _paused(self, name: str) -> Paused:
        try:
            if self.sealing is not None:
                self.sealing.notes.flush()
            log, size = self._log()
            if self.store.kind != "embedded":
                return Paused(name, self.store.kind, {}, {}, log, size)
            return _message(freeze(self.store, name), log, size)
        except (StorageError, SignerUnavailable, OSError) as error:
            return Paused(name, self.store.kind, {}, {}, "", 0, refused=str(error))

    def _log(self) -> tuple[str, int]:
        return (self.sealing.log.origin, self.sealing.log.tree.size) if self.sealing else ("", 0)


def _message(frozen: Frozen, log: str, size: int) -> Paused:
    migrations = {str(number): checksum for number, checksum in frozen.migrations.items()}
    return Paused(frozen.name, "embedded", dict(frozen.tables), migrations, log, size)
