"""Small segments that wait become one of the same frames, and no crash loses or doubles one."""

import itertools
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

from auditspan.collector.engine import joining
from auditspan.collector.engine.cutting import in_order
from auditspan.collector.engine.joining import joined, resume
from auditspan.collector.engine.waking import Wake
from auditspan.wire.envelope import OTLP_TRACES, Envelope, frame
from auditspan.wire.segments import sync_folder, write_synced
from tests.collector.engine.conftest import (
    NOW,
    PRINCIPAL,
    Workshop,
    applied,
    envelope,
    spans,
)

DAY = 86_400_000_000_000
LIMIT = (20_000, 1 << 20)


def waiting(folder: Path, *contents: bytes) -> list[Path]:
    """Closed segments with these contents."""
    paths = [folder / f"abcd1234-1795000000000-{n:08d}.seg" for n in range(1, len(contents) + 1)]
    for path, content in zip(paths, contents, strict=True):
        path.write_bytes(content)
    return paths


def told(paths: list[Path]) -> set[str]:
    """All of them."""
    return {path.stem for path in paths}


def join(paths: list[Path], limit: tuple[int, int] = LIMIT) -> Path:
    """With nothing against it."""
    return joined(paths, told(paths), lambda batch_id: True, limit)


def left(folder: Path) -> list[bytes]:
    """What lies there, and nothing besides."""
    assert [path for path in folder.iterdir() if path.suffix != ".seg"] == []
    return [path.read_bytes() for path in in_order(folder)]


def test_those_that_wait_become_the_first_one(tmp_path: Path) -> None:
    """With all frames in their order; who has the old file open or linked still has that one."""
    contents = [spans(1, 2), spans(3) + applied(), spans(4)]
    paths = waiting(tmp_path, *contents)
    link = tmp_path.parent / f"{tmp_path.name}.link"
    link.hardlink_to(paths[0])
    assert join(paths) == paths[0]
    assert left(tmp_path) == [b"".join(contents)]
    assert link.read_bytes() == contents[0]


def test_one_that_waits_alone_is_not_touched(tmp_path: Path) -> None:
    """There is nothing to win."""
    (path,) = waiting(tmp_path, spans(1))
    before = path.stat()
    assert join([path]) == path
    assert (path.stat().st_ino, path.stat().st_mtime_ns) == (before.st_ino, before.st_mtime_ns)


@pytest.mark.parametrize(
    "limit",
    [(3, 1 << 20), (20_000, len(spans(1, 2)) + len(spans(3)))],
    ids=["spans", "bytes"],
)
def test_no_more_is_joined_than_a_batch_may_have(tmp_path: Path, limit: tuple[int, int]) -> None:
    """What does not fit waits for its turn."""
    contents = [spans(1, 2), spans(3), spans(4)]
    join(waiting(tmp_path, *contents), limit)
    assert left(tmp_path) == [contents[0] + contents[1], contents[2]]


def test_a_large_resource_counts_for_each_span_below_it(tmp_path: Path) -> None:
    """Segments are small as long as it stands once in each; a batch has it in each record."""
    request = ExportTraceServiceRequest()
    found = request.resource_spans.add()
    found.resource.attributes.add(key="blob").value.string_value = "x" * (100 << 10)
    for number in range(10):
        found.scope_spans.add().spans.add(trace_id=b"t" * 16, span_id=number.to_bytes(8))
    content = envelope(request.SerializeToString())
    join(waiting(tmp_path, content, content, content), (1000, 8 << 20))
    assert left(tmp_path) == [content + content, content]


def _next_day() -> bytes:
    return frame(Envelope(OTLP_TRACES, NOW + DAY, f"sha256:{1:064x}", PRINCIPAL, request=b""))


@pytest.mark.parametrize("other", [_next_day(), spans(9)[:-1], b""], ids=["day", "torn", "empty"])
def test_what_does_not_belong_together_stays_apart(tmp_path: Path, other: bytes) -> None:
    """A batch is of one day, and a damaged segment is looked at alone."""
    contents = [spans(1), other, spans(2)]
    join(waiting(tmp_path, *contents))
    assert left(tmp_path) == contents


def test_only_those_that_front_spoke_of_are_joined(tmp_path: Path) -> None:
    """Another part of front may still have to make a link to the file."""
    paths = waiting(tmp_path, spans(1), spans(2), spans(3))
    joined(paths, told(paths[:2]), lambda batch_id: True)
    assert left(tmp_path) == [spans(1) + spans(2), spans(3)]


def test_what_was_begun_stays_as_it_is(tmp_path: Path) -> None:
    """Its batch is on disk, of just these frames."""
    paths = waiting(tmp_path, spans(1), spans(2), spans(3))
    for begun in (0, 1):
        joined(paths, told(paths), paths[begun].stem.__ne__)
        assert left(tmp_path) == [spans(1), spans(2), spans(3)]


def test_parts_of_a_cut_are_not_joined(tmp_path: Path) -> None:
    """They would be cut again."""
    paths = waiting(tmp_path, spans(1), spans(2))
    parts = [path.rename(path.with_name(f"{path.stem}.p0000.seg")) for path in paths]
    joined(parts, told(parts), lambda batch_id: True)
    assert left(tmp_path) == [spans(1), spans(2)]


class Crash(BaseException):
    """The process is gone."""


def _crashing(patch: pytest.MonkeyPatch, steps: Iterator[int], at: int) -> None:
    """Die before the step of a number, or in the midst of it."""

    def wrapped(real: Callable[..., Any], torn: Callable[..., Any]) -> Callable[..., Any]:
        def step(*arguments: Any, **named: Any) -> Any:
            number = next(steps)
            if number == 2 * at:
                raise Crash
            if number == 2 * at + 1:
                torn(*arguments)
                raise Crash
            next(steps)
            return real(*arguments, **named)

        return step

    def nothing(*arguments: Any) -> None:
        pass

    def half(path: Path, data: bytes) -> None:
        path.write_bytes(data[: len(data) // 2])

    patch.setattr(joining, "write_synced", wrapped(write_synced, half))
    patch.setattr(joining, "sync_folder", wrapped(sync_folder, nothing))
    patch.setattr(Path, "replace", wrapped(Path.replace, nothing))
    patch.setattr(Path, "unlink", wrapped(Path.unlink, Path.unlink))


def test_a_crash_at_any_step_leaves_every_frame_once(tmp_path: Path) -> None:
    """Before each step and in the midst of it; the next process finishes it or begins anew."""
    contents = [spans(1, 2), spans(3), spans(4)]
    crashes = 0
    for at, torn in itertools.product(range(30), (0, 1)):
        folder = tmp_path / f"{at}-{torn}"
        folder.mkdir()
        paths = waiting(folder, *contents)
        with pytest.MonkeyPatch.context() as patch:
            _crashing(patch, itertools.count(torn), at)
            try:
                join(paths)
            except Crash:
                crashes += 1
        resume(folder)
        assert b"".join(left(folder)) == b"".join(contents)
        join(in_order(folder))
        assert left(folder) == [b"".join(contents)]
    assert 16 <= crashes < 60


def test_a_list_that_came_back_removes_nothing(tmp_path: Path) -> None:
    """Its removal was not on disk before the power failed; what is there now is something else."""
    paths = waiting(tmp_path, spans(1), spans(2))
    listed = tmp_path / f".joining-{paths[0].stem}"
    listed.write_text(f'[{len(spans(1)) + len(spans(2))}, ["{paths[1].name}"]]')
    resume(tmp_path)
    assert left(tmp_path) == [spans(1), spans(2)]
    listed.write_text(f"[{len(spans(1))}, []]")
    paths[0].unlink()
    resume(tmp_path)
    assert left(tmp_path) == [spans(2)]


def test_a_disk_without_room_processes_the_first_alone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """That makes room."""

    def full(path: Path, data: bytes) -> None:
        path.write_bytes(data[:10])
        raise OSError(28, "No space left on device")

    paths = waiting(tmp_path, spans(1), spans(2))
    monkeypatch.setattr(joining, "write_synced", full)
    assert join(paths) == paths[0]
    assert left(tmp_path) == [spans(1), spans(2)]


def test_joined_segments_become_rows_of_one_batch(workshop: Workshop) -> None:
    """Under the name of the first; control records and the senders' numbering are as ever."""
    spool = workshop.data.folder("spool")
    waiting(spool, spans(1, 2) + applied(), spans(3), spans(4, 5))
    segments = workshop.segments()
    first = join(in_order(spool))
    stored = segments.process(first)
    assert (stored.records, stored.controls, in_order(spool)) == (6, 1, [])
    assert workshop.column("SELECT DISTINCT BatchId FROM audit_records") == [first.stem]
    assert [p.last for p in segments.sequences.instances.values()] == [5]
    assert segments.begun(first.stem)


def test_names_of_stored_batches_are_forgotten() -> None:
    """A collector that runs for years keeps no list of all batches."""
    wake = Wake(["a-1"])
    wake.closed("a-2")
    assert wake.woken(0.0)
    wake.forget("a-2")
    assert wake.told == {"a-2"}
