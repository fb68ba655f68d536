"""What nobody answered by the due date becomes a finding, once for each campaign and item.

At the start and then every hour, for each campaign past its due date:
1. Items that are answered (as the files or the store say) or that give no access any more are left.
2. The records of the others are kept in the campaign's file, word for word, before they are
   submitted.
3. Each goes into the spool; then the file says so.
After a crash between 2 and 3 each record is looked for, by the digest of its text, in the spool and
then in the store, and is submitted only if it is in neither.
"""

import asyncio
import contextlib
import hashlib
import logging
from collections.abc import Awaitable, Callable, Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from auditspan.collector.control.campaigns import (
    Campaign,
    Campaigns,
    Item,
    Overdue,
    names_of_items,
)
from auditspan.collector.control.human_kinds import RECERTIFICATION_OVERDUE
from auditspan.collector.control.journal import Journal
from auditspan.collector.control.recertify import body_about
from auditspan.collector.control.records import ControlRecord, Why
from auditspan.collector.errors import CollectorError
from auditspan.collector.front.refusals import Refusal
from auditspan.collector.query.lookups import Lookup
from auditspan.registry import RegistryError
from auditspan.wire.envelope import CONTROL
from auditspan.wire.errors import FrameInvalid, WireError
from auditspan.wire.segments import CLOSED, OPEN, read_frames, segments

LOG = logging.getLogger("auditspan.collector.control")

FINDING: Final = "recertification.overdue"
EVERY_SECONDS: Final = 3600.0
SOON_SECONDS: Final = 30.0
"""Longest time before the next try when the store did not answer, or the spool took nothing; the
first is after a second, as at the start the engine answers a little later than the front."""
_NOT_NOW: Final = (CollectorError, WireError, Refusal, RegistryError, OSError)

Wait = Callable[[float], Awaitable[None]]
"""Returns after so many seconds, or earlier when there is something to look at."""


@dataclass(frozen=True, slots=True)
class Alarm:
    """Waits for a time or a ring, whichever comes first."""

    _rung: asyncio.Event = field(default_factory=asyncio.Event)

    def ring(self) -> None:
        """End the wait."""
        self._rung.set()

    async def wait(self, seconds: float) -> None:
        """Return after so many seconds or at a ring, also one since the last wait."""
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(self._rung.wait(), seconds)
        self._rung.clear()


@dataclass(frozen=True, slots=True)
class OverdueCheck:
    """Finds what is overdue."""

    journal: Journal
    campaigns: Campaigns
    lookup: Lookup
    spool: Path
    wait: Wait = asyncio.sleep

    async def keep_checking(self) -> None:
        """Check now and every hour, for ever; run it as a task and cancel it at the end."""
        soon = 1.0
        while True:
            if await self._checked():
                soon, pause = 1.0, self._until_next()
            else:
                soon, pause = min(2 * soon, SOON_SECONDS), soon
            await self.wait(pause)

    async def _checked(self) -> bool:
        """Whether it could be checked."""
        try:
            found = await self.check()
        except _NOT_NOW as error:
            LOG.warning("overdue recertifications are looked for again soon: %s", error)
            return False
        if found:
            LOG.warning("%d agents and grants were not recertified in time: see `auditspan "
                        "recertify status`", found)  # fmt: skip
        return True

    async def check(self) -> int:
        """Record what is overdue; how many records that were."""
        async with self.journal.one:
            now = self.journal.now_ns()
            past = [one for one in self.campaigns.all() if one.due_at_ns <= now]
            return sum([await self._campaign(campaign, now) for campaign in past])

    async def _campaign(self, campaign: Campaign, now: int) -> int:
        unwritten = {name: found for name, found in campaign.overdue.items() if not found.written}
        known = await self._on_disk(unwritten.values()) if unwritten else frozenset()
        fresh = await self._fresh(campaign, now)
        if fresh:
            campaign = campaign.with_overdue(fresh)
            self.campaigns.store(campaign)
        due = unwritten | fresh
        missing = [found for found in due.values() if _digest(found.record) not in known]
        for found in missing:
            await self.journal.submit(found.record)
        if due:
            written = {name: Overdue(record=one.record, written=True) for name, one in due.items()}
            self.campaigns.store(campaign.with_overdue(written))
        return len(missing)

    async def _fresh(self, campaign: Campaign, now: int) -> dict[str, Overdue]:
        """1. What is overdue and not kept yet."""
        done = campaign.answers.keys() | campaign.overdue.keys()
        access = names_of_items(self.journal.registry(), now)
        left = [i for i in campaign.items if i.item not in done and i.item in access]
        if not left:
            return {}
        # An answer may be in the trail though a crash kept it out of the file.
        said = await self.lookup.answered_items(campaign.id)
        return {
            item.item: Overdue(record=_record(campaign, item, now).to_json(), written=False)
            for item in left
            if item.item not in said
        }

    async def _on_disk(self, found: Iterable[Overdue]) -> frozenset[str]:
        """The digests of those that are in the spool or in the store; in this order, since a
        record leaves the spool when it is in the store."""
        digests = frozenset(_digest(one.record) for one in found)
        spooled = digests & await asyncio.to_thread(_spooled, self.spool)
        return spooled | await self.lookup.stored_controls(digests - spooled)

    def _until_next(self) -> float:
        """An hour, or until the next due date."""
        now = self.journal.now_ns()
        coming = [c.due_at_ns for c in self.campaigns.all() if c.due_at_ns > now]
        return min([EVERY_SECONDS, *((due - now) / 1e9 + 1.0 for due in coming)])


def _record(campaign: Campaign, item: Item, now: int) -> ControlRecord:
    return ControlRecord(
        kind=RECERTIFICATION_OVERDUE,
        at_ns=now,
        why=Why(requested_by="collector"),
        body=body_about(campaign, item),
        findings=(FINDING,),
    )


def _digest(text: str) -> str:
    return f"sha256:{hashlib.sha256(text.encode()).hexdigest()}"


def _spooled(folder: Path) -> frozenset[str]:
    """The digests of all control records in the spool."""
    paths = [*segments(folder, CLOSED), *segments(folder, OPEN)]
    return frozenset(digest for path in paths for digest in _controls(path))


def _controls(path: Path) -> Iterator[str]:
    try:
        for _, envelope in read_frames(path):
            if envelope.kind == CONTROL:
                yield envelope.request_digest
    except (FrameInvalid, FileNotFoundError):
        # The last frame is being written, or the segment has been stored meanwhile.
        return
