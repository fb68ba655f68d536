"""Spools that were damaged, deleted or are looked at by several at once."""

import shutil
import threading
from pathlib import Path

import pytest

from auditspan.instrumentation import intents, segments, tool
from auditspan.instrumentation.act import Act
from auditspan.instrumentation.call import begin
from auditspan.instrumentation.encode import Encoder
from auditspan.instrumentation.recorded_call import Recorded
from auditspan.instrumentation.spool import Spool
from tests.instrumentation.recorded import running, spans, written

[SPAN] = spans("one")
REQUEST = Encoder().encode(SPAN, b"")
MANY = 1 << 20


def orphan(root: Path, name: str) -> Path:
    """What a process that is gone left: one record."""
    folder = root / name
    folder.mkdir(parents=True)
    segments.add(folder, REQUEST)
    return folder


@pytest.mark.parametrize("file", ["intents", "00000001.open"])
def test_a_broken_file_keeps_nobody_from_sending_the_rest(tmp_path: Path, file: str) -> None:
    """Of the same process and of others; it is kept for people."""
    broken, good = orphan(tmp_path, "a"), orphan(tmp_path, "b")
    (broken / file).write_bytes(b"\x0a\x03\xff\xff\xff")
    spool = Spool(tmp_path, "own", MANY)
    seen = [folder for folder in spool.orphans() if list(segments.closed(folder))]
    assert seen == [broken, good]
    spool.close()


def test_what_a_killed_adoption_left_half_made_goes(tmp_path: Path) -> None:
    """It is a copy of what is still there under its own name."""
    folder = orphan(tmp_path, "a")
    for name in ("00000002.part", "intents.new"):
        (folder / name).write_bytes(REQUEST)
    spool = Spool(tmp_path, "own", MANY)
    for found in spool.orphans():
        for segment in segments.closed(found):
            segment.unlink()
    assert not folder.exists()
    spool.close()


def test_many_at_once_adopt_each_folder_once(tmp_path: Path) -> None:
    """Without a fault, and nothing is left over."""
    for n in range(150):
        orphan(tmp_path, f"o{n}")
    taken: list[Path] = []
    faults: list[Exception] = []

    def adopt(n: int) -> None:
        try:
            spool = Spool(tmp_path, f"own{n}", MANY)
            for _ in range(3):
                for folder in spool.orphans():
                    for segment in segments.closed(folder):
                        segment.unlink()
                        taken.append(segment)
            spool.close()
        except Exception as error:
            faults.append(error)

    threads = [threading.Thread(target=adopt, args=(n,)) for n in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not faults
    assert len(taken) == len(set(taken)) == 150
    assert list(tmp_path.iterdir()) == []


@tool
def act(n: int) -> int:
    """Something to record."""
    return n


def test_a_spool_that_is_deleted_is_made_again(tmp_path: Path) -> None:
    """What is recorded afterwards is on disk, under the name of another process."""
    with running(tmp_path) as found:
        act(1)
        shutil.rmtree(tmp_path / "spool")
        act(2)
        act(3)
        assert [span.text("gen_ai.tool.call.arguments") for span in written(tmp_path)] == [
            '{"n":2}',
            '{"n":3}',
        ]
        assert found.durable.dropped == 0


def test_calls_that_are_open_when_it_is_deleted_stay_open(tmp_path: Path) -> None:
    """No kill hides them: they stand in the new one."""
    with running(tmp_path) as found:
        call = begin(Act("execute_tool", "long"))
        assert isinstance(call, Recorded)
        found.durable.intend(call.span)
        shutil.rmtree(tmp_path / "spool")
        act(2)
        [path] = (tmp_path / "spool").glob("*/intents")
        assert call.span.get_span_context().span_id.to_bytes(8, "big") in path.read_bytes()
        call.succeeded()


def test_ended_calls_are_not_told_again_after_the_file_was_made_anew(tmp_path: Path) -> None:
    """Whatever came between."""
    made = intents.Intents(tmp_path)
    made.open(1, REQUEST * 20)
    made.open(2, REQUEST)
    made.close(1)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(intents, "MAX_BYTES", 1)
        made.settle()
    made.close(2)
    made.settle()
    assert (tmp_path / "intents").read_bytes() == b""
    made.finish()
