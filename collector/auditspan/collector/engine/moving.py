"""Moves partitions to the cold volume when they are old enough; they can be read as before.

The engine copies in its background, so that nothing waits: what is asked for here is done some time
later, and asked for again if it failed.
"""

import logging
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Final

from auditspan.collector.engine.pacing import Every
from auditspan.storage.cold_volume import POLICY, VOLUME
from auditspan.storage.engine import Engine
from auditspan.storage.errors import StorageError
from auditspan.storage.values import Params

LOG = logging.getLogger("auditspan.collector.engine")

_EVERY_SECONDS: Final = 3600.0
_POLICY: Final = (
    "SELECT storage_policy FROM system.tables "
    "WHERE database = currentDatabase() AND name = 'audit_records'"
)
_OLD: Final = (
    "SELECT DISTINCT partition_id FROM system.parts WHERE database = currentDatabase() "
    "AND table = 'audit_records' AND active AND disk_name != {volume:String} "
    # Partitions of other tables, which have no day, may be looked at before they are left out.
    "AND toDateOrZero(extract(partition, '[0-9]{4}-[0-9]{2}-[0-9]{2}')) <= "
    "toDate(toDateTime({now:Int64}, 'UTC')) - {days:UInt32} ORDER BY partition_id"
)


@dataclass(slots=True)
class Moving:
    """The old partitions of one store."""

    store: Engine
    after_days: int | None
    """None: none is moved."""
    now_ns: Callable[[], int] = time.time_ns
    every: Every = field(default_factory=lambda: Every(_EVERY_SECONDS))

    def tick(self) -> None:
        """Ask for what is due, once an hour."""
        if self.after_days is None or not self.every.is_due():
            return
        try:
            self.run(self.after_days)
        except StorageError as error:
            LOG.error("old records are not moved: %s; it is tried again in an hour", error)

    def run(self, after_days: int) -> int:
        """Ask for every partition that is due; how many."""
        if self.store.raw(_POLICY, "TSVRaw").decode().strip() != POLICY:
            self.store.command(
                f"ALTER TABLE audit_records MODIFY SETTING storage_policy = '{POLICY}'"
            )
        asked: Params = {
            "volume": VOLUME,
            "days": after_days,
            "now": self.now_ns() // 1_000_000_000,
        }
        due = self.store.raw(_OLD, "TSVRaw", asked).decode().split()
        for partition in due:
            self.store.command(
                f"ALTER TABLE audit_records MOVE PARTITION ID '{partition}' TO VOLUME '{VOLUME}' "
                "SETTINGS alter_move_to_space_execute_async = 1"
            )
        return len(due)
