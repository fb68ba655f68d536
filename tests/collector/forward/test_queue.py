"""The queue of batches that wait for a backend."""

import errno
import os
from pathlib import Path

import pytest

from auditspan.collector.forward.queue import ForwardQueue
from auditspan.wire.envelope import OTLP_TRACES, Envelope, frame

FIRST, SECOND = "test-0000000000001-00000001", "test-0000000000001-00000002"


@pytest.fixture
def spool(tmp_path: Path) -> Path:
    """A spool with two closed batches."""
    folder = tmp_path / "spool"
    folder.mkdir()
    for name in (FIRST, SECOND):
        envelope = Envelope(OTLP_TRACES, 1, "d", "p", request=name.encode())
        (folder / f"{name}.seg").write_bytes(frame(envelope))
    return folder


def opened(spool: Path) -> ForwardQueue:
    """The queue beside the spool."""
    return ForwardQueue(spool, spool.with_name("forward"), 1 << 20)


def test_a_batch_costs_no_second_copy(spool: Path) -> None:
    """It is the same file, and adding it twice changes nothing."""
    queue = opened(spool)
    assert (queue.add(FIRST), queue.add(FIRST)) == (0, 0)
    path = queue.oldest()
    assert path is not None and path.samefile(spool / f"{FIRST}.seg")
    assert queue.size == path.stat().st_size


def test_where_links_fail_there_is_a_copy(spool: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """And nothing half written is ever taken for a batch."""

    def refuse(*_: object) -> None:
        raise OSError(errno.EXDEV, "another file system")

    monkeypatch.setattr(os, "link", refuse)
    queue = opened(spool)
    queue.add(FIRST)
    path = queue.oldest()
    assert path is not None and not path.samefile(spool / f"{FIRST}.seg")
    assert path.read_bytes() == (spool / f"{FIRST}.seg").read_bytes()
    draft = path.with_name(f"{SECOND}.seg.new")
    draft.write_bytes(b"half")
    assert opened(spool).oldest() == path
    assert not draft.exists()


def test_what_was_missed_is_what_came_after_the_last(spool: Path) -> None:
    """Not what was passed on while the audit path is still busy with it."""
    queue = opened(spool)
    assert queue.missed() == [FIRST, SECOND]
    queue.add(FIRST)
    path = queue.oldest()
    assert path is not None
    queue.remove(path)
    assert opened(spool).missed() == [SECOND]


def test_the_place_is_known_even_if_it_cannot_be_written(spool: Path) -> None:
    """To this process; a full disk makes nothing be sent over and over."""
    queue = opened(spool)
    queue.add(FIRST)
    path = queue.oldest()
    assert path is not None
    (path.parent / "cursor.new").mkdir()
    with pytest.raises(OSError):
        queue.passed(path, 7)
    assert queue.offset(path) == 7


@pytest.mark.parametrize("text", [b"", b"\xff", b"other 9", f"{FIRST} -5".encode()])
def test_a_cursor_that_says_nothing_means_the_beginning(spool: Path, text: bytes) -> None:
    """Then requests are passed on twice, not left out."""
    opened(spool).add(FIRST)
    (spool.with_name("forward") / "cursor").write_bytes(text)
    queue = opened(spool)
    path = queue.oldest()
    assert path is not None
    assert queue.offset(path) == -1
