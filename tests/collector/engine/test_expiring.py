"""Records go before their day, after the log has said so, and nothing brings them back."""

import json
from collections.abc import Sequence

import pytest

from auditspan.collector.control.expiry_plan import Range
from auditspan.collector.control.holds_files import Hold, HoldFiles, HoldFilter
from auditspan.collector.control.records import ControlRecord, Party, Why
from auditspan.collector.engine import expiring as module
from auditspan.collector.engine.expiring import Expiring
from auditspan.integrity.control_entry import Kind
from auditspan.storage.batch_file import read_batch
from auditspan.storage.writer import finish
from tests.collector.engine.conftest import NOW, Workshop, control, spans
from tests.collector.engine.test_erasing import Crash

ID = "00112233445566ee"


def filled(workshop: Workshop) -> list[Range]:
    """Payments at the indices of the ranges, mails between them."""
    frames = spans(1, 2), spans(3, tool="mail"), spans(4), spans(5, tool="mail")
    workshop.segments().process(workshop.segment(*frames, number=1))
    rows = workshop.store.arrow(
        "SELECT LogId, LogIndex FROM audit_records WHERE ToolName = 'pay' ORDER BY LogIndex"
    ).to_pylist()
    [log] = {row["LogId"] for row in rows}
    first, second, third = (row["LogIndex"] for row in rows)
    assert (first + 1, second + 2) == (second, third)
    return [
        Range(log=log, start=first, end=second + 1),
        Range(log=log, start=third, end=third + 1),
    ]


def approve(workshop: Workshop, ranges: Sequence[Range], number: int = 2) -> None:
    """The record of the approval comes through the pipeline."""
    record = ControlRecord(
        kind="record.expired_early",
        at_ns=NOW + 5,
        why=Why(reason="asked for", ticket="T-9"),
        body={"id": ID, "expired": [each.model_dump(mode="json") for each in ranges]},
        requester=Party(principal="person:dora", method="api_key"),
        approver=Party(principal="person:dan", method="api_key"),
        proposal="sha256:p",
    )
    workshop.segments().process(workshop.segment(control(record.to_json()), number=number))


def tools(workshop: Workshop) -> list[object]:
    """Of the records that are left."""
    return workshop.column(
        "SELECT ToolName FROM audit_records WHERE ToolName != '' ORDER BY LogIndex"
    )


def certificate(workshop: Workshop) -> dict[str, object]:
    """The one certificate."""
    [text] = workshop.column("SELECT Certificate FROM erasure_certificates")
    found: dict[str, object] = json.loads(str(text))
    return found


def test_they_go_and_do_not_come_back(workshop: Workshop) -> None:
    """Not from the batch file either; seals stay, and the entry came first."""
    ranges = filled(workshop)
    approve(workshop, ranges)
    expiring = Expiring(workshop.data, workshop.store, now_ns=lambda: NOW + 7)
    expiring.tick(asked=True)
    assert tools(workshop) == ["mail", "mail"]
    [first, *_] = sorted(workshop.data.folder("batches").glob("*.arrow"))
    again = finish(workshop.store, first)
    assert (again.rows, again.inserted, again.repaired) == (2, False, False)
    assert read_batch(first).table["ToolName"].to_pylist() == ["mail", "mail"]
    paper = certificate(workshop)
    assert (paper["requested_by"], paper["approved_by"]) == ("person:dora", "person:dan")
    assert (paper["expiry"], paper["kept_by_holds"]) == (ID, 0)
    assert paper["expired"] == [each.model_dump() for each in ranges]
    kinds = workshop.column("SELECT Kind FROM audit_seals WHERE Kind != 0 ORDER BY LogIndex")
    assert kinds == [int(Kind.LOG_OPEN), int(Kind.EARLY_EXPIRY)]
    assert workshop.column("SELECT count() FROM audit_seals WHERE Kind = 0") == [6]
    assert expiring.run() == 0


def test_a_whole_batch_may_go(workshop: Workshop) -> None:
    """Its file is empty then, and is the batch that the store has."""
    [first, second] = filled(workshop)
    approve(workshop, [Range(log=first.log, start=first.start, end=second.end + 1)])
    Expiring(workshop.data, workshop.store).tick(asked=True)
    assert tools(workshop) == []
    [path, *_] = sorted(workshop.data.folder("batches").glob("*.arrow"))
    assert finish(workshop.store, path).rows == 0


def test_nothing_goes_before_its_entry_is_signed(workshop: Workshop) -> None:
    """A row of `early_expiries` alone is of no effect, nor one whose segment is not finished."""
    ranges = filled(workshop)
    approve(workshop, ranges)
    segment = workshop.segment(spans(8), number=2)
    expiring = Expiring(workshop.data, workshop.store)
    assert expiring.run() == 1
    segment.unlink()
    workshop.store.command(
        "ALTER TABLE audit_log_entries DELETE WHERE 1 SETTINGS mutations_sync = 2"
    )
    assert expiring.run() == 1
    assert len(tools(workshop)) == 5


def test_what_a_hold_keeps_meanwhile_stays(workshop: Workshop) -> None:
    """Placed after the approval and before the engine came to it; records of changes stay too."""
    [first, second] = filled(workshop)
    wide = Range(log=first.log, start=0, end=second.end + 100)
    approve(workshop, [wide])
    held = workshop.column(f"SELECT RecordId FROM audit_records WHERE LogIndex = {first.start}")[0]
    HoldFiles(workshop.data.folder("registry")).store(
        Hold(
            id="ab" * 16,
            filter=HoldFilter.parse(f"record={held}"),
            salt="5a",
            placed_at="2026-11-25T00:00:00Z",
            placed_by="person:dora",
        )
    )
    Expiring(workshop.data, workshop.store).tick(asked=True)
    assert workshop.column("SELECT RecordId FROM audit_records WHERE RecordKind != 'control'") == [
        held
    ]
    assert workshop.column("SELECT Operation FROM audit_records WHERE RecordKind = 'control'") == [
        "record.expired_early"
    ]
    assert certificate(workshop)["kept_by_holds"] == 1
    [path, *_] = sorted(workshop.data.folder("batches").glob("*.arrow"))
    assert read_batch(path).table["RecordId"].to_pylist() == [held]


@pytest.mark.parametrize("step", ["write_batch", "drop_old_parts", "certify"])
def test_it_is_finished_after_a_crash(
    workshop: Workshop, monkeypatch: pytest.MonkeyPatch, step: str
) -> None:
    """Wherever it came: the next process does the rest, with one certificate."""
    ranges = filled(workshop)
    approve(workshop, ranges)

    def dies(*_: object, **__: object) -> None:
        raise Crash

    with monkeypatch.context() as patch:
        patch.setattr(module, step, dies)
        with pytest.raises(Crash):
            Expiring(workshop.data, workshop.store).tick(asked=True)
    Expiring(workshop.data, workshop.store).tick(asked=False)
    assert tools(workshop) == ["mail", "mail"]
    assert certificate(workshop)["expiry"] == ID
