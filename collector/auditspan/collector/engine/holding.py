"""Marks the records that a hold keeps, so that their day of expiry does not count.

What is marked is made anew from the holds that are in force: when one is placed or released, at the
start, and now and then for records that came since, of which none expires within a day. Ids of held
records go into a table that the mutation reads, so that its text names nobody.

Of several collectors on one store each lists what its own holds keep, and a record is marked if any
of them keeps it.
"""

import logging
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from auditspan.collector.control.errors import ControlError
from auditspan.collector.control.holds_files import Hold, HoldFiles
from auditspan.storage.engine import Engine
from auditspan.storage.errors import StorageError
from auditspan.storage.render import Target

LOG = logging.getLogger("auditspan.collector.engine")

_EVERY_SECONDS: Final = 600.0
_RETRY_SECONDS: Final = 10.0


@dataclass(slots=True)
class Holding:
    """The holds of one store."""

    registry: Path
    store: Engine
    instance: str = ""
    """The collector's id."""
    now_ns: Callable[[], int] = time.time_ns
    seen: tuple[tuple[str, int], ...] = field(default=())
    """Files and their times, as they were applied."""
    again_at: float = field(default=0.0)

    def tick(self) -> None:
        """Apply the holds if they changed, or it is long ago."""
        files = self._files()
        if files == self.seen and (not files or time.monotonic() < self.again_at):
            return
        try:
            self.apply()
        except (StorageError, ControlError, OSError) as error:
            LOG.error("holds are not applied: %s; it is tried again", error)
            self.seen, self.again_at = files, time.monotonic() + _RETRY_SECONDS
            return
        self.seen, self.again_at = files, time.monotonic() + _EVERY_SECONDS

    def apply(self) -> int:
        """Mark what is held and nothing else; how many marks were wrong."""
        run = self.now_ns()
        target = Target.of(self.store)
        records, held = target.table("audit_records"), target.table("held_records")
        for hold in HoldFiles(self.registry).all():
            if hold.is_open:
                self._list(hold, run, held)
        mine = f"Instance IN ('', '{self.instance}')"
        listed = f"SELECT RecordId FROM {held} WHERE Run = {run} OR NOT {mine}"  # noqa: S608 (ours)
        mark = f"toUInt8(RecordId IN ({listed}))"
        count = int(self.store.raw(f"SELECT count() FROM {records} WHERE Held != {mark}", "TSV"))  # noqa: S608
        if count:
            self.store.command(
                f"ALTER TABLE {records} UPDATE Held = {mark} WHERE Held != {mark} "
                "SETTINGS mutations_sync = 2"
            )
        self.store.command(
            f"ALTER TABLE {held} DELETE WHERE {mine} AND Run != {run} SETTINGS mutations_sync = 2"
        )
        return count

    def _list(self, hold: Hold, run: int, held: str) -> None:
        condition, params = hold.filter.condition()
        self.store.command(
            f"INSERT INTO {held} (Instance, Run, RecordId) "  # noqa: S608 (names of ours)
            f"SELECT '{self.instance}', {run}, RecordId FROM audit_records WHERE {condition}",
            params,
        )

    def _files(self) -> tuple[tuple[str, int], ...]:
        folder = HoldFiles(self.registry).folder
        return tuple(sorted((path.name, path.stat().st_mtime_ns) for path in folder.glob("*.json")))
