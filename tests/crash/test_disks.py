"""A disk that is full, broken or read-only: nothing is acknowledged that is not on it."""

import errno
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.crash.collector import Collector, Nursery, new_collector
from tests.crash.faults import switch
from tests.crash.settling import sending, settle
from tests.end_to_end.bodies import body, call, post
from tests.small_disk import small_disk

_MEBIBYTE = 1 << 20


@pytest.fixture
def disk(tmp_path: Path) -> Iterator[Path]:
    """A small file system of its own, where one may be mounted."""
    with small_disk(tmp_path / "disk", "96m", in_use=True) as folder:
        yield folder


def refused(collector: Collector) -> bool:
    """Whether requests are refused, over both transports, with an answer that says try again."""
    http = f"http://127.0.0.1:{collector.ports['http']}"
    answer = post(http, body("x", 40), content_type="application/x-protobuf")
    if answer.code == 200:
        return False
    assert (answer.code, answer.retry_after) == (503, answer.retry_after) and answer.retry_after
    assert "RetryInfo" in answer.details
    over_grpc = call(f"http://127.0.0.1:{collector.ports['grpc']}", body("x", 40))
    return over_grpc.code == 14 and "RetryInfo" in over_grpc.details


def test_writes_fail_for_a_while(collector: Collector, tmp_path: Path) -> None:
    """In front clients are told to come again; in engine and signer what is acknowledged waits."""
    files = {role: tmp_path / role for role in ("front", "engine", "signer")}
    for role, file in files.items():
        switch(file)
        collector.faults.append(f"{role}:{file}")
    collector.start()
    collector.until_ready()
    with sending(collector) as senders:
        for number in (errno.ENOSPC, errno.EIO, errno.EROFS):
            switch(files["front"], errno=number)
            assert refused(collector)
            switch(files["front"])
            for role in ("engine", "signer"):
                switch(files[role], errno=number)
                time.sleep(0.8)
                assert not refused(collector)
                switch(files[role])
        compared = settle(collector, senders)
    # The requests that `refused` sent are in nobody's ledger.
    strangers = set(compared.strangers)
    assert len(strangers) == 40
    assert (compared.lost, compared.torn, compared.log) == ((), (), ())
    assert compared.verdict == "VALID"
    assert set(compared.duplicates) <= strangers


def test_a_full_disk_is_survived(forks: Nursery, disk: Path) -> None:
    """Refused while it is full, also by an engine that was killed then; stored when it is not."""
    collector = new_collector(forks, disk / "collector")
    filler = disk / "filler"
    try:
        collector.start()
        collector.until_ready()
        with sending(collector) as senders:
            time.sleep(0.5)
            fill(filler)
            until_refused(collector)
            collector.kill("engine")
            time.sleep(1)
            filler.unlink()
            collector.until_ready()
            time.sleep(0.5)
            compared = settle(collector, senders)
        assert (compared.lost, compared.torn, compared.log) == ((), (), ()), str(compared)
        assert compared.verdict == "VALID"
    finally:
        collector.close()


def fill(filler: Path) -> None:
    """Until nothing more fits."""
    with filler.open("wb", buffering=0) as file:
        for size in (_MEBIBYTE, 4096):
            try:
                while True:
                    file.write(b"x" * size)
            except OSError as error:
                assert error.errno == errno.ENOSPC


def until_refused(collector: Collector) -> None:
    """What was reserved before takes some more."""
    until = time.monotonic() + 20
    while not refused(collector):
        assert time.monotonic() < until, "a full disk took everything"


def test_a_read_only_folder_is_said_at_start(forks: Nursery, disk: Path) -> None:
    """The folder and the reason, and no traceback."""
    collector = new_collector(forks, disk / "collector")
    (disk / "auditspan.yaml").write_text(collector.config.format(**collector.ports))
    collector.data.mkdir(mode=0o700)
    said = disk.parent / "said"
    subprocess.run(["mount", "-o", "remount,ro", str(disk)], check=True)
    code, text = collector.command("up", "--config", str(disk / "auditspan.yaml"), said=said)
    assert code not in (0, None)
    assert "Read-only file system" in text and str(collector.data) in text
    assert "Traceback" not in text
