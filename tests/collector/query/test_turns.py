"""Readers take turns: so many at once, of one principal fewer, the others wait in order."""

import asyncio

import pytest

from auditspan.collector.query.limits import ReadLimits
from auditspan.collector.query.turns import Busy, Turns


class Crowd:
    """Statements that run until they are told to end."""

    def __init__(self, **limits: float) -> None:
        self.turns = Turns(ReadLimits.model_validate(limits))
        self.running: list[str] = []
        self.ends: dict[str, asyncio.Event] = {}
        self.tasks: dict[str, asyncio.Task[None]] = {}

    async def begin(self, *names: str) -> None:
        """Each asks for a turn, under the principal of its first letter."""
        for name in names:
            self.ends[name] = asyncio.Event()
            self.tasks[name] = asyncio.create_task(self._run(name))
            await asyncio.sleep(0)
        await asyncio.sleep(0)

    async def _run(self, name: str) -> None:
        async with self.turns.turn(name[0]):
            self.running.append(name)
            try:
                await self.ends[name].wait()
            finally:
                self.running.remove(name)

    async def end(self, name: str) -> None:
        """It ends, and others may go."""
        self.ends[name].set()
        await self.tasks[name]
        await asyncio.sleep(0)
        await asyncio.sleep(0)


def test_one_principal_leaves_room_for_others() -> None:
    """A dashboard with a dozen panels does not keep an auditor waiting."""

    async def use() -> None:
        crowd = Crowd(concurrency=3, concurrency_per_principal=2)
        await crowd.begin("a1", "a2", "a3", "a4", "b1", "b2")
        assert crowd.running == ["a1", "a2", "b1"]
        await crowd.end("b1")
        assert crowd.running == ["a1", "a2", "b2"]
        await crowd.end("a1")
        assert crowd.running == ["a2", "b2", "a3"]
        for name in ("a2", "b2", "a3", "a4"):
            await crowd.end(name)
        assert crowd.running == []

    asyncio.run(use())


def test_who_waits_too_long_or_behind_too_many_is_refused() -> None:
    """And leaves nothing behind."""

    async def use() -> None:
        limits = {"waiting_seconds": 0.05, "waiting_per_principal": 1}
        crowd = Crowd(concurrency=1, concurrency_per_principal=1, **limits)
        await crowd.begin("a1", "a2", "a3")
        with pytest.raises(Busy, match="more than 1"):
            await crowd.tasks["a3"]
        with pytest.raises(Busy, match="no turn within"):
            await crowd.tasks["a2"]
        await crowd.end("a1")
        await crowd.begin("b1")
        assert crowd.running == ["b1"]
        await crowd.end("b1")

    asyncio.run(use())


def test_a_client_that_goes_away_while_it_waits_gives_its_turn_on() -> None:
    """Before it came, and at the moment it comes."""

    async def use() -> None:
        crowd = Crowd(concurrency=1, concurrency_per_principal=1)
        await crowd.begin("a1", "b1", "c1", "d1")
        crowd.tasks["b1"].cancel()
        await asyncio.sleep(0)
        crowd.ends["a1"].set()
        await crowd.tasks["a1"]
        crowd.tasks["c1"].cancel()
        for _ in range(5):
            await asyncio.sleep(0)
        assert crowd.running == ["d1"]
        await crowd.end("d1")

    asyncio.run(use())
