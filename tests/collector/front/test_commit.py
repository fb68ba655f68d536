"""Group commit over a real spool."""

import asyncio
import errno
import itertools
import os
import threading
from pathlib import Path
from typing import Any

import pytest

from auditspan.collector.front import commit
from auditspan.collector.front.commit import Committer
from auditspan.collector.front.retransmissions import in_spool
from auditspan.wire.errors import SpoolFailed, SpoolFull
from auditspan.wire.segments import OPEN, segments
from auditspan.wire.spool import SpoolLimits, SpoolWriter
from tests.collector.front.spools import Spool, framed

DAY = 86_400_000_000_000


def test_what_is_acknowledged_is_on_disk(tmp_path: Path) -> None:
    """In the open segment, before it is closed."""
    spool = Spool(tmp_path)

    async def use() -> None:
        await spool.committer.submit(framed("a"), 1)
        (path,) = segments(tmp_path, OPEN)
        assert path.read_bytes() == framed("a")

    spool.run(use)
    assert spool.batches() == [["a"]]


def test_requests_that_come_together_share_a_sync(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A hundred requests cost a few syncs and not a hundred."""
    spool = Spool(tmp_path)
    syncs = _counted(monkeypatch)

    async def use() -> None:
        await asyncio.gather(*(spool.committer.submit(framed(f"{n}"), 1) for n in range(100)))
        assert 1 <= len(syncs) <= 3

    spool.run(use)
    assert spool.batches() == [[f"{n}" for n in range(100)]]


def _counted(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """Syncs of file contents so far."""
    syncs: list[int] = []
    real = os.fdatasync

    def sync(descriptor: int) -> None:
        syncs.append(descriptor)
        real(descriptor)

    monkeypatch.setattr(os, "fdatasync", sync)
    return syncs


def test_many_at_a_time_share_syncs_that_are_apart(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Requests that come one shortly after the other do not cost a sync each."""
    monkeypatch.setattr(commit, "_APART_SECONDS", 0.2)
    spool, syncs = Spool(tmp_path), _counted(monkeypatch)

    async def use() -> None:
        await asyncio.gather(*(spool.committer.submit(framed(f"{n}"), 1) for n in range(2)))
        before = len(syncs)
        running = []
        for number in range(20):
            running.append(asyncio.create_task(spool.committer.submit(framed(f"{number}"), 1)))
            await asyncio.sleep(0.002)
        await asyncio.gather(*running)
        assert len(syncs) - before <= 3

    spool.run(use)
    assert len(spool.batches()[0]) == 22


def test_one_who_waits_for_each_answer_does_not_wait_longer(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """There is nobody to share with."""
    monkeypatch.setattr(commit, "_APART_SECONDS", 5.0)
    spool, syncs = Spool(tmp_path), _counted(monkeypatch)

    async def use() -> None:
        async with asyncio.timeout(4):
            for number in range(5):
                await spool.committer.submit(framed(f"{number}"), 1)
        assert len(syncs) == 5

    spool.run(use)


@pytest.mark.parametrize(
    ("limits", "batches"),
    [
        pytest.param(SpoolLimits(spans=4, seconds=60), [["a", "b"], ["c", "d"]], id="spans"),
        pytest.param(SpoolLimits(spans=5, seconds=60), [["a", "b"], ["c", "d"]], id="not-beyond"),
        pytest.param(SpoolLimits(spans=1, seconds=60), [["a"], ["b"], ["c"], ["d"]], id="large"),
        pytest.param(SpoolLimits(bytes=5_000, seconds=60), [["a", "b"], ["c", "d"]], id="bytes"),
    ],
)
def test_a_batch_stays_within_its_limits(
    tmp_path: Path, limits: SpoolLimits, batches: list[list[str]]
) -> None:
    """Unless one request alone is larger."""
    spool = Spool(tmp_path, limits)

    async def use() -> None:
        await asyncio.gather(*(spool.committer.submit(framed(d, 2_000), 2) for d in "abcd"))

    spool.run(use)
    assert spool.batches() == batches
    assert len(spool.told) == len(batches) and spool.told == sorted(spool.told)


def test_a_batch_is_closed_when_it_is_old_enough(tmp_path: Path) -> None:
    """Without another request, and then nothing runs any more."""
    spool = Spool(tmp_path, SpoolLimits(seconds=0.05))

    async def use() -> None:
        await spool.committer.submit(framed("a"), 1)
        while not spool.told:
            await asyncio.sleep(0.01)
        assert spool.writer.due_in() is None

    spool.run(use)
    assert spool.batches() == [["a"]]


def test_a_batch_is_of_one_day(tmp_path: Path) -> None:
    """Of the days at which its requests came, in UTC."""
    spool = Spool(tmp_path)

    async def use() -> None:
        await asyncio.gather(
            spool.committer.submit(framed("a"), 1, DAY - 1),
            spool.committer.submit(framed("b"), 1, DAY),
            spool.committer.submit(framed("c"), 1, DAY + 1),
        )
        await spool.committer.submit(framed("d"), 1, 2 * DAY)

    spool.run(use)
    assert spool.batches() == [["a"], ["b", "c"], ["d"]]


def test_a_full_spool_refuses_that_request_alone(tmp_path: Path) -> None:
    """Smaller ones still fit."""
    spool = Spool(tmp_path, SpoolLimits(seconds=60, total_bytes=3_000))

    async def use() -> None:
        results = await asyncio.gather(
            spool.committer.submit(framed("a"), 1),
            spool.committer.submit(framed("b", 3_000), 1),
            spool.committer.submit(framed("c"), 1),
            return_exceptions=True,
        )
        assert [type(result) for result in results] == [type(None), SpoolFull, type(None)]

    spool.run(use)
    assert spool.batches() == [["a", "c"]]


def test_after_a_failed_sync_nothing_is_acknowledged(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What was synced before stays, and the next request is taken."""
    spool = Spool(tmp_path)
    real = os.fdatasync
    broken = threading.Event()

    def sync(descriptor: int) -> None:
        if broken.is_set():
            raise OSError(errno.EIO, "no")
        real(descriptor)

    monkeypatch.setattr(os, "fdatasync", sync)

    async def use() -> None:
        await spool.committer.submit(framed("a"), 1, row=("a", "p", 1))
        broken.set()
        results = await asyncio.gather(
            *(spool.committer.submit(framed(d), 1, row=(d, "p", 1)) for d in "bc"),
            return_exceptions=True,
        )
        assert [type(result) for result in results] == [SpoolFailed, SpoolFailed]
        broken.clear()
        await spool.committer.submit(framed("d"), 1, row=("d", "p", 1))

    spool.run(use)
    assert spool.batches() == [["a"], ["d"]]
    assert spool.told == [path.stem for path in segments(tmp_path, ".seg")]


def test_a_segment_that_cannot_be_closed_refuses_nobody(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The next request is acknowledged, and not refused and stored all the same."""
    spool = Spool(tmp_path, SpoolLimits(spans=1, seconds=3600.0))
    real, folder = os.fsync, []

    def sync(descriptor: int) -> None:
        folder.append(descriptor)
        if len(folder) == 2:
            raise OSError(errno.EIO, "no")
        real(descriptor)

    monkeypatch.setattr(os, "fsync", sync)

    async def use() -> None:
        for digest in "ab":
            await spool.committer.submit(framed(digest), 1, row=(digest, "p", 1))

    spool.run(use)
    assert spool.batches() == [["a"], ["b"]]
    assert spool.told == [path.stem for path in segments(tmp_path, ".seg")]


def test_a_fault_nobody_thought_of_ends_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """The request is refused for now, and the next one is taken."""
    spool = Spool(tmp_path)
    real = SpoolWriter.append

    def append(self: SpoolWriter, data: bytes, spans: int) -> None:
        if spans == 13:
            raise ZeroDivisionError
        real(self, data, spans)

    monkeypatch.setattr(SpoolWriter, "append", append)

    async def use() -> None:
        with pytest.raises(SpoolFailed):
            await spool.committer.submit(framed("a"), 13)
        await spool.committer.submit(framed("b"), 1)

    spool.run(use)
    assert spool.batches() == [["b"]]
    assert "ZeroDivisionError" in caplog.text


@pytest.mark.parametrize("faulty", ["append", "sync"])
def test_a_fault_amid_a_group_refuses_what_is_not_kept(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, faulty: str
) -> None:
    """What was refused is in no batch, so that who sends it again has it once."""
    spool = Spool(tmp_path)
    real, written = getattr(SpoolWriter, faulty), []

    def fault(self: SpoolWriter, *arguments: object) -> None:
        written.append(arguments)
        if len(written) == 4:
            raise ZeroDivisionError
        real(self, *arguments)

    monkeypatch.setattr(SpoolWriter, faulty, fault)

    async def use() -> None:
        for digest in "xy":
            await spool.committer.submit(framed(digest), 1)
        tried = {digest: spool.committer.submit(framed(digest), 1) for digest in "abc"}
        answers = await asyncio.gather(*tried.values(), return_exceptions=True)
        refused = [d for d, a in zip(tried, answers, strict=True) if isinstance(a, SpoolFailed)]
        assert refused == (list("abc") if faulty == "append" else [])
        for digest in [*refused, "z"]:
            try:
                await spool.committer.submit(framed(digest), 1)
            except SpoolFailed:
                await spool.committer.submit(framed(digest), 1)

    spool.run(use)
    assert sorted(itertools.chain(*spool.batches())) == list("abcxyz")


def test_who_goes_away_leaves_a_whole_spool(tmp_path: Path) -> None:
    """Its frame may be there; the next sender is answered."""
    spool = Spool(tmp_path)

    async def use() -> None:
        gone = asyncio.create_task(spool.committer.submit(framed("a"), 1))
        await asyncio.sleep(0)
        gone.cancel()
        await spool.committer.submit(framed("b"), 1)

    spool.run(use)
    assert spool.batches() == [["a", "b"]]


def test_a_slow_listener_keeps_nobody_waiting(tmp_path: Path) -> None:
    """Nor does one that fails."""
    release = asyncio.Event()
    told: list[str] = []

    async def closed(batch_id: str) -> None:
        told.append(batch_id)
        await release.wait()
        raise RuntimeError

    writer = SpoolWriter(tmp_path, "test", SpoolLimits(spans=1, seconds=60))
    committer = Committer(writer, closed)

    async def go() -> None:
        committer.start()
        for digest in "abc":
            await committer.submit(framed(digest), 1)
        assert len(told) == 1
        release.set()
        await committer.close()

    asyncio.run(go())
    assert len(told) == 3


def test_a_closed_committer_takes_nothing(tmp_path: Path) -> None:
    """The sender is told to come again, to the next process."""
    spool = Spool(tmp_path)

    async def go() -> None:
        spool.committer.start()
        await spool.committer.close()
        with pytest.raises(SpoolFailed, match="stopping"):
            await spool.committer.submit(framed("a"), 1)

    asyncio.run(go())
    assert spool.batches() == []


def test_requests_are_known_again_after_their_segment_is_gone(tmp_path: Path) -> None:
    """The row is on disk before anybody can delete the segment."""
    spool = Spool(tmp_path, SpoolLimits(spans=1, seconds=60))
    rows: dict[str, Any] = {}

    async def closed(batch_id: str) -> None:
        (tmp_path / f"{batch_id}.seg").unlink()
        rows[batch_id] = in_spool(tmp_path, 0.0)

    spool.committer = Committer(spool.writer, closed)

    async def use() -> None:
        await spool.committer.submit(framed("a"), 1, row=("a", "anonymous", 1))
        await spool.committer.submit(framed("b"), 1, row=("b", "anonymous", 2))

    spool.run(use)
    assert [len(found) for found in rows.values()] == [1, 2]
    assert in_spool(tmp_path, 0.0) == [("a", "anonymous", 1), ("b", "anonymous", 2)]


def test_requests_of_a_crash_are_known_again(tmp_path: Path) -> None:
    """Those of a segment that was never closed by its process are read from it."""
    spool = Spool(tmp_path)

    async def use() -> None:
        await spool.committer.submit(framed("a"), 1, row=("a", "anonymous", 7))

    spool.run(use)
    (tmp_path / ".recent").unlink()
    assert in_spool(tmp_path, 0.0) == [("a", "anonymous", 7)]


def test_a_refused_request_is_not_known(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Or its repetition would be acknowledged and lost."""
    spool = Spool(tmp_path)

    def fail(descriptor: int) -> None:
        raise OSError(errno.EIO, "no")

    async def use() -> None:
        with monkeypatch.context() as patch, pytest.raises(SpoolFailed):
            patch.setattr(os, "fdatasync", fail)
            await spool.committer.submit(framed("a"), 1, row=("a", "anonymous", 1))
        await spool.committer.submit(framed("b"), 1, row=("b", "anonymous", 2))

    spool.run(use)
    assert {digest for digest, _, _ in in_spool(tmp_path, 0.0)} == {"b"}
