"""What every control needs: one change at a time, each in the spool before it is in force."""

import asyncio
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field

from auditspan.collector.control.errors import ControlUnavailable
from auditspan.collector.control.records import ControlRecord
from auditspan.collector.control.versions import Versions
from auditspan.registry import Registry

Submit = Callable[[str], Awaitable[None]]
"""Puts the JSON of a control record into the spool; returns when it is durable."""


@dataclass(slots=True)
class Journal:
    """Writes control records in order."""

    versions: Versions
    """The versions of the registry."""
    submit: Submit
    """Makes a record durable."""
    now_ns: Callable[[], int] = time.time_ns
    """The clock."""
    one: asyncio.Lock = field(default_factory=asyncio.Lock)
    """Held by whoever changes something."""

    async def write(self, record: ControlRecord) -> None:
        """Return once the record is durable. Raises what `submit` raises."""
        await self.submit(record.to_json())

    def check(self) -> None:
        """Before the record of what comes into force: whether it can. Raises ControlUnavailable."""
        try:
            self.versions.check()
        except OSError as error:
            raise ControlUnavailable(
                f"registry {self.versions.folder}: {error.strerror}: nothing changed; make the "
                "folder writable for the collector"
            ) from error

    def registry(self) -> Registry | None:
        """The registry in force, None before the first."""
        current = self.versions.current()
        return current.registry() if current else None

    def next_ns(self) -> int:
        """Now, but after every version before it: a clock set back must not reorder history."""
        records = self.versions.records()
        return max(self.now_ns(), records[-1].at_ns + 1 if records else 0)
