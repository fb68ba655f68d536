"""A dead letter is a gap in the log until it was processed again, which happens once."""

import json
from dataclasses import replace
from pathlib import Path

import pytest

from auditspan.collector import letters
from auditspan.collector.control.deadletter_kinds import DEADLETTER_RETRY
from auditspan.collector.control.holds_files import HoldFiles
from auditspan.collector.control.records import ControlRecord, Why
from auditspan.collector.engine import pipeline
from auditspan.collector.engine.dead_files import DeadFiles
from auditspan.collector.engine.segments import Segments
from auditspan.processors.batch import Batch
from auditspan.processors.severity import SeverityConfig, severity
from tests.collector.engine.conftest import NOW, Workshop, control, spans, unreadable
from tests.collector.engine.logs import checked
from tests.collector.engine.test_holding import hold
from tests.collector.engine.test_segments import Crash, monkeypatched_crash

SPANS = "SELECT SpanId FROM audit_records WHERE RecordKind = 'action' ORDER BY 1"
GAPS = "SELECT Body FROM audit_log_entries WHERE Kind = 7 ORDER BY LogId, LogIndex"


def retry(*ids: str) -> bytes:
    """Frames that ask for letters."""
    return b"".join(
        control(
            ControlRecord(
                kind=DEADLETTER_RETRY, at_ns=NOW, why=Why(requested_by="ops"), body={"id": id}
            ).to_json()
        )
        for id in ids
    )


def test_a_dead_letter_is_a_gap_in_the_log(workshop: Workshop) -> None:
    """What was put aside, of whom, why and until when, with a digest that needs the file's salt."""
    segment = workshop.segment(spans(1), unreadable())
    workshop.segments().process(segment)
    [letter] = letters.all_of(workshop.data.folder("dead"))
    data = letters.data_of(workshop.data.folder("dead"), letter)
    assert data == unreadable()
    [gap] = map(json.loads, map(str, workshop.column(GAPS)))
    assert gap == {
        "control": "deadletter",
        "id": letter.id,
        "principal": "agent:helper",
        "stage": "decode",
        "reason": "cannot be decoded",
        "bytes": len(unreadable()),
        "digest": f"sha256:{letter.digest(data)}",
        "received_at": "2026-11-18T11:06:40Z",
        "retention_class": "default",
        "expires_on": "2027-12-24",
    }
    other = replace(letter, salt=letters.new_salt())
    assert other.digest(data) != letter.digest(data)
    [row] = workshop.store.arrow("SELECT * FROM dead_letters").to_pylist()
    assert (row["LetterId"], row["RetentionClass"]) == (letter.id, "default")
    assert row["ExpiresOn"].isoformat() == letter.expiry == "2027-12-24"
    assert next(iter(checked(workshop.store).values())) == 3


def test_a_letter_is_tried_again_once(workshop: Workshop, monkeypatch: pytest.MonkeyPatch) -> None:
    """With its cause gone its record is stored, the gap is closed in the same batch, the file goes;
    asked for again, and in another batch, it is not stored twice."""
    letter = _failing(workshop, monkeypatch)
    segments = workshop.segments()
    stored = segments.process(workshop.segment(retry(letter, letter), number=2))
    assert (stored.records, stored.controls, stored.dead_letters) == (3, 2, 0)
    assert workshop.column(SPANS) == [f"{n:016x}" for n in (1, 2, 3)]
    assert json.loads(str(workshop.column(GAPS)[-1])) == {
        "control": "deadletter.retried", "id": letter, "records": 1,
    }  # fmt: skip
    # The file may outlive the batch: it is not taken again.
    segments.process(workshop.segment(retry(letter), number=3))
    assert _removed(workshop) == 1
    segments.process(workshop.segment(retry(letter), number=4))
    assert len(workshop.column(SPANS)) == 3
    assert list(segments.dead.iterdir()) == []
    checked(workshop.store)


@pytest.mark.parametrize("point", ["write_batch", "finish_sealed", "after_store", "unlink"])
def test_a_crash_stores_a_letter_once(
    workshop: Workshop, monkeypatch: pytest.MonkeyPatch, point: str
) -> None:
    """Before its seal, before and after the insert, before the segment is gone."""
    letter = _failing(workshop, monkeypatch)
    segment = workshop.segment(retry(letter), spans(4), number=2)
    with monkeypatched_crash(point), pytest.raises(Crash):
        workshop.segments().process(segment)
    # Nothing is removed while its batch waits.
    assert _removed(workshop) == 0
    workshop.segments().process(segment)
    assert workshop.column(SPANS) == [f"{n:016x}" for n in (1, 2, 3, 4)]
    closed = [text for text in workshop.column(GAPS) if "retried" in str(text)]
    assert len(closed) == 1
    assert _removed(workshop) == 1
    checked(workshop.store)


def test_a_letter_that_fails_again_stays(workshop: Workshop) -> None:
    """It is no second letter, its gap stays open, and the others of the batch are stored."""
    segments = workshop.segments()
    segments.process(workshop.segment(unreadable(), b"\x05\x08\x01\x10\x01\xff"))
    before = {letter.id: letter for letter in letters.all_of(segments.dead)}
    stored = segments.process(workshop.segment(retry(*before, "no-such"), spans(1), number=2))
    assert (stored.records, stored.dead_letters, len(before)) == (4, 0, 2)
    after = {letter.id: letter for letter in letters.all_of(segments.dead)}
    assert [(letter.tries, bool(letter.again)) for letter in after.values()] == [(1, True)] * 2
    assert {id: replace(letter, tries=0, again="") for id, letter in after.items()} == before
    assert workshop.count("dead_letter_ends") == 0
    assert [json.loads(str(text))["control"] for text in workshop.column(GAPS)] == [
        "deadletter", "deadletter",
    ]  # fmt: skip


def test_a_raised_limit_takes_what_was_too_large(workshop: Workshop) -> None:
    """One record beyond the limit is a letter of its own; the limit raised, it is stored."""
    small = with_limit(workshop.segments(), 1)
    content = "x" * (2 << 20)
    stored = small.process(workshop.segment(spans(1), spans(2, first_attribute=content)))
    [letter] = letters.all_of(small.dead)
    assert (stored.records, letter.stage) == (1, "large")
    small.process(workshop.segment(retry(letter.id), number=2))
    assert len(workshop.column(SPANS)) == 1
    with_limit(small, 128).process(workshop.segment(retry(letter.id), number=3))
    assert len(workshop.column(SPANS)) == 2


def test_a_control_record_is_tried_again(workshop: Workshop) -> None:
    """It has its sender and time, and says nothing known as before."""
    segments = workshop.segments()
    segments.process(workshop.segment(control("{}")))
    [letter] = letters.all_of(segments.dead)
    assert (letter.stage, letter.principal_id, letter.received_at) == (
        "control", "agent:helper", NOW,
    )  # fmt: skip
    assert letters.data_of(segments.dead, letter) == control("{}")


def test_an_id_is_no_path(tmp_path: Path) -> None:
    """Whatever is asked for lies in the folder."""
    (tmp_path / "x.json").write_text("{}")
    for id in ("../x", ".x", "a/b", "x\x00", "x"):
        assert letters.read(tmp_path / "dead", id) is None


def test_files_go_on_their_day(workshop: Workshop) -> None:
    """And not before; the gap stays in the log."""
    segments = workshop.segments()
    segments.process(workshop.segment(unreadable(), spans(1)))
    [letter] = letters.all_of(segments.dead)
    workshop.now = (letter.expires_on * 86_400 - 1) * 10**9
    assert (_removed(workshop), len(list(segments.dead.iterdir()))) == (0, 2)
    workshop.now += 10**9
    assert (_removed(workshop), list(segments.dead.iterdir())) == (1, [])
    assert len(workshop.column(GAPS)) == 1


@pytest.mark.parametrize(
    ("filter", "frame", "kept"),
    [
        ("agent=billing", control("{}"), 1),
        ("principal=agent:helper", control("{}"), 1),
        ("principal=agent:other", control("{}"), 0),
        ("principal=agent:other", b"\x03abc", 1),
    ],
)
def test_a_hold_keeps_what_may_be_on_hold(
    workshop: Workshop, filter: str, frame: bytes, kept: int
) -> None:
    """Each hold that is not about another sender keeps a letter past its day, until released."""
    segments = workshop.segments()
    segments.process(workshop.segment(frame))
    [letter] = letters.all_of(segments.dead)
    workshop.now = letter.expires_on * 86_400 * 10**9
    files = HoldFiles(workshop.data.folder("registry"))
    files.store(hold(filter))
    assert (_removed(workshop), len([*letters.all_of(segments.dead)])) == (1 - kept, kept)
    files.store(hold(filter, released_at="2026-11-26T00:00:00Z"))
    assert (_removed(workshop), [*letters.all_of(segments.dead)]) == (kept, [])


def _removed(workshop: Workshop) -> int:
    return DeadFiles(workshop.data, workshop.store, lambda: workshop.now).run()


def _failing(workshop: Workshop, monkeypatch: pytest.MonkeyPatch) -> str:
    """A letter of the second of three records, whose cause is gone by now; its id."""

    def fails(batch: Batch, config: SeverityConfig) -> Batch:
        if "hostile" in batch.column("ToolName").to_pylist():
            raise RuntimeError("cannot take this")
        return severity(batch, config)

    with monkeypatch.context() as patch:
        patch.setattr(pipeline, "severity", fails)
        segment = workshop.segment(spans(1), spans(2, tool="hostile"), spans(3))
        workshop.segments().process(segment)
    return f"{segment.stem}-record-1"


def with_limit(segments: Segments, mib: int) -> Segments:
    """The same, with another limit of a record."""
    config = segments.pipeline.config
    limits = config.limits.model_copy(update={"record_mib": mib})
    segments.pipeline.config = config.model_copy(update={"limits": limits})
    return segments
