"""That requests were not passed on is recorded, soon and not for each of them."""

import asyncio
import contextlib

from auditspan.collector.control.records import ControlRecord
from auditspan.collector.control.sentences import sentence
from auditspan.collector.forward.drops import EVERY_SECONDS, Drops

NOW = 1_795_000_000_000_000_000


class House:
    """A spool that may be full, and a clock; what happens in each wait is said before."""

    def __init__(self, *steps: int) -> None:
        """`steps`: how many are dropped in each wait, -1 is a spool that has room again."""
        self.steps = list(steps)
        self.full = False
        self.records: list[ControlRecord] = []
        self.waits: list[float] = []
        self.now = NOW
        self.drops = Drops("backend:4317", self.submit, lambda: self.now, self.wait)

    async def submit(self, text: str) -> None:
        """Take a record."""
        if self.full:
            raise OSError("no space")
        self.records.append(ControlRecord.from_json(text))

    async def wait(self, seconds: float) -> None:
        """Time goes by, and more is dropped meanwhile."""
        self.waits.append(seconds)
        self.now += int(seconds * 1e9)
        if not self.steps:
            raise asyncio.CancelledError
        step = self.steps.pop(0)
        if step < 0:
            self.full = False
        elif step:
            self.drops.dropped(step)

    def run(self) -> list[tuple[object, object]]:
        """Until nothing is left to happen; requests and since when of each record."""

        async def keep() -> None:
            with contextlib.suppress(asyncio.CancelledError, TimeoutError):
                await asyncio.wait_for(self.drops.keep(), 1)

        asyncio.run(keep())
        return [(record.body["requests"], record.body["since"]) for record in self.records]


def test_the_first_is_recorded_at_once_and_the_others_together() -> None:
    """With the finding, and since when."""
    house = House(4, 5)
    house.drops.dropped(2)
    house.drops.dropped(1)
    assert house.run() == [
        (3, "2026-11-18T11:06:40Z"),
        (4, "2026-11-18T11:16:40Z"),
        (5, "2026-11-18T11:26:40Z"),
    ]
    assert house.waits == [EVERY_SECONDS] * 3
    assert {record.findings for record in house.records} == {("forward.dropped",)}
    assert sentence(house.records[0]) == (
        '3 requests not passed on to "backend:4317", its queue was full, found by "collector".'
    )


def test_what_cannot_be_recorded_is_recorded_later() -> None:
    """Nothing is lost meanwhile, and the wait is short."""
    house = House(4, -1)
    house.full = True
    house.drops.dropped(2)
    assert house.run() == [(6, "2026-11-18T11:06:40Z")]
    assert house.waits[:2] == [10.0, 10.0]


def test_without_a_drop_nothing_is_recorded() -> None:
    """It waits."""

    async def keep(drops: Drops) -> bool:
        task = asyncio.create_task(drops.keep())
        await asyncio.sleep(0)
        task.cancel()
        return task.done()

    house = House()
    assert not asyncio.run(keep(house.drops))
    assert house.records == []
