"""The spool: nothing acknowledged is lost, nothing torn is kept, and it says when it is full."""

import multiprocessing
import os
import subprocess
import sys
import threading
from collections.abc import Callable
from pathlib import Path

import pytest

from auditspan.wire.envelope import CONTROL, OTLP_TRACES, Envelope, frame
from auditspan.wire.errors import FrameInvalid, SpoolBusy, SpoolFailed, SpoolFull
from auditspan.wire.segments import count_frames
from auditspan.wire.spool import (
    SpoolLimits,
    SpoolWriter,
    closed_segments,
    read_frames,
    recover,
    spool_lock,
    spooled_bytes,
)

FIRST = Envelope(OTLP_TRACES, 1, "sha256:" + "0" * 64, '{"id":"agent:a"}', b"first" * 40)
SECOND = Envelope(CONTROL, 2, "sha256:" + "1" * 64, '{"id":"agent:b"}', control='{"second":2}')


class Clock:
    """A clock that stands until it is moved."""

    def __init__(self) -> None:
        """Begin at a fixed time."""
        self.at = 1_795_000_000.0

    def __call__(self) -> float:
        """The time."""
        return self.at


@pytest.fixture
def clock() -> Clock:
    """A clock that stands."""
    return Clock()


@pytest.fixture
def writer(tmp_path: Path, clock: Clock) -> SpoolWriter:
    """A writer to an empty folder."""
    return SpoolWriter(tmp_path / "spool", "i", SpoolLimits(spans=10, bytes=2000, apart=0.0), clock)


def read(folder: Path) -> list[Envelope]:
    """Every envelope of every closed segment."""
    return [envelope for path in closed_segments(folder) for _, envelope in read_frames(path)]


def test_a_segment_is_closed_under_its_name(writer: SpoolWriter, tmp_path: Path) -> None:
    """The name is the id of the batch, the file is private, and it holds the frames in order."""
    writer.append(frame(FIRST), 3)
    writer.append(frame(SECOND), 0)
    assert [path.suffix for path in (tmp_path / "spool").glob("i-*")] == [".open"]
    writer.sync()
    assert writer.roll() == "i-1795000000000-00000001"
    (path,) = closed_segments(tmp_path / "spool")
    assert path.name == "i-1795000000000-00000001.seg"
    assert path.stat().st_mode & 0o777 == 0o600
    assert list(read_frames(path)) == [(0, FIRST), (len(frame(FIRST)), SECOND)]


def test_an_empty_segment_is_no_batch(writer: SpoolWriter, tmp_path: Path) -> None:
    """Nothing is written for nothing."""
    writer.sync()
    assert writer.roll() is None
    assert closed_segments(tmp_path / "spool") == []


def test_a_segment_is_due_by_spans_bytes_and_age(writer: SpoolWriter, clock: Clock) -> None:
    """Each limit alone is enough."""
    assert not writer.due()
    writer.append(frame(FIRST), 9)
    assert not writer.due()
    writer.append(frame(FIRST), 1)
    assert writer.due()
    writer.roll()
    writer.append(b"x" * 1999, 1)
    assert not writer.due()
    writer.append(b"x", 1)
    assert writer.due()
    writer.roll()
    writer.append(frame(FIRST), 1)
    clock.at += 0.75
    assert not writer.due()
    clock.at += 0.25
    assert writer.due()
    writer.roll()
    assert not writer.due()


def test_a_frame_that_would_go_beyond_a_limit_makes_it_due(
    writer: SpoolWriter, clock: Clock
) -> None:
    """So that a batch stays within it; of an empty spool nothing is due."""
    assert not writer.due(10_000, 100)
    writer.append(b"x" * 1000, 6)
    assert not writer.due(1000, 4)
    assert writer.due(1001, 4)
    assert writer.due(1000, 5)


def test_it_is_known_when_a_segment_is_due(writer: SpoolWriter, clock: Clock) -> None:
    """Nobody has to look again and again."""
    assert writer.due_in() is None
    writer.append(frame(FIRST), 1)
    assert writer.due_in() == 1.0
    clock.at += 0.75
    assert writer.due_in() == 0.25
    clock.at += 5
    assert writer.due_in() == 0.0
    writer.roll()
    assert writer.due_in() is None


def test_small_batches_are_apart(tmp_path: Path, clock: Clock) -> None:
    """The first is closed at its age; after it one of few spans waits, one of many does not."""
    limits = SpoolLimits(spans=10, few=4, seconds=1.0, apart=2.0)
    writer = SpoolWriter(tmp_path / "spool", "i", limits, clock)
    writer.append(frame(FIRST), 1)
    clock.at += 1.0
    assert writer.due()
    writer.roll()
    writer.append(frame(FIRST), 3)
    clock.at += 1.0
    assert (writer.due(), writer.due_in()) == (False, 1.0)
    writer.append(frame(FIRST), 1)
    assert (writer.due(), writer.due_in()) == (True, 0.0)
    writer.roll()
    writer.append(frame(FIRST), 3)
    clock.at += 2.0
    assert writer.due()


def test_a_clock_that_is_set_back_keeps_no_segment_open(writer: SpoolWriter, clock: Clock) -> None:
    """It would be open for as long as the clock was wrong."""
    writer.append(frame(FIRST), 1)
    clock.at -= 3600
    assert writer.due()
    assert writer.due_in() == 0.0
    writer.roll()
    clock.at -= 3600
    writer.append(frame(FIRST), 1)
    assert writer.due()


def test_frames_are_counted_without_reading_them(writer: SpoolWriter, tmp_path: Path) -> None:
    """All of them, or those behind an offset; a torn end does not count."""
    data = frame(FIRST)
    for _ in range(3):
        writer.append(data, 1)
    writer.roll()
    (path,) = closed_segments(tmp_path / "spool")
    assert count_frames(path) == 3
    assert count_frames(path, 0) == 2
    assert count_frames(path, 2 * len(data)) == 0
    path.write_bytes(data + data[:-1])
    assert count_frames(path) == 1


@pytest.mark.parametrize("seconds", [0, 3600, -3600])
def test_names_go_on_after_a_restart(tmp_path: Path, clock: Clock, seconds: float) -> None:
    """Also where the clock went back and all segments were processed meanwhile."""
    names = []
    for _ in range(3):
        writer = SpoolWriter(tmp_path, "i", SpoolLimits(), clock)
        for _ in range(2):
            writer.append(frame(FIRST), 1)
            names.append(writer.roll())
        clock.at += seconds
        for path in closed_segments(tmp_path):
            path.unlink()
    assert None not in names
    assert names == sorted(set(names), key=str)


def test_an_instance_that_breaks_the_name_is_refused(tmp_path: Path) -> None:
    """A dash would move the parts of the name, a slash the file."""
    for instance in ("a-b", "../a", "", "a\n"):
        with pytest.raises(ValueError, match="instance"):
            SpoolWriter(tmp_path, instance, SpoolLimits())


def test_segments_come_in_order_of_creation(tmp_path: Path, clock: Clock) -> None:
    """Whatever else lies in the folder."""
    for name in (
        "b-1795000000000-00000002",
        "a-1795000000001-00000001",
        "c-1795000000000-00000010",
    ):
        (tmp_path / f"{name}.seg").touch()
    (tmp_path / "notes.seg").touch()
    order = [path.stem[0] for path in closed_segments(tmp_path)]
    assert order == ["b", "c", "a"]


def test_a_torn_last_frame_is_cut_wherever_it_was_torn(tmp_path: Path) -> None:
    """Every byte of the last frame, from none to all."""
    whole, last = frame(SECOND), frame(FIRST)
    for cut in range(len(last) + 1):
        folder = tmp_path / str(cut)
        folder.mkdir()
        path = folder / "i-1795000000000-00000001.open"
        path.write_bytes(whole + last[:cut])
        assert recover(folder) == ["i-1795000000000-00000001"]
        assert read(folder) == ([SECOND, FIRST] if cut == len(last) else [SECOND])
        assert spooled_bytes(folder) == len(whole) + (cut // len(last)) * len(last)


@pytest.mark.parametrize("tail", [b"\0" * 100, b"\xff" * 100, frame(FIRST)[:-1] + b"\0"])
def test_an_end_of_other_bytes_is_cut(tmp_path: Path, tail: bytes) -> None:
    """A crash may leave zeros, or a frame whose last page never came."""
    (tmp_path / "i-1795000000000-00000001.open").write_bytes(frame(FIRST) + tail)
    recover(tmp_path)
    assert read(tmp_path) == [FIRST]


def test_a_broken_frame_before_whole_ones_is_kept(tmp_path: Path) -> None:
    """It may have been acknowledged: it is for the decoder to set aside, not to vanish here."""
    broken = frame(FIRST)[:-1] + b"\0"
    (tmp_path / "i-1795000000000-00000001.open").write_bytes(broken + frame(SECOND))
    recover(tmp_path)
    (path,) = closed_segments(tmp_path)
    assert path.read_bytes() == broken + frame(SECOND)
    with pytest.raises(FrameInvalid, match=r"00000001\.seg, offset 0: .*crc"):
        list(read_frames(path))


def test_a_last_frame_with_other_bytes_is_kept_beside(tmp_path: Path) -> None:
    """Nobody knows whether it was acknowledged; a frame that is only cut short was not."""
    damaged = bytearray(frame(SECOND))
    damaged[-4] ^= 1
    (tmp_path / "i-1795000000000-00000001.open").write_bytes(frame(FIRST) + damaged)
    recover(tmp_path)
    assert read(tmp_path) == [FIRST]
    (kept,) = tmp_path.glob(".damaged-*")
    assert kept.read_bytes() == damaged
    assert spooled_bytes(tmp_path) == len(frame(FIRST))


@pytest.mark.parametrize("bit", range(16))
def test_a_damaged_length_takes_no_frames_behind_it_away(tmp_path: Path, bit: int) -> None:
    """They were acknowledged: the whole rest stays in the segment, for the decoder."""
    data = bytearray(frame(FIRST) + frame(SECOND) + frame(FIRST))
    data[len(frame(FIRST)) + bit // 8] ^= 1 << bit % 8
    (tmp_path / "i-1795000000000-00000001.open").write_bytes(data)
    recover(tmp_path)
    (path,) = closed_segments(tmp_path)
    assert path.read_bytes() == data


def test_open_files_without_a_whole_frame_are_removed(tmp_path: Path) -> None:
    """An empty batch is no batch."""
    (tmp_path / "i-1795000000000-00000001.open").touch()
    (tmp_path / "i-1795000000000-00000002.open").write_bytes(frame(FIRST)[:9])
    assert recover(tmp_path) == []
    assert list(tmp_path.iterdir()) == []


def test_reading_says_where_a_segment_breaks(tmp_path: Path) -> None:
    """With the offset, after the frames before it."""
    path = tmp_path / "i-1795000000000-00000001.seg"
    path.write_bytes(frame(FIRST) + frame(SECOND)[:-3])
    frames = read_frames(path)
    assert next(frames) == (0, FIRST)
    with pytest.raises(FrameInvalid, match=f"offset {len(frame(FIRST))}: .* ends 3 bytes before"):
        next(frames)


def test_a_full_spool_takes_again_when_batches_are_gone(tmp_path: Path, clock: Clock) -> None:
    """The segments of earlier writers count, and what the engine removed does not."""
    size = len(frame(FIRST))
    first = SpoolWriter(tmp_path, "i", SpoolLimits(), clock)
    first.append(frame(FIRST), 1)
    first.close()
    writer = SpoolWriter(tmp_path, "i", SpoolLimits(total_bytes=3 * size), clock)
    writer.append(frame(FIRST), 1)
    writer.append(frame(FIRST), 1)
    clock.at += 1
    with pytest.raises(SpoolFull, match=f"would exceed {3 * size}"):
        writer.append(frame(FIRST), 1)
    closed_segments(tmp_path)[0].unlink()
    clock.at += 1
    writer.append(frame(FIRST), 1)
    assert spooled_bytes(tmp_path) == 3 * size


def test_only_one_process_holds_a_spool(tmp_path: Path) -> None:
    """The second is refused, and taken when the first is gone."""
    with (
        spool_lock(tmp_path),
        pytest.raises(SpoolBusy, match="another process"),
        spool_lock(tmp_path),
    ):
        pass
    with spool_lock(tmp_path):
        pass


LIMITED = """
import resource, sys
from pathlib import Path
from auditspan.wire.errors import SpoolFull
from auditspan.wire.spool import SpoolLimits, SpoolWriter
size = int(sys.argv[2])
resource.setrlimit(resource.RLIMIT_FSIZE, (size * 5 // 2, size * 5 // 2))
writer = SpoolWriter(Path(sys.argv[1]), "i", SpoolLimits())
frame = sys.stdin.buffer.read()
writer.append(frame, 1); writer.append(frame, 1)
try:
    writer.append(frame, 1)
except SpoolFull as error:
    print(error.retryable, error)
writer.sync()
writer.append(frame[:0], 0)
print(writer.roll())
"""


def test_a_frame_that_does_not_fit_on_the_disk_leaves_no_part(tmp_path: Path) -> None:
    """The kernel writes half of it and refuses the rest, as a full disk does."""
    content = frame(FIRST)
    ran = subprocess.run(
        [sys.executable, "-c", LIMITED, str(tmp_path), str(len(content))],
        input=content,
        capture_output=True,
        check=True,
    )
    assert ran.stdout.startswith(b"True spool"), ran.stderr
    assert b"free some space" in ran.stdout
    assert read(tmp_path) == [FIRST, FIRST]


def test_a_full_file_system_says_so(tmp_path: Path, clock: Clock) -> None:
    """A real one of 256 KiB, where this user may mount one."""
    mounted = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=256k", "tmpfs", str(tmp_path)], capture_output=True
    )
    if mounted.returncode:
        pytest.skip("mounting a small file system needs root")
    try:
        writer = SpoolWriter(tmp_path, "i", SpoolLimits(), clock)
        big = frame(Envelope(OTLP_TRACES, 1, "", "", b"x" * 100_000))
        writer.append(big, 1)
        writer.append(big, 1)
        with pytest.raises(SpoolFull, match="No space left"):
            writer.append(big, 1)
        writer.sync()
        writer.close()
        assert len(read(tmp_path)) == 2
    finally:
        subprocess.run(["umount", str(tmp_path)], check=True)


def _append_forever(folder: Path, said: Callable[[bytes], int]) -> None:
    writer = SpoolWriter(folder, "i", SpoolLimits(bytes=20_000))
    number = 0
    while True:
        number += 1
        writer.append(frame(Envelope(OTLP_TRACES, number, "", "", os.urandom(700))), 1)
        if number % 7 == 0:
            writer.sync()
            said(b"%d\n" % number)
        if writer.due():
            writer.roll()


@pytest.mark.parametrize("lines", [1, 5, 40])
def test_a_killed_writer_keeps_all_that_was_acknowledged(tmp_path: Path, lines: int) -> None:
    """`kill -9` at any moment: what the process said to be durable is there, once and in order."""
    source, sink = os.pipe()
    child = multiprocessing.get_context("fork").Process(
        target=_append_forever, args=(tmp_path, lambda text: os.write(sink, text))
    )
    child.start()
    os.close(sink)
    with os.fdopen(source, "rb") as heard:
        acknowledged = [int(heard.readline()) for _ in range(lines)]
        child.kill()
        acknowledged += [int(line) for line in heard if line.endswith(b"\n")]
    child.join()
    recover(tmp_path)
    numbers = [envelope.received_at for envelope in read(tmp_path)]
    assert numbers == list(range(1, len(numbers) + 1))
    assert len(numbers) >= acknowledged[-1]
    assert list(tmp_path.glob("*.open")) == []


class BrokenDisk:
    """The disk of one test: syncing a file fails as often as it is told to."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        """Stand between the spool and the kernel: no real disk fails on demand."""
        self.failures = 0
        self.before: Callable[[], None] = lambda: None
        self._real = os.fdatasync
        monkeypatch.setattr(os, "fdatasync", self._sync)

    def _sync(self, descriptor: int) -> None:
        if self.failures:
            self.failures -= 1
            self.before()
            raise OSError(5, "Input/output error")
        self._real(descriptor)


def test_a_failed_sync_ends_the_segment(
    writer: SpoolWriter, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What was synced before is a batch, the rest is gone, and the next frame goes elsewhere."""
    disk = BrokenDisk(monkeypatch)
    writer.append(frame(FIRST), 1)
    writer.sync()
    writer.append(frame(SECOND), 1)
    disk.failures = 1
    with pytest.raises(SpoolFailed):
        writer.sync()
    assert writer.due()
    writer.append(frame(SECOND), 1)
    writer.sync()
    assert [writer.roll(), writer.roll(), writer.roll()] == [
        "i-1795000000000-00000001",
        "i-1795000000000-00000002",
        None,
    ]
    assert read(tmp_path / "spool") == [FIRST, SECOND]


def sync_that_fails(writer: SpoolWriter, monkeypatch: pytest.MonkeyPatch) -> None:
    """A frame is written before it, and another one meanwhile."""
    disk = BrokenDisk(monkeypatch)
    disk.before = lambda: writer.append(frame(SECOND), 1)
    writer.append(frame(SECOND), 1)
    disk.failures = 1
    with pytest.raises(SpoolFailed):
        writer.sync()


def test_a_frame_that_came_during_a_failing_sync_is_not_acknowledged(
    writer: SpoolWriter, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It went with the segment, so the sync that would have covered it fails, too; once."""
    sync_that_fails(writer, monkeypatch)
    with pytest.raises(SpoolFailed, match="send them again"):
        writer.sync()
    writer.sync()


def test_who_is_refused_for_frames_that_are_gone_is_not_on_disk(
    writer: SpoolWriter, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What that sync would have covered is sent again, so nothing of it stays, old or new."""
    sync_that_fails(writer, monkeypatch)
    writer.append(frame(SECOND), 1)
    with pytest.raises(SpoolFailed, match="send them again"):
        writer.sync()
    writer.append(frame(FIRST), 1)
    writer.sync()
    writer.close()
    assert read(tmp_path / "spool") == [FIRST]


def test_a_roll_that_fails_refuses_nobody_who_comes_after_it(
    writer: SpoolWriter, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its frames are on disk and answered; refused, later ones would be stored and sent again."""
    disk = BrokenDisk(monkeypatch)
    writer.append(frame(FIRST), 1)
    writer.sync()
    disk.failures = 1
    with pytest.raises(SpoolFailed):
        writer.roll()
    writer.append(frame(SECOND), 1)
    writer.sync()
    writer.close()
    assert read(tmp_path / "spool") == [FIRST, SECOND]


def test_a_failed_roll_keeps_what_was_synced(
    writer: SpoolWriter, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The next one names the batch."""
    disk = BrokenDisk(monkeypatch)
    writer.append(frame(FIRST), 1)
    writer.sync()
    writer.append(frame(SECOND), 1)
    disk.failures = 1
    with pytest.raises(SpoolFailed):
        writer.roll()
    assert writer.roll() == "i-1795000000000-00000001"
    assert read(tmp_path / "spool") == [FIRST]


def test_frames_may_be_appended_while_another_thread_syncs(tmp_path: Path) -> None:
    """Every frame is there once, whatever was rolled in between."""
    writer = SpoolWriter(tmp_path, "i", SpoolLimits(bytes=5_000))
    done = threading.Event()

    def sync_and_roll() -> None:
        while not done.wait(0.001):
            writer.sync()
            if writer.due():
                writer.roll()

    thread = threading.Thread(target=sync_and_roll)
    thread.start()
    for number in range(1, 501):
        writer.append(frame(Envelope(OTLP_TRACES, number, "", "", b"x" * 100)), 1)
    done.set()
    thread.join()
    writer.close()
    assert [envelope.received_at for envelope in read(tmp_path)] == list(range(1, 501))
