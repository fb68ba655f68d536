"""Files of dead letters go when their letter is stored after all, and on their day of expiry.

Their gaps stay in the log, and say when that was to be. Done again it finds nothing more.
"""

import logging
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Final

from auditspan.collector import letters
from auditspan.collector.control.errors import ControlError
from auditspan.collector.control.holds_files import HoldFiles
from auditspan.collector.data_dir import DataDir
from auditspan.collector.engine.pacing import Every
from auditspan.collector.engine.sealed_requests import in_spool
from auditspan.collector.letters import Letter
from auditspan.storage.engine import Engine
from auditspan.storage.errors import StorageError

LOG = logging.getLogger("auditspan.collector.engine")

_EVERY_SECONDS: Final = 600.0
_DAY: Final = 86_400 * 10**9
_ENDED: Final = (
    "SELECT LetterId, BatchId FROM dead_letter_ends WHERE LetterId IN {ids:Array(String)}"
)


@dataclass(slots=True)
class DeadFiles:
    """The files of one data folder."""

    data: DataDir
    store: Engine
    now_ns: Callable[[], int] = time.time_ns
    every: Every = field(default_factory=lambda: Every(_EVERY_SECONDS))

    def tick(self, *, asked: bool) -> None:
        """Do what is due: after a batch that may have ended some, and now and then."""
        if not self.every.is_due(asked=asked):
            return
        try:
            self.run()
        except (StorageError, ControlError, OSError) as error:
            LOG.error("files of dead letters are left: %s; it is tried again", error)

    def run(self) -> int:
        """Delete what is not needed any more; how many letters."""
        folder = self.data.folder(letters.FOLDER)
        held = {letter.id: letter for letter in letters.all_of(folder)}
        if not held:
            return 0
        today = self.now_ns() // _DAY
        past = {id: each for id, each in held.items() if 0 < each.expires_on <= today}
        gone = set(past) - self._on_hold(past)
        for row in self.store.arrow(_ENDED, {"ids": sorted(held)}).to_pylist():
            # A row is written before its batch is sealed: with the segment there it may not be.
            if not in_spool(self.data, row["BatchId"]):
                gone.add(row["LetterId"])
        for id in gone:
            letters.remove(folder, id)
        return len(gone)

    def _on_hold(self, found: Mapping[str, Letter]) -> set[str]:
        """Those in which a record may be that is on hold. Raises `ControlError`.

        Of a letter hardly more than the sender is known, and not always that: each hold keeps it
        that names no other sender.
        """
        holds = HoldFiles(self.data.folder("registry")).all()
        senders = {hold.filter.equal.get("principal", "") for hold in holds if hold.is_open}
        return {
            id
            for id, letter in found.items()
            if senders and (not letter.principal_id or senders & {"", letter.principal_id})
        }
