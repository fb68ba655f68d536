"""Requests that are sent again."""

import asyncio
import os
from collections.abc import Awaitable, Callable
from pathlib import Path

import pytest

from auditspan.collector.control.stopped import operator
from auditspan.collector.front.recent_log import WINDOW_SECONDS, RecentLog
from auditspan.collector.front.retransmissions import Retransmissions, in_spool, mark_of
from auditspan.wire.envelope import OTLP_TRACES, Envelope, frame

A, B = mark_of("sha256:a", "agent:x"), mark_of("sha256:b", "agent:x")


class Clock:
    """A clock that stands still until it is set."""

    at = 1_700_000_000.0

    def __call__(self) -> float:
        return self.at


def _stores(log: list[str], error: Exception | None = None) -> Callable[[], Awaitable[None]]:
    async def store() -> None:
        log.append("stored")
        await asyncio.sleep(0)
        if error is not None:
            raise error

    return store


def test_the_second_time_nothing_is_stored() -> None:
    """Another digest or another sender is another request."""
    found, log = Retransmissions(Clock()), list[str]()

    async def go() -> None:
        assert await found.once(A, _stores(log))
        assert not await found.once(A, _stores(log))
        assert await found.once(B, _stores(log))
        assert await found.once(mark_of("sha256:a", "agent:y"), _stores(log))

    asyncio.run(go())
    assert len(log) == 3


def test_after_the_window_it_is_a_new_request() -> None:
    """Fifteen minutes, by the clock given."""
    clock, log = Clock(), list[str]()
    found = Retransmissions(clock)

    async def go() -> None:
        assert await found.once(A, _stores(log))
        clock.at += WINDOW_SECONDS
        assert not await found.once(A, _stores(log))
        clock.at += 1
        assert await found.once(A, _stores(log))

    asyncio.run(go())


def test_what_failed_was_never_there() -> None:
    """Its repetition is stored."""
    found, log = Retransmissions(Clock()), list[str]()

    async def go() -> None:
        with pytest.raises(ValueError, match="no"):
            await found.once(A, _stores(log, ValueError("no")))
        assert await found.once(A, _stores(log))

    asyncio.run(go())


def test_the_second_waits_for_the_first() -> None:
    """And gets its answer, good or bad."""
    found, log = Retransmissions(Clock()), list[str]()

    async def go() -> None:
        both = (found.once(A, _stores(log)) for _ in range(2))
        assert sorted(await asyncio.gather(*both)) == [False, True]
        error = ValueError("no")
        both = (found.once(B, _stores(log, error)) for _ in range(2))
        assert await asyncio.gather(*both, return_exceptions=True) == [error, error]

    asyncio.run(go())
    assert len(log) == 2


def test_a_sender_that_goes_away_stops_nothing() -> None:
    """What it sent is stored and known, so its next attempt is a repetition."""
    found, log = Retransmissions(Clock()), list[str]()

    async def go() -> None:
        first = asyncio.create_task(found.once(A, _stores(log)))
        await asyncio.sleep(0)
        second = asyncio.create_task(found.once(A, _stores(log)))
        await asyncio.sleep(0)
        first.cancel()
        assert not await second
        assert first.cancelled()
        assert not await found.once(A, _stores(log))

    asyncio.run(go())
    assert log == ["stored"]


def test_what_store_and_spool_have_counts() -> None:
    """As far as it is recent enough."""
    clock, log = Clock(), list[str]()
    found = Retransmissions(clock)
    now = int(clock.at * 1e9)
    old = now - int(WINDOW_SECONDS * 1e9) - 1_000_000_000
    found.seed([["sha256:a", "agent:x", now], ["sha256:b", "agent:x", old]])

    async def go() -> None:
        assert not await found.once(A, _stores(log))
        assert await found.once(B, _stores(log))

    asyncio.run(go())


def test_memory_is_bounded() -> None:
    """The oldest are forgotten first."""
    clock, log = Clock(), list[str]()
    found = Retransmissions(clock, most=3)
    marks = [mark_of(f"{n}", "p") for n in range(6)]

    async def go() -> None:
        for mark in marks:
            clock.at += 1
            await found.once(mark, _stores(log))
        assert not await found.once(marks[-1], _stores(log))
        assert await found.once(marks[0], _stores(log))

    asyncio.run(go())


def test_what_a_crash_kept_out_of_the_log_is_known_at_every_start_after_it(tmp_path: Path) -> None:
    """Also when the log has been written since, and the segment still waits for its store."""
    at, principal = int(Clock.at * 1e9), operator()
    segment = tmp_path / "i-1700000000000-00000001.seg"
    segment.write_bytes(frame(Envelope(OTLP_TRACES, at, "sha256:a", principal.to_json())))
    os.utime(segment, (Clock.at, Clock.at))
    RecentLog(tmp_path).append([("sha256:before", "p", at)], at)
    row = ("sha256:a", principal.id, at)
    assert row in in_spool(tmp_path, Clock.at + 1, {segment.stem})
    RecentLog(tmp_path).append([("sha256:later", "p", at)], at)
    assert row in in_spool(tmp_path, Clock.at + 2)
    segment.unlink()
    assert row in in_spool(tmp_path, Clock.at + 3)
