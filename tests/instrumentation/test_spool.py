"""What survives on disk, and how much."""

import errno
import os
from pathlib import Path

import pytest

from auditspan.instrumentation import segments
from auditspan.instrumentation.encode import Encoder
from auditspan.instrumentation.errors import SpoolFull
from auditspan.instrumentation.process_lock import ProcessLock
from auditspan.instrumentation.spool import Spool
from tests.instrumentation.recorded import spans
from tests.instrumentation.sink import spans_of

[SPAN] = spans("one")
REQUEST = Encoder().encode(SPAN, b"")
MANY = 1 << 20


def test_what_is_appended_is_in_the_file_at_once(tmp_path: Path) -> None:
    """Nothing waits in memory, and nobody else may read it."""
    spool = Spool(tmp_path / "spool", "i", MANY)
    spool.append(REQUEST)
    [path] = spool.folder.glob("*.open")
    assert path.read_bytes() == REQUEST
    assert path.stat().st_mode & 0o777 == 0o600
    assert spool.folder.stat().st_mode & 0o777 == 0o700
    assert spool.root.stat().st_mode & 0o777 == 0o700
    spool.close()


def test_a_segment_ends_when_it_is_full(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A full segment is closed and may be sent, the next one begins."""
    monkeypatch.setattr(segments, "MAX_SPANS", 2)
    spool = Spool(tmp_path, "i", MANY)
    assert [spool.append(REQUEST) for _ in range(3)] == [False, True, False]
    [path] = spool.closed()
    assert path.read_bytes() == REQUEST * 2
    spool.close()


def test_a_large_request_stands_alone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """If it is refused as too large, the others are not."""
    monkeypatch.setattr(segments, "MAX_BYTES", 2 * len(REQUEST))
    spool = Spool(tmp_path, "i", MANY)
    large = Encoder().encode(SPAN, b"") * 2
    assert [spool.append(each) for each in (REQUEST, large, REQUEST)] == [False, True, False]
    spool.cut()
    assert [path.read_bytes() for path in spool.closed()] == [REQUEST, large, REQUEST]
    spool.close()


def test_a_full_spool_refuses_and_takes_again(tmp_path: Path) -> None:
    """The bound holds, and what is sent makes room."""
    spool = Spool(tmp_path, "i", len(REQUEST))
    spool.append(REQUEST)
    with pytest.raises(SpoolFull, match="AUDITSPAN_SPOOL_MAX_BYTES"):
        spool.append(REQUEST)
    spool.cut()
    for path in list(spool.closed()):
        spool.done(path)
    spool.append(REQUEST)
    spool.close()


def test_the_bound_counts_what_others_left(tmp_path: Path) -> None:
    """Many short processes do not fill the disk either."""
    first = Spool(tmp_path, "first", MANY)
    first.append(REQUEST)
    first.close()
    second = Spool(tmp_path, "second", len(REQUEST))
    with pytest.raises(SpoolFull):
        second.check()
    second.close()


def test_a_failing_disk_leaves_no_torn_span(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A write that is cut short by a full disk is taken back, and later ones are whole."""
    spool = Spool(tmp_path, "i", MANY)
    spool.append(REQUEST)
    write = os.write

    def half(descriptor: int, content: bytes) -> int:
        if len(content) < len(REQUEST):
            raise OSError(errno.ENOSPC, "No space left on device")
        return write(descriptor, content[: len(content) // 2])

    monkeypatch.setattr(os, "write", half)
    with pytest.raises(SpoolFull, match="No space left"):
        spool.append(REQUEST)
    monkeypatch.undo()
    spool.append(REQUEST)
    spool.cut()
    [path] = spool.closed()
    assert len(list(spans_of(path.read_bytes()))) == 2
    spool.close()


def test_what_a_dead_process_left_is_adopted_without_its_torn_end(tmp_path: Path) -> None:
    """Open and closed segments of a process that is gone are sent by another one."""
    dead = Spool(tmp_path, "dead", MANY)
    dead.append(REQUEST)
    dead.cut()
    dead.append(REQUEST)
    [open_] = dead.folder.glob("*.open")
    with open_.open("ab") as file:
        file.write(REQUEST[:-1])
    dead.forget()
    heir = Spool(tmp_path, "heir", MANY)
    for folder in heir.orphans():
        found = list(segments.closed(folder))
        assert [path.read_bytes() for path in found] == [REQUEST, REQUEST]
        for path in found:
            heir.done(path)
    assert not dead.folder.exists()
    heir.close()
    assert list(tmp_path.iterdir()) == []


def test_a_living_process_keeps_its_own(tmp_path: Path) -> None:
    """Nobody touches the folder of a process that lives, nor one that is being made."""
    alive = Spool(tmp_path, "alive", MANY)
    (tmp_path / ".being-made").mkdir()
    other = Spool(tmp_path, "other", MANY)
    assert list(other.orphans()) == []
    assert ProcessLock.take(alive.folder) is None
    alive.close()
    other.close()


def test_a_folder_that_cannot_be_made_is_told(tmp_path: Path) -> None:
    """A spool without a disk is refused at once."""
    (tmp_path / "file").write_text("")
    with pytest.raises(SpoolFull, match=r"spool .*file"):
        Spool(tmp_path / "file", "i", MANY)
