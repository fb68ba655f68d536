"""A sender that sends too much waits, and the others do not."""

import os
from pathlib import Path

import pytest

from auditspan.collector.front.holdings import Held
from auditspan.collector.front.receiver_config import SpoolConfig
from auditspan.collector.front.rejections import DiskLow, RateExceeded, ShareExceeded
from auditspan.collector.front.shares import Shares

MIB = 1 << 20


class World:
    """A clock, a disk and a spool."""

    def __init__(self) -> None:
        self.now, self.free, self.used = 0.0, 1 << 40, 0

    def shares(self, **config: float) -> Shares:
        """Of a spool of 100 MiB."""
        settings = SpoolConfig.model_validate({"total_mib": 100, **config})
        return Shares(
            Path("spool"), settings, lambda: self.now, lambda _: self.free, lambda _: self.used
        )


def test_a_full_share_stops_its_sender_only() -> None:
    """Until what it sent is stored."""
    world = World()
    shares = world.shares(principal_percent=50)
    for at in range(5):
        shares.check("loud")
        shares.took("loud", 10 * MIB, at)
    world.used, world.now = 50 * MIB, 1.0
    with pytest.raises(ShareExceeded) as caught:
        shares.check("loud")
    assert caught.value.retryable and caught.value.retry_after > 0
    shares.check("quiet")
    shares.stored(1)
    shares.check("loud")


def test_a_spool_with_room_stops_nobody() -> None:
    """Whatever was counted: it may be stored by now."""
    world = World()
    shares = world.shares(principal_percent=50)
    shares.took("loud", 90 * MIB, 1)
    world.used, world.now = 49 * MIB, 1.0
    shares.check("loud")


def test_a_rate_stops_its_sender_until_it_has_waited() -> None:
    """A burst of ten seconds is allowed, and the answer says how long to wait."""
    world = World()
    shares = world.shares(principal_mib_per_second=1)
    shares.took("loud", 12 * MIB, 1)
    with pytest.raises(RateExceeded) as caught:
        shares.check("loud")
    assert caught.value.retryable and caught.value.retry_after == 2.0
    shares.check("quiet")
    world.now = 2.0
    shares.check("loud")


def test_a_folder_that_is_gone_takes_nothing_until_it_is_back(tmp_path: Path) -> None:
    """Senders try again, readiness says why; it is looked at again by itself."""
    now, folder = 0.0, tmp_path / "spool"
    shares = Shares(folder, SpoolConfig(min_free_mib=0), lambda: now, used=lambda _: 0)
    with pytest.raises(DiskLow, match=r"takes nothing \(no such file or directory\)"):
        shares.check("quiet")
    folder.mkdir()
    now = 1.0
    shares.check("quiet")
    assert shares.low() == ""


def test_a_folder_that_may_not_be_written_takes_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Said by readiness before the first request fails. (Whoever tests as root may write all.)"""
    monkeypatch.setattr(os, "access", lambda path, mode: path != tmp_path)
    shares = Shares(tmp_path, SpoolConfig(min_free_mib=0), lambda: 0.0, used=lambda _: 0)
    with pytest.raises(DiskLow, match=r"takes nothing \(no permission to write there\)"):
        shares.check("quiet")
    assert "no permission" in shares.low()


def test_a_low_disk_takes_nothing_until_it_has_room() -> None:
    """It is looked at again by itself."""
    world = World()
    shares = world.shares(min_free_mib=10)
    world.free = 9 * MIB
    assert shares.low().startswith("the disk has 9 MiB left")
    with pytest.raises(DiskLow) as caught:
        shares.check("quiet")
    assert caught.value.retryable
    world.free, world.now = 11 * MIB, 1.0
    shares.check("quiet")
    assert shares.low() == ""


def test_senders_that_are_forgotten_do_not_grow_the_table() -> None:
    """However many names come."""
    shares = World().shares()
    for number in range(10_050):
        shares.check(f"agent:{number}")
    assert len(shares._senders) == 10_000


def test_what_the_spool_held_at_the_start_counts() -> None:
    """A restart frees nobody, and what was stored while it was read does not count."""
    world = World()
    shares = world.shares(principal_percent=50)
    shares.stored(2)
    shares.took("loud", 20 * MIB, 9)
    shares.recall([Held("loud", 90 * MIB, 1), Held("loud", 20 * MIB, 5), Held("quiet", MIB, 5),
                   Held("loud", 10 * MIB, 6)])  # fmt: skip
    world.used, world.now = 60 * MIB, 1.0
    with pytest.raises(ShareExceeded):
        shares.check("loud")
    shares.check("quiet")
    shares.stored(6)
    shares.check("loud")
    shares.took("loud", 20 * MIB, 10)
    with pytest.raises(ShareExceeded):
        shares.check("loud")
    shares.stored(11)
    assert shares._senders["loud"].held == 0


def test_many_small_requests_of_a_long_outage_take_little_memory() -> None:
    """Those of one second are one entry; none is forgotten."""
    shares = World().shares()
    second = 1_000_000_000
    for number in range(5_000):
        shares.took("loud", 1, number * second // 1_000)
    sender = shares._senders["loud"]
    assert (len(sender.waiting), sender.held) == (1_004, 5_000)
    shares.stored(4 * second)
    assert sender.held == 1_000
    shares.stored(5 * second)
    assert sender.held == 0
