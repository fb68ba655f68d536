"""Passes batches on to another backend, one after the other, from a queue of its own.

At least once: after a crash the request under way is sent again. What the backend refuses for good
is counted and left; while it cannot be reached, batches wait until the queue's bound, and then the
oldest is dropped and counted. Nothing here makes the audit path wait.
"""

import asyncio
import logging
import random
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Final, Literal, Protocol

from auditspan.collector.forward.config import ForwardConfig
from auditspan.collector.forward.content import outgoing
from auditspan.collector.forward.errors import Later, Refused
from auditspan.collector.forward.grpc_sender import GrpcSender
from auditspan.collector.forward.http_sender import HttpSender
from auditspan.collector.forward.queue import ForwardQueue
from auditspan.collector.forward.trust import trust
from auditspan.wire.envelope import OTLP_TRACES
from auditspan.wire.errors import FrameInvalid
from auditspan.wire.segments import read_frames

LOG = logging.getLogger("auditspan.collector.forward")

_LONGEST: Final = 60.0
"""Seconds between two attempts, unless the backend asks for more."""
_MOST: Final = 600.0
"""A longer wait than this is not taken from a backend."""

Event = Literal["forwarded", "refused", "dropped"]
Count = Callable[[str, int], None]


class Sender(Protocol):
    """A way to a backend."""

    async def send(self, request: bytes) -> None:
        """Deliver a request. Raises `Refused`, `Later`."""

    async def close(self) -> None:
        """End it."""


class Forwarder:
    """The exporter of one collector."""

    def __init__(
        self,
        config: ForwardConfig,
        root: Path,
        count: Count = lambda event, requests: None,
        *,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
        spread: Callable[[], float] = random.random,
    ) -> None:
        """`root` is the data folder, its spool recovered. `count` is told an event and a number.

        Raises `ConfigInvalid`.
        """
        self._config = config
        self._trust = trust(config)
        self._queue = ForwardQueue(root / "spool", root / "forward", config.max_queue)
        self._count = count
        self._sleep = sleep
        self._spread = spread
        self._wake = asyncio.Event()
        for batch_id in self._queue.missed():
            self.closed(batch_id)

    def closed(self, batch_id: str) -> None:
        """A batch is there to be passed on. Raises nothing."""
        try:
            self._dropped(self._queue.add(batch_id))
        except OSError as error:
            LOG.error("forward: batch %s is not passed on: %s", batch_id, error.strerror)
        self._wake.set()

    async def run(self) -> None:
        """Pass on for ever; cancel it at the end, it goes on there next time."""
        sender: Sender = (GrpcSender if self._config.protocol == "grpc" else HttpSender)(
            self._config, self._trust
        )
        try:
            while True:
                self._wake.clear()
                path = self._queue.oldest()
                if path is None:
                    await self._wake.wait()
                else:
                    await self._turn(path, sender)
        finally:
            await sender.close()

    async def _turn(self, path: Path, sender: Sender) -> None:
        """Pass a batch on; whatever goes wrong, there is a next turn."""
        try:
            await self._batch(path, sender)
        except Exception:
            LOG.exception("forward: batch %s waits", path.stem)
            await self._sleep(_LONGEST)

    async def _batch(self, path: Path, sender: Sender) -> None:
        done = self._queue.offset(path)
        try:
            for offset, envelope in read_frames(path):
                if offset > done and envelope.kind == OTLP_TRACES:
                    await self._request(path, envelope.request, sender)
                    if not self._queue.holds(path):
                        return
                    self._queue.passed(path, offset)
        except FrameInvalid as error:
            LOG.error("forward: the rest of a batch is not passed on: %s", error)
        except FileNotFoundError:
            return  # Dropped meanwhile.
        self._queue.remove(path)

    async def _request(self, path: Path, request: bytes, sender: Sender) -> None:
        event: Event = "forwarded"
        try:
            # In a thread: the requests of the audit path come first.
            parts = await asyncio.to_thread(outgoing, request, self._config.max_request)
        except Refused as error:
            LOG.error("forward: a request is left out: %s", error)
            self._count("refused", 1)
            return
        for piece in parts:
            try:
                if not await self._delivered(path, piece, sender):
                    return  # Counted as dropped.
            except Refused as error:
                LOG.error("forward: a request is left out: %s", error)
                event = "refused"
        self._count(event, 1)

    async def _delivered(self, path: Path, piece: bytes, sender: Sender) -> bool:
        """Try until the backend has it; False if the batch was dropped before."""
        attempt = 0
        while self._queue.holds(path):
            try:
                await sender.send(piece)
                return True
            except Later as error:
                wait = self._wait(attempt, error.after)
                attempt += 1
                LOG.warning("forward: %s; next try in %.1f s", error, wait)
                await self._sleep(wait)
        return False

    def _wait(self, attempt: int, asked: float) -> float:
        own = min(_LONGEST, 2.0 ** min(attempt, 10)) * (0.5 + self._spread() / 2)
        return max(own, min(asked, _MOST))

    def _dropped(self, requests: int) -> None:
        if requests:
            LOG.error("forward: queue full, %d requests are not passed on", requests)
            self._count("dropped", requests)
