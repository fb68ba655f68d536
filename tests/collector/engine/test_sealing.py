"""Records are in a log that is signed, and one log has one history, wherever the process dies."""

import errno
import json
import shutil
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import pytest

from auditspan.collector.data_dir import SIGNER
from auditspan.collector.engine.errors import LogStopped
from auditspan.collector.engine.log_file import LOG
from auditspan.collector.engine.segments import Segments
from auditspan.collector.signer import notary as notary_module
from auditspan.collector.signer.protocol import Sign
from auditspan.integrity.control_entry import Kind
from auditspan.storage.errors import BatchFileInvalid
from auditspan.storage.sealing.seals import extents, read_bodies
from tests.collector.engine.conftest import NOW, Workshop, control, spans
from tests.collector.engine.logs import checked, times_are_in_order

IDS = "SELECT RecordId FROM audit_records ORDER BY RecordId"
PREFIX = "local/auditspan/default/"
ROOT = f"{PREFIX}root"


class Crash(BaseException):
    """As if the process had died here."""


def dies(*_: object, **__: object) -> None:
    """In place of a step."""
    raise Crash


def own(workshop: Workshop) -> dict[str, int]:
    """Sizes of this instance's logs, everything recomputed."""
    assert times_are_in_order(workshop.store)
    sizes = checked(workshop.store)
    sizes.pop(ROOT, None)
    return {name.rpartition("/")[2]: size for name, size in sizes.items()}


def flushed(segments: Segments) -> None:
    """Put the notes that wait into the store."""
    assert segments.sealing is not None
    segments.sealing.notes.flush()


def test_records_are_sealed_and_signed(workshop: Workshop) -> None:
    """Each has its place; the tree of each checkpoint is that of the stored records."""
    segments = workshop.segments()
    for number in (1, 2, 3):
        segments.process(workshop.segment(spans(number, number + 10), number=number))
    flushed(segments)
    assert own(workshop) == {"2026-11": 7}
    sizes = "SELECT Size FROM audit_checkpoints WHERE LogId != {log:String} ORDER BY Size"
    found = workshop.store.arrow(sizes, {"log": ROOT})["Size"].to_pylist()
    assert found == [1, 3, 5, 7]
    assert workshop.column("SELECT LogIndex FROM audit_records ORDER BY 1") == [1, 2, 3, 4, 5, 6]
    assert extents(workshop.store, ROOT)[0].end == 5
    [opening] = read_bodies(workshop.store, segments.sealing.log.origin, 0, 7)  # type: ignore[union-attr]
    assert (opening.index, opening.kind) == (0, Kind.LOG_OPEN)
    assert json.loads(opening.text)["reason"] == "first"


def test_a_folder_that_cannot_be_synced_holds_nothing_up(
    workshop: Workshop, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The segment is gone and stored; trying again would find no file, for ever."""

    def fails(_: Path) -> None:
        raise OSError(errno.EIO, "Input/output error")

    segments = workshop.segments()
    segment = workshop.segment(spans(1, 2))
    monkeypatch.setattr("auditspan.collector.engine.segments.sync_folder", fails)
    assert segments.process(segment).records == 2
    assert not segment.exists()


@pytest.mark.parametrize("step", ["put_bodies", "put_entries", "put_checkpoints"])
def test_a_crash_among_the_notes_leaves_no_entry_without_its_body(
    workshop: Workshop, monkeypatch: pytest.MonkeyPatch, step: str
) -> None:
    """What the store has of the root log says where to go on, so it must have all before it."""
    first = workshop.segments()
    first.process(workshop.segment(spans(1)))
    with monkeypatch.context() as patch, pytest.raises(Crash):
        patch.setattr(f"auditspan.collector.engine.notes.{step}", dies)
        flushed(first)
    second = workshop.segments()
    second.process(workshop.segment(spans(2), number=2))
    flushed(second)
    (root,) = extents(workshop.store, ROOT)
    bodies = read_bodies(workshop.store, ROOT, 0, root.end)
    assert [body.index for body in bodies] == list(range(root.end))


def test_large_batches_are_sealed_by_the_engine(
    workshop: Workshop, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The entries are the same, whoever computed them: the check computes them once more."""
    monkeypatch.setattr("auditspan.collector.engine.sealing.SQL_ROWS", 5)
    segments = workshop.segments()
    segments.process(workshop.segment(spans(*range(1, 9))))
    monkeypatch.setattr("auditspan.collector.engine.sealing.entries_of_file", dies)
    segments.process(workshop.segment(spans(*range(9, 13)), number=2))
    assert own(workshop) == {"2026-11": 13}


STEPS = {
    "rows": "auditspan.collector.engine.sealing.write_batch",
    "seal": "auditspan.collector.engine.sealing.write_seal",
    "store": "auditspan.collector.engine.sealing.finish_sealed",
    "entries": "auditspan.storage.writer.put_entries",
    "bodies": "auditspan.storage.writer.put_bodies",
    "signature": "auditspan.collector.signer.notary.make_note",
    "root log": "auditspan.collector.signer.root_files.RootFiles.append",
    "state": "auditspan.collector.engine.sealing.write_log",
    "sequences": "auditspan.collector.engine.segments.Segments._adopt_sequences",
}


@pytest.mark.parametrize(
    ("step", "lost"),
    [*((step, "") for step in STEPS), ("store", LOG), ("signature", LOG), ("sequences", LOG)],
)
def test_a_crash_before_a_step(
    workshop: Workshop, monkeypatch: pytest.MonkeyPatch, step: str, lost: str
) -> None:
    """Nothing is lost or doubled, and what was on disk with its seal is what is stored."""
    first = workshop.segments()
    first.process(workshop.segment(spans(1, 2)))
    flushed(first)
    segment = workshop.segment(spans(3, 4, 5), number=2)
    with monkeypatch.context() as patch, pytest.raises(Crash):
        patch.setattr(STEPS[step], dies)
        first.process(segment)
    kept = json.loads(json.dumps(ids_on_disk(workshop, segment)))
    (workshop.data.folder("batches") / (lost or "nothing")).unlink(missing_ok=True)
    second = workshop.segments()
    assert second.process(segment).records == 3
    second.process(workshop.segment(spans(6), number=3))
    flushed(second)
    assert own(workshop) == {"2026-11": 7}
    stored = workshop.column(IDS)
    assert len(set(stored)) == len(stored) == 6
    if step not in ("rows", "seal"):
        assert set(kept) <= set(stored)
    assert own(workshop) == {"2026-11": 7}


def ids_on_disk(workshop: Workshop, segment: Path) -> list[str]:
    """Record ids of a batch file, if there is one."""
    from auditspan.storage.batch_file import read_batch

    path = workshop.data.folder("batches") / f"{segment.stem}.arrow"
    return read_batch(path).table["RecordId"].to_pylist() if path.exists() else []


@pytest.mark.parametrize("step", ["seal", "store", "signature", "state"])
def test_a_crash_while_a_log_is_begun(
    workshop: Workshop, monkeypatch: pytest.MonkeyPatch, step: str
) -> None:
    """It has one first entry."""
    with monkeypatch.context() as patch, pytest.raises(Crash):
        patch.setattr(STEPS[step], dies)
        workshop.segments()
    segments = workshop.segments()
    segments.process(workshop.segment(spans(1)))
    flushed(segments)
    assert own(workshop) == {"2026-11": 2}


@pytest.mark.parametrize("step", ["", "seal", "store", "signature", "root log", "state"])
def test_another_month_is_another_log(
    workshop: Workshop, monkeypatch: pytest.MonkeyPatch, step: str
) -> None:
    """The old one is closed and its key gone, the new one names it; at whatever step it dies."""
    segments = workshop.segments()
    segments.process(workshop.segment(spans(1, 2)))
    old = segments.sealing.log.origin  # type: ignore[union-attr]
    workshop.now = int(datetime(2026, 12, 1, tzinfo=UTC).timestamp()) * 10**9
    segment = workshop.segment(spans(3), number=2)
    if step:
        with monkeypatch.context() as patch, pytest.raises(Crash):
            patch.setattr(STEPS[step], dies)
            segments.process(segment)
        segments = workshop.segments()
    segments.process(segment)
    flushed(segments)
    assert own(workshop) == {"2026-11": 4, "2026-12": 2}
    assert not (workshop.data.root / SIGNER / "2026-11.key").exists()
    assert read_bodies(workshop.store, old, 0, 4)[-1].kind == Kind.LOG_CLOSE
    new = segments.sealing.log.origin  # type: ignore[union-attr]
    said = json.loads(read_bodies(workshop.store, new, 0, 1)[0].text)
    assert said["predecessor"]["origin"] == old
    assert (said["predecessor"]["size"], said["reason"]) == (4, "next")
    with pytest.raises(LogStopped, match="closed"):
        segments.sealing.signer.sign(  # type: ignore[union-attr]
            Sign(old, 4, 5, "00" * 32, ())
        )


def restored(workshop: Workshop) -> None:
    """The store as a backup has it, of which the signer has seen more."""
    delete(workshop, "audit_seals", "LogIndex >= 2")
    delete(workshop, "audit_records", "LogIndex >= 2")


def emptied(workshop: Workshop) -> None:
    """A store without anything."""
    for table in ("audit_seals", "audit_records", "audit_log_entries"):
        delete(workshop, table, "1")


def tampered(workshop: Workshop) -> None:
    """Another history of the same length, the files of the engine gone."""
    (workshop.data.folder("batches") / LOG).unlink()
    workshop.store.command(
        "ALTER TABLE audit_seals UPDATE ExpiresOn = 1 WHERE LogIndex = 1 "
        f"AND LogId != '{ROOT}' SETTINGS mutations_sync = 2"
    )


def signer_lost(workshop: Workshop) -> None:
    """Keys and state of the signing process are gone."""
    shutil.rmtree(workshop.data.root / SIGNER)
    (workshop.data.root / SIGNER).mkdir(mode=0o700)


def delete(workshop: Workshop, table: str, where: str) -> None:
    """Rows of this instance's logs, and wait."""
    workshop.store.command(
        f"ALTER TABLE {table} DELETE WHERE {where} AND LogId != '{ROOT}' "
        "SETTINGS mutations_sync = 2"
    )


@pytest.mark.parametrize(
    ("what", "words"),
    [
        (restored, "4 entries were signed, the store has 2"),
        (emptied, "4 entries were signed, the store has 0"),
        (tampered, "another tree of 4 entries was signed"),
        (signer_lost, "the signing process does not know it"),
    ],
)
def test_a_log_that_lacks_what_was_signed_is_not_continued(
    workshop: Workshop, what: Callable[[Workshop], None], words: str
) -> None:
    """It says why and what to do; a new log can be begun, which names the old one and its end."""
    segments = workshop.segments()
    segments.process(workshop.segment(spans(1, 2, 3)))
    flushed(segments)
    old = segments.sealing.log.origin  # type: ignore[union-attr]
    what(workshop)
    for _ in range(2):
        with pytest.raises(LogStopped, match=words) as caught:
            workshop.segments()
        assert "auditspan up --recover" in str(caught.value)
    fresh = workshop.segments(recover=True)
    fresh.process(workshop.segment(spans(4), number=2))
    new = fresh.sealing.log.origin  # type: ignore[union-attr]
    assert new == f"{old}.2"
    said = json.loads(read_bodies(workshop.store, new, 0, 1)[0].text)
    assert said["reason"] == "recovered"
    assert (said["predecessor"]["origin"], said["predecessor"]["size"]) == (old, 4)
    again = workshop.segments()
    assert again.sealing is not None and again.sealing.log.origin == new
    assert again.sealing.log.tree.size == 2


def test_what_was_stored_before_is_counted(workshop: Workshop) -> None:
    """Records of a collector that did not seal stay as they are, and the log says how many."""
    workshop.segments(sealed=False).process(workshop.segment(spans(1, 2, 3)))
    segments = workshop.segments()
    segments.process(workshop.segment(spans(4), number=2))
    said = json.loads(read_bodies(workshop.store, segments.sealing.log.origin, 0, 1)[0].text)  # type: ignore[union-attr]
    assert said["unsealed_records"] == 3
    assert workshop.count() == 4
    assert own(workshop) == {"2026-11": 2}


def test_a_batch_that_an_older_version_left_is_sealed(workshop: Workshop) -> None:
    """Its rows are in the store without a seal: they are replaced by those with one."""
    segment = workshop.segment(spans(1, 2, 3))
    with pytest.MonkeyPatch.context() as patch, pytest.raises(Crash):
        patch.setattr(Segments, "_adopt_sequences", dies)
        workshop.segments(sealed=False).process(segment)
    before = workshop.column(IDS)
    workshop.segments().process(segment)
    assert workshop.count() == 3
    assert not set(before) & set(workshop.column(IDS))
    assert own(workshop) == {"2026-11": 4}


def test_an_idle_log_is_signed(workshop: Workshop) -> None:
    """Every interval, with the time of now, and not more often."""
    segments = workshop.segments()
    sealing = segments.sealing
    assert sealing is not None
    segments.process(workshop.segment(spans(1)))
    for _ in range(3):
        sealing.tick()
    sealing.notes.flush()
    count = "SELECT count() FROM audit_checkpoints WHERE Size = 2 AND LogId != {log:String}"
    assert workshop.store.raw(count, "TSV", {"log": ROOT}) == b"1\n"
    workshop.now += 61 * 10**9
    sealing.tick()
    sealing.tick()
    sealing.notes.flush()
    assert workshop.store.raw(count, "TSV", {"log": ROOT}) == b"2\n"
    assert own(workshop) == {"2026-11": 2}


def test_a_control_record_can_be_an_entry_too(workshop: Workshop) -> None:
    """An erasure is in the log with its body, in front of the records of its batch."""
    text = json.dumps(
        {
            "kind": "record.erased",
            "at_ns": NOW,
            "why": {"requested_by": "dpo"},
            "body": {"request": "E-1", "records": ["x"], "groups": ["user"]},
        }
    )
    segments = workshop.segments()
    stored = segments.process(workshop.segment(spans(1), control(text)))
    assert (stored.records, stored.controls) == (2, 1)
    [_, erased] = read_bodies(workshop.store, segments.sealing.log.origin, 0, 9)  # type: ignore[union-attr]
    assert (erased.index, erased.kind) == (1, Kind.ERASE)
    assert json.loads(erased.text) == {
        "control": "record.erased", "groups": ["user"], "records": ["x"], "request": "E-1",
    }  # fmt: skip
    assert own(workshop) == {"2026-11": 4}


def test_a_key_is_rotated(workshop: Workshop, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whoever asks for it is the first record under the new one; a crash makes no third log."""
    segments = workshop.segments()
    segments.process(workshop.segment(spans(1)))
    text = json.dumps(
        {"kind": "log.key_rotated", "at_ns": NOW, "why": {"requested_by": "ops"}, "body": {}}
    )
    segment = workshop.segment(spans(2), control(text), number=2)
    with monkeypatch.context() as patch, pytest.raises(Crash):
        patch.setattr(STEPS["rows"], dies)
        segments.process(segment)
    workshop.segments().process(segment)
    assert own(workshop) == {"2026-11": 3, "2026-11.2": 3}
    keys = {path.name for path in (workshop.data.root / SIGNER).glob("*.key")}
    assert keys == {"2026-11.2.key", "notary.key", "root.key"}


def test_a_damaged_seal_of_signed_records_is_not_made_anew(workshop: Workshop) -> None:
    """Their rows are in the store and in the signed log; another seal would orphan them."""
    segments, segment = workshop.segments(), workshop.segment(spans(1, 2))
    with pytest.MonkeyPatch.context() as patch, pytest.raises(Crash):
        patch.setattr(Segments, "_adopt_sequences", dies)
        segments.process(segment)
    before = workshop.column(IDS)
    seal = workshop.data.folder("batches") / f"{segment.stem}.seal"
    seal.write_bytes(seal.read_bytes()[:-1] + b"\0")
    assert workshop.segments().process(segment).records == 2
    assert (workshop.column(IDS), segment.exists()) == (before, False)
    assert own(workshop) == {"2026-11": 3}


def test_a_damaged_seal_of_records_that_were_not_signed_is_made_anew(workshop: Workshop) -> None:
    """The rows that came of it go, and so do its entries."""
    segments, segment = workshop.segments(), workshop.segment(spans(1, 2))
    with pytest.MonkeyPatch.context() as patch, pytest.raises(Crash):
        patch.setattr(notary_module.Notary, "sign", dies)
        segments.process(segment)
    before = workshop.column(IDS)
    seal = workshop.data.folder("batches") / f"{segment.stem}.seal"
    seal.write_bytes(seal.read_bytes()[:-1] + b"\0")
    fresh = workshop.segments()
    with pytest.raises(BatchFileInvalid):
        fresh.process(segment)
    assert fresh.process(segment).records == 2
    assert not set(before) & set(workshop.column(IDS))
    assert own(workshop) == {"2026-11": 3}


def test_notes_wait_for_each_other_but_not_for_long_when_somebody_verifies(
    workshop: Workshop,
) -> None:
    """Ten seconds, and two once somebody asked."""
    segments, now = workshop.segments(), [100.0]
    assert segments.sealing is not None
    notes = segments.sealing.notes
    notes.clock = lambda: now[0]
    notes.flush()
    segments.process(workshop.segment(spans(1)))
    waiting = []
    for second, wants in ((109.0, False), (110.0, False), (111.0, True), (112.0, False)):
        now[0] = second
        if wants:
            segments.process(workshop.segment(spans(2), number=2))
            notes.want()
        notes.flush_if_due()
        waiting.append(len(notes.waiting))
    assert waiting == [1, 0, 1, 0]
    assert not notes.wanted
