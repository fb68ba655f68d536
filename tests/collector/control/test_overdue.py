"""What nobody answered in time is a finding: once for each campaign and item, after crashes too."""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import replace
from pathlib import Path
from typing import cast

import pytest

from auditspan.collector.control.errors import ControlUnavailable
from auditspan.collector.control.overdue import (
    EVERY_SECONDS,
    FINDING,
    SOON_SECONDS,
    Alarm,
    OverdueCheck,
)
from auditspan.collector.control.recertify import Verdict
from auditspan.collector.control.stopped import submitting
from auditspan.collector.data_dir import prepare
from auditspan.semconv.findings import FINDINGS
from auditspan.wire.segments import closed_segments, read_frames
from tests.collector.control.human import DAY, OLGA, PIA, SECOND, START, WHY, Desk, desk_in, owned
from tests.collector.control.test_recertify import EXPIRED, start


@pytest.fixture
def desk(tmp_path: Path) -> Desk:
    """A campaign of two items was started."""
    made = desk_in(tmp_path)
    start(made)
    made.spool.records.clear()
    return made


def check(desk: Desk) -> int:
    """Look for what is overdue."""
    return asyncio.run(desk.human.overdue.check())


def items(desk: Desk) -> list[str]:
    """What was found, in order."""
    return [str(record.body["id"]) for record in desk.spool.records]


def test_nothing_is_overdue_before_the_due_date(desk: Desk) -> None:
    """To the nanosecond."""
    desk.clock[0] = START + 7 * DAY - 1
    assert check(desk) == 0
    desk.clock[0] += 1
    assert check(desk) == 2


def test_each_item_is_found_once(desk: Desk) -> None:
    """However often it is looked at, by whichever process."""
    desk.clock[0] += 8 * DAY
    assert [check(desk), check(desk)] == [2, 0]
    assert asyncio.run(desk_in(desk.folder).human.overdue.check()) == 0
    assert items(desk) == ["agent:helper", "grant:g1"]
    [agent, _] = desk.spool.records
    assert (agent.kind, agent.findings) == ("recertification.overdue", (FINDING,))
    assert agent.body["owner_email"] == "olga@example.org"
    assert agent.body["due_at_ns"] == START + 7 * DAY
    assert FINDING in FINDINGS


def test_the_next_campaign_is_another_finding(desk: Desk) -> None:
    """What was not answered twice is found twice."""
    desk.clock[0] += 8 * DAY
    check(desk)
    start(desk)
    desk.clock[0] += 8 * DAY
    assert check(desk) == 2


def test_what_was_answered_or_gives_no_access_is_left(desk: Desk) -> None:
    """By the owner, and a grant that ended meanwhile."""
    said = Verdict("agent:helper", "keep")
    asyncio.run(desk.human.recertification.answer(said, WHY, OLGA))
    desk.apply(owned(grants__g=EXPIRED, examples__e=""))
    desk.clock[0] += 8 * DAY
    assert check(desk) == 0


def test_a_late_answer_is_taken_and_the_finding_stays(desk: Desk) -> None:
    """It was late."""
    desk.clock[0] += 8 * DAY
    check(desk)
    said = Verdict("agent:helper", "keep")
    assert asyncio.run(desk.human.recertification.answer(said, WHY, OLGA))["late"] is True
    assert check(desk) == 0
    [row] = desk.human.listing.status(PIA)
    assert (row["answered"], row["overdue"], row["late"]) == (1, 1, 1)


def test_an_answer_that_a_crash_kept_out_of_the_file_counts(desk: Desk) -> None:
    """The trail has it."""
    desk.told.rows["answered_items"] = [{"item": "agent:helper"}]
    desk.clock[0] += 8 * DAY
    check(desk)
    assert items(desk) == ["grant:g1"]


class Crash(BaseException):
    """The process ends."""


def crashing(desk: Desk, after: int) -> None:
    """Check, with a process that ends after so many records are durable."""
    taken = desk.journal.submit
    count = [0]

    async def submit(text: str) -> None:
        if count[0] == after:
            raise Crash
        count[0] += 1
        await taken(text)

    desk.journal.submit = submit
    with pytest.raises(Crash):
        check(desk)
    desk.journal.submit = taken


@pytest.mark.parametrize("after", [0, 1])
def test_a_crash_on_the_way_finds_nothing_twice(tmp_path: Path, after: int) -> None:
    """What is in the spool is not submitted again, what is not in it is."""
    data = prepare(tmp_path)
    desk = desk_in(tmp_path)
    start(desk)
    with submitting(data) as submit:
        desk.journal.submit = submit
        desk.clock[0] += 8 * DAY
        crashing(desk, after)
        assert check(desk) == 2 - after
        assert check(desk) == 0
    found = [frame for path in closed_segments(data.folder("spool")) for frame in read_frames(path)]
    assert len(found) == len({envelope.request_digest for _, envelope in found}) == 2


def test_what_is_in_the_store_already_is_not_submitted_again(desk: Desk) -> None:
    """After a crash the records may have left the spool; then the store knows their digests."""
    digests: list[str] = []
    ask = desk.told.ask

    async def remember(name: str, params):  # type: ignore[no-untyped-def]
        digests.extend(cast(list[str], params.get("digests", ())))
        return await ask(name, params)

    desk.clock[0] += 8 * DAY
    crashing(desk, 1)
    lookup = replace(desk.human.overdue.lookup, ask=remember)
    asyncio.run(replace(desk.human.overdue, lookup=lookup).check())
    assert len(digests) == 2
    assert items(desk) == ["agent:helper", "agent:helper", "grant:g1"]


def test_a_stored_record_is_known_by_its_digest(desk: Desk) -> None:
    """Both are there, so none is written."""
    desk.clock[0] += 8 * DAY
    crashing(desk, 0)

    async def all_there(name: str, params):  # type: ignore[no-untyped-def]
        return [{"digest": digest} for digest in params["digests"]]

    lookup = replace(desk.human.overdue.lookup, ask=all_there)
    assert asyncio.run(replace(desk.human.overdue, lookup=lookup).check()) == 0
    assert items(desk) == []
    assert check(desk) == 0


def test_without_the_store_nothing_is_decided(desk: Desk) -> None:
    """And it is tried again soon; nothing is lost or found twice by that."""
    desk.clock[0] += 8 * DAY
    desk.told.away = ControlUnavailable("away")
    assert waits(desk, 7) == [1, 2, 4, 8, 16, SOON_SECONDS, SOON_SECONDS]
    assert items(desk) == []
    desk.told.away, desk.spool.full = None, True
    assert waits(desk, 1) == [1]
    desk.spool.full = False
    assert waits(desk, 1) == [EVERY_SECONDS]
    assert items(desk) == ["agent:helper", "grant:g1"]


def test_a_damaged_file_does_not_end_the_checks(desk: Desk) -> None:
    """It is said again and again, until somebody restores it."""
    [path] = (desk.folder / "registry" / "recertification").glob("*.json")
    path.write_text("{}")
    assert waits(desk, 6) == [1, 2, 4, 8, 16, SOON_SECONDS]


def test_it_looks_every_hour_and_at_the_due_date(desk: Desk) -> None:
    """Whichever comes first."""
    assert waits(desk, 1) == [EVERY_SECONDS]
    desk.clock[0] = START + 7 * DAY - 60 * SECOND
    assert waits(desk, 1) == [61.0]


def waits(desk: Desk, times: int) -> list[float]:
    """How long it waits after each of so many checks."""
    found: list[float] = []

    async def wait(seconds: float) -> None:
        found.append(seconds)
        if len(found) == times:
            raise Crash

    with pytest.raises(Crash):
        asyncio.run(replace(desk.human.overdue, wait=wait).keep_checking())
    return found


def test_a_new_campaign_rings_the_alarm(desk: Desk) -> None:
    """Its due date may be nearer than the next hour."""

    async def rung() -> bool:
        desk.clock[0] += 8 * DAY
        waiting = asyncio.ensure_future(desk.human.overdue.wait(60.0))
        await asyncio.sleep(0)
        await desk.human.recertification.start(60, WHY, PIA)
        await asyncio.wait_for(waiting, 5)
        return True

    assert asyncio.run(rung())


def test_the_alarm_waits_again_after_a_ring() -> None:
    """A ring ends one wait."""

    async def twice() -> list[bool]:
        alarm = Alarm()
        alarm.ring()
        return [await _in_time(alarm.wait, 0.2), await _in_time(alarm.wait, 0.2)]

    async def _in_time(wait: Callable[[float], Awaitable[None]], seconds: float) -> bool:
        began = asyncio.get_running_loop().time()
        await wait(seconds)
        return asyncio.get_running_loop().time() - began < seconds / 2

    assert asyncio.run(twice()) == [True, False]


def test_a_check_is_wired(desk: Desk) -> None:
    """The collector runs this one."""
    assert isinstance(desk.human.overdue, OverdueCheck)
    assert desk.human.overdue.spool == desk.folder / "spool"
