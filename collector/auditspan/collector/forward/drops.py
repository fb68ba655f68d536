"""Requests that the queue dropped become a record with a finding, not one for each.

The first one is recorded at once, then what came since every ten minutes while it goes on. A record
that cannot be written now is written later; what a killed process had not recorded yet is in the
metric alone.
"""

import asyncio
import logging
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Final

from auditspan.collector.control.records import ControlRecord, Why, rfc3339
from auditspan.collector.forward.kinds import FORWARD_DROPPED

LOG = logging.getLogger("auditspan.collector.forward")

EVERY_SECONDS: Final = 600.0
_SOON_SECONDS: Final = 10.0


@dataclass(slots=True)
class Drops:
    """What was dropped and is not recorded yet."""

    endpoint: str
    """The backend that does not get it."""
    submit: Callable[[str], Awaitable[None]]
    """Puts a control record into the spool. Raises `Exception` if that cannot be now."""
    now_ns: Callable[[], int] = time.time_ns
    wait: Callable[[float], Awaitable[None]] = asyncio.sleep
    requests: int = 0
    since: int = 0
    """When the first of them was dropped, Unix nanoseconds."""
    _some: asyncio.Event = field(default_factory=asyncio.Event)

    def dropped(self, requests: int) -> None:
        """So many were dropped. Raises nothing."""
        if not self.requests:
            self.since = self.now_ns()
        self.requests += requests
        self._some.set()

    async def keep(self) -> None:
        """Record for ever; run it as a task and cancel it at the end."""
        while True:
            await self._some.wait()
            await self.wait(EVERY_SECONDS if await self.report() else _SOON_SECONDS)

    async def report(self) -> bool:
        """Record what there is; false if that cannot be now."""
        requests, self._some = self.requests, asyncio.Event()
        try:
            await self.submit(self._record(requests).to_json())
        except Exception as error:
            LOG.error("forward: drops are not recorded: %s; it is tried again", error)
            self._some.set()
            return False
        self.requests -= requests
        if self.requests:
            self.since = self.now_ns()
            self._some.set()
        return True

    def _record(self, requests: int) -> ControlRecord:
        return ControlRecord(
            kind=FORWARD_DROPPED,
            at_ns=self.now_ns(),
            why=Why(requested_by="collector"),
            body={"id": self.endpoint, "requests": requests, "since": rfc3339(self.since)},
            findings=(FORWARD_DROPPED,),
        )
