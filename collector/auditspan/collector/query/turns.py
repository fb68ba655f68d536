"""Whose statement runs next: so many at once in all and of one principal, the others in a queue.

A dashboard asks a dozen questions at once, so a short queue serves it better than refusals; who
asks without end waits for themselves, not before others.
"""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from auditspan.collector.query.limits import ReadLimits


class Busy(Exception):
    """No turn came in time."""


class Turns:
    """Hands out turns, first come first served among those who may go."""

    def __init__(self, limits: ReadLimits) -> None:
        self._limits = limits
        self._running: Counter[str] = Counter()
        self._waiting: list[tuple[str, asyncio.Future[None]]] = []

    @asynccontextmanager
    async def turn(self, principal: str) -> AsyncIterator[None]:
        """Hold a turn of a principal. Raises `Busy`."""
        await self._acquire(principal)
        try:
            yield
        finally:
            self._running[principal] -= 1
            if not self._running[principal]:
                del self._running[principal]
            self._next()

    async def _acquire(self, principal: str) -> None:
        if self._free(principal) and not any(name == principal for name, _ in self._waiting):
            self._running[principal] += 1
            return
        if (
            sum(name == principal for name, _ in self._waiting)
            >= self._limits.waiting_per_principal
        ):
            raise Busy(f"more than {self._limits.waiting_per_principal} statements wait already")
        ready: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        entry = (principal, ready)
        self._waiting.append(entry)
        try:
            async with asyncio.timeout(self._limits.waiting_seconds):
                await ready
        except BaseException as error:
            self._give_up(entry)
            if isinstance(error, TimeoutError):
                seconds = self._limits.waiting_seconds
                raise Busy(f"no turn within {seconds:g} s, too many statements run") from error
            raise

    def _give_up(self, entry: tuple[str, "asyncio.Future[None]"]) -> None:
        if entry in self._waiting:
            self._waiting.remove(entry)
        elif entry[1].done() and not entry[1].cancelled():
            # The turn came while the wait ended: it goes to the next one.
            self._running[entry[0]] -= 1
            self._next()

    def _free(self, principal: str) -> bool:
        mine = self._running[principal] < self._limits.concurrency_per_principal
        return mine and self._running.total() < self._limits.concurrency

    def _next(self) -> None:
        for entry in list(self._waiting):
            principal, ready = entry
            if self._free(principal):
                self._waiting.remove(entry)
                self._running[principal] += 1
                if not ready.done():
                    ready.set_result(None)
