"""Keeps one anchor up to date: its cadence, its retries, its receipts, and what it missed.

Each round:
1. If twice the cadence has gone by without all being anchored, that is recorded, once: the control
   record `anchor.missed` with the finding of that name. A restart does not begin to count anew.
2. What was signed newest and is not anchored yet is shown to the anchor.
3. Its receipt is on disk, then the state, then `anchor.resumed` is recorded if 1 was.

Nothing waits for a keeper. Records of 1 and 3 are written at least once: a crash may repeat them.
"""

import asyncio
import logging
import random
import time
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from pydantic import JsonValue

from auditspan.collector.anchors.anchor import Anchor
from auditspan.collector.anchors.errors import AnchorRefused, AnchorUnavailable
from auditspan.collector.anchors.kinds import ANCHOR_MISSED, ANCHOR_RESUMED
from auditspan.collector.anchors.receipts import add_receipt
from auditspan.collector.anchors.state import State, Tree, read_state, write_state
from auditspan.collector.control.records import ControlRecord, Why, rfc3339
from auditspan.integrity.checkpoint import Checkpoint, checkpoint_of

LOG = logging.getLogger("auditspan.collector.anchors")

SOON_SECONDS: Final = 5.0
"""Before the first retry, and while nothing is signed yet."""
STOP_SECONDS: Final = 2.0
"""What a stop waits for a round that is under way."""
_LONGEST: Final = 600.0


@dataclass(slots=True)
class Keeper:
    """The keeper of one anchor."""

    anchor: Anchor
    folder: Path
    """`data/anchors/<name>`."""
    notes: Callable[[], list[bytes]]
    """What is signed newest."""
    submit: Callable[[str], Awaitable[None]]
    """Makes a control record durable."""
    failed: Callable[[], None] = lambda: None
    """Counts a try without success."""
    timeout: float = 20.0
    now: Callable[[], float] = time.time
    wait: Callable[[float], Awaitable[None]] = asyncio.sleep
    jitter: Callable[[], float] = random.random
    state: State = field(init=False)
    prepared: bool = False

    def __post_init__(self) -> None:
        self.state = read_state(self.folder) or State(since=self.now())

    async def prepare(self) -> None:
        """Before anything is anchored. Raises `AnchorUnusable`: then nothing should start.

        Whatever else is wrong may pass, and requests are taken meanwhile.
        """
        try:
            async with asyncio.timeout(min(self.timeout, SOON_SECONDS)):
                await self.anchor.prepare()
        except (AnchorUnavailable, AnchorRefused, TimeoutError) as error:
            LOG.warning("anchor %s is looked at again soon: %s", self.anchor.name, error)
        else:
            self.prepared = True

    async def keep(self) -> None:
        """Go on for ever; run it as a task and cancel it at the end."""
        self._remember(self.state)
        await self.wait(self._until_next())
        while True:
            await self.wait(await self._whole_round())

    def lag(self) -> float:
        """Seconds since all that was signed was anchored."""
        return max(self.now() - self.state.since, 0.0)

    async def round(self) -> float:
        """One try; how long until the next."""
        try:
            await self._record_missed()
            if not await self._anchor_all():
                return min(SOON_SECONDS, self.anchor.cadence)
        except Exception as error:
            # Anchors are other people's machines: whatever comes of one must not end its keeper.
            return self._failed(error)
        return self._until_next()

    async def _whole_round(self) -> float:
        """A round that a stop gives time to end: what an anchor has gets its receipt here."""
        going = asyncio.create_task(self.round())
        try:
            return await asyncio.shield(going)
        except asyncio.CancelledError:
            await asyncio.wait([going], timeout=STOP_SECONDS)
            going.cancel()
            raise

    async def _record_missed(self) -> None:
        if self.state.missed or self.lag() <= 2 * self.anchor.cadence:
            return
        await self.submit(self._record(ANCHOR_MISSED, (ANCHOR_MISSED,)).to_json())
        self._remember(self.state.model_copy(update={"missed": True}))
        LOG.error("anchor %s: nothing was anchored since %s", self.anchor.name, self._since())

    async def _anchor_all(self) -> bool:
        """Whether there was anything signed."""
        began = self.now()
        notes = await asyncio.to_thread(self.notes)
        async with asyncio.timeout(self.timeout):
            if not self.prepared:
                await self.anchor.prepare()
                self.prepared = True
            for note in notes:
                await self._anchor(note)
        if notes and self.state.missed:
            await self.submit(self._record(ANCHOR_RESUMED, ()).to_json())
            LOG.warning("anchor %s goes on", self.anchor.name)
        if notes or not self.state.trees:
            # While nothing was ever signed, all of it is anchored.
            self._remember(self.state.done(began))
        return bool(notes)

    async def _anchor(self, note: bytes) -> None:
        at = checkpoint_of(note)
        tree = Tree(size=at.size, root=at.root.hex())
        known = self.state.trees.get(at.origin)
        if known == tree:
            return
        if known is not None and at.size <= known.size:
            raise AnchorRefused(_conflict(at, known))
        receipt = await self.anchor.anchor(note)
        await asyncio.to_thread(add_receipt, self.folder, receipt, self.now())
        self._remember(self.state.anchored(at.origin, tree))

    def _failed(self, error: Exception) -> float:
        words = str(error) or f"no answer within {self.timeout:g} s"
        self.failed()
        try:
            self._remember(self.state.failed(words))
        except OSError:
            LOG.exception("anchor %s: its state cannot be kept", self.anchor.name)
        pause = self._pause()
        LOG.warning("anchor %s: %s; again in %.0f s", self.anchor.name, words, pause)
        return pause

    def _pause(self) -> float:
        """Doubles with each failure up to the cadence; a random half keeps collectors apart."""
        doubled = SOON_SECONDS * 2.0 ** min(self.state.failures - 1, 16)
        return min(doubled, self.anchor.cadence, _LONGEST) * (0.5 + self.jitter() / 2)

    def _until_next(self) -> float:
        if self.state.failures:
            return self._pause()
        if not self.state.trees:
            return 0.0
        return max(self.state.since + self.anchor.cadence - self.now(), 0.0)

    def _remember(self, state: State) -> None:
        self.state = state
        write_state(self.folder, state)

    def _record(self, kind: str, findings: tuple[str, ...]) -> ControlRecord:
        at_ns = int(self.now() * 1e9)
        trees: Mapping[str, Tree] = self.state.trees
        body: dict[str, JsonValue] = {
            "id": self.anchor.name,
            "since": self._since(),
            "cadence_seconds": self.anchor.cadence,
            "failures": self.state.failures,
            "anchored": {origin: tree.size for origin, tree in trees.items()},
        }
        why = Why(requested_by="collector")
        return ControlRecord(kind=kind, at_ns=at_ns, why=why, body=body, findings=findings)

    def _since(self) -> str:
        return rfc3339(int(self.state.since * 1e9))


def _conflict(at: Checkpoint, known: Tree) -> str:
    said = "is behind it" if at.size < known.size else "is another tree of that size"
    return (
        f"log {at.origin}: {known.size} entries with root {known.root[:16]}… were anchored, and "
        f"what is signed now, {at.size} with {at.root.hex()[:16]}…, {said}: was a backup restored?"
    )
