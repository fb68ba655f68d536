"""A segment becomes rows exactly once, wherever the process dies, and nothing of it is lost."""

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from auditspan.collector.engine import pipeline
from auditspan.collector.engine.log_file import LOG
from auditspan.collector.engine.old_batches import OldBatches
from auditspan.collector.engine.segments import SEQUENCES, Segments
from auditspan.processors.batch import Batch
from auditspan.processors.severity import SeverityConfig, severity
from auditspan.storage.batch_file import read_batch
from auditspan.storage.errors import BatchFileInvalid
from tests.collector.engine.conftest import (
    NOW,
    Workshop,
    applied,
    control,
    envelope,
    spans,
    unreadable,
)

IDS = "SELECT RecordId FROM audit_records ORDER BY RecordId"


def test_a_segment_becomes_rows(workshop: Workshop) -> None:
    """Rows in the store, the segment gone, the batch file and the numbering kept."""
    segment = workshop.segment(spans(1, 2, 3), spans(4))
    stored = workshop.segments().process(segment)
    assert (stored.records, stored.dead_letters, stored.controls) == (4, 0, 0)
    assert (workshop.count(), segment.exists()) == (4, False)
    batches = workshop.data.folder("batches")
    assert {path.name for path in batches.iterdir()} == {
        f"{segment.stem}.arrow", f"{segment.stem}.seal", "log-2026-11-open.seal", LOG, SEQUENCES,
    }  # fmt: skip
    assert '"last"' not in (batches / SEQUENCES).read_text()
    assert [4, [], []] in json.loads((batches / SEQUENCES).read_text()).values()


def test_a_crash_before_the_batch_file_changes_nothing(workshop: Workshop) -> None:
    """Registry tables, dead letters and the batch's numbering are there, and are not doubled."""
    segment = workshop.segment(applied(), spans(1, 2), unreadable())
    with monkeypatched_crash("write_batch"), pytest.raises(Crash):
        workshop.segments().process(segment)
    assert (workshop.count("agents"), workshop.count("dead_letters"), workshop.count()) == (1, 1, 0)
    stored = workshop.segments().process(segment)
    assert (stored.records, workshop.count()) == (3, 3)
    assert (workshop.count("agents"), workshop.count("registry_versions")) == (1, 1)
    assert (workshop.count("dead_letters"), len(dead(workshop))) == (1, 2)


@pytest.mark.parametrize("point", ["finish_sealed", "after_store", "unlink"])
def test_a_crash_after_the_batch_file_keeps_its_records(workshop: Workshop, point: str) -> None:
    """Before the insert, after it, and before the segment is gone: the ids are the file's."""
    segment, segments = workshop.segment(spans(1, 2, 3)), workshop.segments()
    with monkeypatched_crash(point), pytest.raises(Crash):
        segments.process(segment)
    file = workshop.data.folder("batches") / f"{segment.stem}.arrow"
    ids = sorted(read_batch(file).table["RecordId"].to_pylist())
    assert workshop.count() == (0 if point == "finish_sealed" else 3)
    stored = workshop.segments().process(segment)
    assert (stored.records, workshop.column(IDS), segment.exists()) == (3, ids, False)
    assert [3, [], []] in json.loads((file.parent / SEQUENCES).read_text()).values()


def test_numbering_goes_on_over_a_restart(workshop: Workshop) -> None:
    """The next process knows where a sender was: a repeated number is seen as one."""
    workshop.segments().process(workshop.segment(spans(1, 2, 3)))
    fresh = workshop.segments()
    fresh.process(workshop.segment(spans(4), number=2))
    assert [p.last for p in fresh.sequences.instances.values()] == [4]


def test_control_frames_fill_the_registry_and_judge_what_follows(workshop: Workshop) -> None:
    """Tables, a row of their own, and the records of the same segment are judged by them."""
    segments = workshop.segments()
    stored = segments.process(workshop.segment(applied(), spans(1)))
    assert (stored.controls, stored.records, len(segments.history.applied)) == (1, 2, 1)
    for table in ("registry_versions", "policy_versions", "agents", "tools", "grants"):
        assert workshop.count(table) == 1, table
    assert workshop.column("SELECT RecordKind FROM audit_records ORDER BY 1") == [
        "action",
        "control",
    ]
    judged = "SELECT PolicyOutcome FROM audit_records WHERE RecordKind = 'action'"
    assert workshop.column(judged) != ["not_evaluated"]


def test_a_segment_of_only_bad_frames(workshop: Workshop) -> None:
    """No records, but every frame is kept with its reason, and the log says that it is missing."""
    segment = workshop.segment(unreadable(), unreadable())
    stored = workshop.segments().process(segment)
    assert (stored.records, stored.dead_letters, segment.exists()) == (0, 2, False)
    batches = workshop.data.folder("batches")
    assert [path.name for path in batches.glob(f"{segment.stem}*")] == [f"{segment.stem}.seal"]
    assert workshop.column("SELECT DISTINCT Stage FROM dead_letters") == ["decode"]
    kept = [path for path in dead(workshop) if path.suffix == ".data"]
    assert [path.read_bytes() for path in kept] == [unreadable()] * 2


def test_a_bad_frame_takes_no_control_frame_with_it(workshop: Workshop) -> None:
    """What stands before and behind it is read, of both kinds."""
    torn = b"\x05\x08\x01\x10\x01\xff"
    stored = workshop.segments().process(
        workshop.segment(unreadable(), applied(), torn, spans(1), control("{}"), spans(2))
    )
    assert (stored.controls, stored.records, stored.dead_letters) == (1, 3, 3)
    stages = workshop.column("SELECT Stage FROM dead_letters ORDER BY 1")
    assert stages == ["control", "decode", "decode"]


def test_an_empty_segment_and_an_empty_request(workshop: Workshop) -> None:
    """Nothing in, nothing out, and the segment is gone."""
    for number, content in enumerate((b"", envelope(b"")), start=1):
        segment = workshop.segment(content, number=number)
        assert workshop.segments().process(segment).records == 0
        assert not segment.exists()


def test_a_record_on_which_a_stage_fails_stands_alone(
    workshop: Workshop, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It is a dead letter with file, reason and row; all others are stored."""

    def fails(batch: Batch, config: SeverityConfig) -> Batch:
        if "hostile" in batch.column("ToolName").to_pylist():
            raise RuntimeError("cannot take this")
        return severity(batch, config)

    monkeypatch.setattr(pipeline, "severity", fails)
    segment = workshop.segment(spans(1, 2), spans(3, tool="hostile"), spans(4, 5))
    stored = workshop.segments().process(segment)
    assert (stored.records, stored.dead_letters, workshop.count()) == (4, 1, 4)
    about = json.loads((workshop.data.folder("dead") / f"{segment.stem}-record-2.json").read_text())
    assert about["stage"] == "severity"
    assert about["reason"] == "RuntimeError: cannot take this"
    data = (workshop.data.folder("dead") / f"{segment.stem}-record-2.data").read_bytes()
    assert data == spans(3, tool="hostile")
    [row] = workshop.store.arrow(
        "SELECT BatchId, PrincipalId, Stage, Reason, File FROM dead_letters"
    ).to_pylist()
    assert row == {
        "BatchId": segment.stem,
        "PrincipalId": "agent:helper",
        "Stage": "severity",
        "Reason": "RuntimeError: cannot take this",
        "File": f"{segment.stem}-record-2.data",
    }


def test_a_panic_of_a_library_is_a_failure_of_a_record(
    workshop: Workshop, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Panics of native code are no `Exception`; they do not end the process."""

    class Panic(BaseException):
        pass

    def panics(*_: object) -> Batch:
        raise Panic("unreachable code")

    monkeypatch.setattr(pipeline, "policy", panics)
    stored = workshop.segments().process(workshop.segment(spans(1)))
    assert (stored.records, stored.dead_letters) == (0, 1)


def test_a_damaged_batch_file_is_made_anew(workshop: Workshop) -> None:
    """The damaged one is put aside for whoever wants to know; the segment still has it all."""
    segment, segments = workshop.segment(spans(1, 2)), workshop.segments()
    with monkeypatched_crash("finish_sealed"), pytest.raises(Crash):
        segments.process(segment)
    file = workshop.data.folder("batches") / f"{segment.stem}.arrow"
    os.truncate(file, 100)
    segments = workshop.segments()
    with pytest.raises(BatchFileInvalid):
        segments.process(segment)
    assert segments.process(segment).records == 2
    assert file.with_name(f"{file.name}.invalid").stat().st_size == 100


def test_old_batch_files_are_dropped(workshop: Workshop) -> None:
    """After the hold, counted from storing; never while the segment is there."""
    segments = workshop.segments()
    segment = workshop.segment(spans(1))
    file = workshop.data.folder("batches") / f"{segment.stem}.arrow"
    with monkeypatched_crash("finish_sealed"), pytest.raises(Crash):
        segments.process(segment)
    os.utime(file, (1, 1))
    old = OldBatches(workshop.data, 600, lambda: NOW)
    assert old.run() == 0
    segments.process(segment)
    assert file.stat().st_mtime > 1
    os.utime(file, (NOW / 1e9 - 599,) * 2)
    assert old.run() == 0
    os.utime(file, (NOW / 1e9 - 601,) * 2)
    old.tick()
    assert not file.exists()


def test_a_full_disk_loses_nothing(tmp_path: Path) -> None:
    """No room for batch file, registry, dead letters or rows: an error; with room, all of it."""
    script = (
        f"mount -t tmpfs -o size=48m tmpfs {tmp_path} || exit 77; "
        f"exec {sys.executable} -m tests.collector.engine.full_disk {tmp_path}"
    )
    found = shutil.which("unshare")
    if not found:
        pytest.skip("no unshare here: the test with a disk of its own did not run")
    root = Path(__file__).parents[3]
    done = subprocess.run(
        [found, "-m", "sh", "-c", script],
        cwd=root, capture_output=True, text=True, timeout=120, check=False,
    )  # fmt: skip
    if done.returncode and "Traceback" not in done.stderr:
        pytest.skip(f"no right to mount, the test did not run: {done.stderr.strip()[-200:]}")
    assert done.returncode == 0, done.stderr[-3000:]
    found_rows = json.loads(done.stdout)
    assert found_rows.pop("refused") >= 6
    assert found_rows == {
        "audit_records": 8 * 101,
        "agents": 8,
        "tools": 8,
        "dead_letters": 8,
        "distinct": 8 * 101,
    }


class Crash(BaseException):
    """As if the process had died here."""


@contextmanager
def monkeypatched_crash(point: str) -> Iterator[None]:
    """Die before `write_batch`, before or after the insert, or before the segment is deleted."""

    def dies(*_: object, **__: object) -> None:
        raise Crash

    with pytest.MonkeyPatch.context() as patch:
        if point == "after_store":
            patch.setattr(Segments, "_adopt_sequences", dies)
        elif point == "unlink":
            patch.setattr(Path, "unlink", dies)
        else:
            patch.setattr(f"auditspan.collector.engine.sealing.{point}", dies)
        yield


def dead(workshop: Workshop) -> list[Path]:
    """The files of the dead letters."""
    return sorted(workshop.data.folder("dead").iterdir())
