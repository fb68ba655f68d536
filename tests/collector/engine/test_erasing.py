"""What was erased is in no file; what is left fits the log, wherever the process died."""

import asyncio
import json
from collections.abc import Mapping, Sequence

import pytest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from pydantic import JsonValue

from auditspan.collector.control.erasure_plan import Asked, plan
from auditspan.collector.control.erasure_values import closure
from auditspan.collector.control.errors import ControlInvalid
from auditspan.collector.control.records import ControlRecord, Party, Why
from auditspan.collector.engine import erasing as module
from auditspan.collector.engine.erasing import Erasing
from auditspan.collector.query.lookups import answer, in_store
from auditspan.integrity.control_entry import Kind
from auditspan.semconv.columns import GROUPS
from auditspan.storage.batch_file import read_batch
from auditspan.storage.sealing.entries import entries_of_store, joined
from auditspan.storage.sealing.seals import read_entries
from auditspan.storage.writer import finish
from tests.collector.engine.conftest import NOW, Workshop, control, envelope, spans, unreadable

SECRET = "cus_4711@example.test"
ID = "00112233445566aa"


class Crash(BaseException):
    """As if the process had died here."""


def paying(number: int, **attributes: str) -> bytes:
    """A frame of a tool call that holds the secret, in its arguments unless others are given."""
    request = ExportTraceServiceRequest()
    span = request.resource_spans.add().scope_spans.add().spans.add(name="execute_tool")
    span.trace_id, span.span_id = (9).to_bytes(16), number.to_bytes(8)
    span.start_time_unix_nano, span.end_time_unix_nano = NOW - 10**9, NOW - 10**8
    usual = {
        "gen_ai.tool.call.arguments": json.dumps({"customer": SECRET, "amount": 9}),
        "note": f"for {SECRET}",
    }
    for key, text in (
        ("gen_ai.operation.name", "execute_tool"),
        ("gen_ai.tool.name", "pay"),
        *(attributes or usual).items(),
    ):
        span.attributes.add(key=key).value.string_value = text
    return envelope(request.SerializeToString())


def filled(workshop: Workshop) -> tuple[Erasing, list[str]]:
    """Two records with the secret, one without, and a dead letter that quotes it; their ids."""
    segments = workshop.segments()
    segments.process(workshop.segment(paying(1), paying(2), spans(3), number=1))
    for name, data in (("data", f'{{"x": "{SECRET}"}}'), ("json", '{"reason": "why"}')):
        (workshop.data.folder("dead") / f"b-frame-0.{name}").write_text(data)
    ids = [
        str(id) for id in workshop.column("SELECT RecordId FROM audit_records ORDER BY LogIndex")
    ]
    return Erasing(workshop.data, workshop.store, sealed=True, now_ns=lambda: NOW + 7), ids


def groups_of(workshop: Workshop, ids: Sequence[str]) -> Mapping[str, list[str]]:
    """What goes with the arguments, by record."""
    rows = answer(workshop.store, "erasable", {"ids": list(ids)})
    return {str(row["RecordId"]): closure(row, ["arguments"]) for row in rows}


def approve(workshop: Workshop, groups: Mapping[str, Sequence[str]], number: int = 2) -> None:
    """The record of the approval comes through the pipeline."""
    rows = answer(workshop.store, "erasable", {"ids": list(groups)})
    entries: list[dict[str, JsonValue]] = [
        {
            "record": row["RecordId"],
            "log": row["LogId"],
            "index": row["LogIndex"],
            "groups": list(groups[str(row["RecordId"])]),
        }
        for row in rows
    ]
    submit(workshop, entries, number)


def plan_and_approve(workshop: Workshop, ids: Sequence[str], *fields: str, number: int = 2) -> None:
    """As somebody asks for it."""
    submit_plan(workshop, [Asked(id=id, asked=fields) for id in ids], number)


def submit_plan(workshop: Workshop, asked: Sequence[Asked], number: int = 2) -> None:
    """Each record with its own fields."""
    steps = asyncio.run(plan(in_store(workshop.store), asked, ()))
    submit(workshop, [step.entry() for step in steps], number)


def submit(workshop: Workshop, entries: Sequence[Mapping[str, JsonValue]], number: int) -> None:
    """Process the record of an erasure of these."""
    frame = control(erased_record(entries).to_json())
    workshop.segments().process(workshop.segment(frame, number=number))


def erased_record(entries: Sequence[Mapping[str, JsonValue]]) -> ControlRecord:
    """The record of an erasure of these."""
    return ControlRecord(
        kind="record.erased",
        at_ns=NOW + 5,
        why=Why(reason="asked for", ticket="T-9"),
        body={
            "id": ID,
            "erased": [dict(entry) for entry in entries],
        },
        requester=Party(principal="person:dora", method="api_key"),
        approver=Party(principal="person:dan", method="api_key"),
        proposal="sha256:p",
    )


def found(workshop: Workshop) -> list[str]:
    """Files that hold the secret."""
    files = [path for path in workshop.data.root.rglob("*") if path.is_file()]
    return [str(path) for path in files if SECRET.encode() in path.read_bytes()]


def certificate(workshop: Workshop) -> dict[str, object]:
    """The one certificate."""
    [text] = workshop.column("SELECT Certificate FROM erasure_certificates")
    found: dict[str, object] = json.loads(str(text))
    return found


def fits(workshop: Workshop, ids: Sequence[str], *, erased: bool = True) -> bool:
    """Whether what is left of records gives the entries that were sealed."""
    sql = "SELECT LogId, LogIndex FROM audit_records WHERE RecordId IN {ids:Array(String)}"
    rows = workshop.store.arrow(sql, {"ids": list(ids)}).to_pylist()
    return all(
        joined(entries_of_store(workshop.store, log, at, at + 1, erased=erased)["Entry"])
        == read_entries(workshop.store, log, at, at + 1)
        for log, at in ((row["LogId"], row["LogIndex"]) for row in rows)
    )


def test_what_is_erased_is_in_no_file(workshop: Workshop) -> None:
    """Store, batch files, dead letters; other records answer, and the entry came first."""
    erasing, ids = filled(workshop)
    groups = groups_of(workshop, ids[:2])
    assert {"arguments", "attributes"} <= set(groups[ids[0]])
    assert "user" not in groups[ids[0]]
    assert len(found(workshop)) >= 3
    approve(workshop, groups)
    erasing.tick(asked=True)
    assert found(workshop) == []
    assert fits(workshop, ids[:2])
    assert workshop.column(
        "SELECT count() FROM audit_records WHERE ToolArguments != '' AND ToolName = 'pay'"
    ) == [1]
    paper = certificate(workshop)
    assert (paper["requested_by"], paper["approved_by"]) == ("person:dora", "person:dan")
    assert (paper["dead_letters"], paper["batch_files"], paper["erasure"]) == (1, 1, ID)
    records: list[dict[str, object]] = paper["records"]  # type: ignore[assignment]
    assert [record["matches_seal"] for record in records] == [True, True]
    assert [record["record"] for record in records] == sorted(ids[:2])
    assert set(records[0]["commitments"]) == set(groups[ids[0]])  # type: ignore[call-overload]
    entries: list[dict[str, str | int]] = paper["log_entries"]  # type: ignore[assignment]
    assert len(entries) == 1
    kinds = "SELECT Kind FROM audit_seals WHERE LogId = {log:String} AND LogIndex = {index:UInt64}"
    assert workshop.store.arrow(kinds, entries[0])["Kind"].to_pylist() == [int(Kind.ERASE)]


def test_a_batch_file_brings_nothing_back(workshop: Workshop) -> None:
    """Written again, it is the batch that the store has."""
    erasing, ids = filled(workshop)
    approve(workshop, groups_of(workshop, ids[:1]))
    erasing.tick(asked=True)
    [batch_id] = workshop.column(f"SELECT BatchId FROM audit_records WHERE RecordId = '{ids[0]}'")
    path = workshop.data.folder("batches") / f"{batch_id}.arrow"
    again = finish(workshop.store, path)
    assert (again.inserted, again.repaired) == (False, False)
    assert read_batch(path).table["ToolArguments"].to_pylist().count("") == 1


def test_nothing_is_erased_before_its_entry_is_signed(workshop: Workshop) -> None:
    """A row of `erasures` alone is of no effect, nor is one whose segment is not finished."""
    erasing, ids = filled(workshop)
    groups = groups_of(workshop, ids[:1])
    approve(workshop, groups)
    segment = workshop.segment(spans(8), number=2)
    assert erasing.run() == 1
    assert found(workshop)
    segment.unlink()
    workshop.store.command(
        "ALTER TABLE audit_log_entries DELETE WHERE 1 SETTINGS mutations_sync = 2"
    )
    assert erasing.run() == 1
    assert len(found(workshop)) >= 3


STEPS = ("erase", "erased", "blanked", "write_batch", "drop_old_parts", "_certificate")


@pytest.mark.parametrize("step", STEPS)
def test_it_is_finished_after_a_crash(
    workshop: Workshop, monkeypatch: pytest.MonkeyPatch, step: str
) -> None:
    """Wherever it came: the next process does the rest."""
    erasing, ids = filled(workshop)
    groups = groups_of(workshop, ids[:2])
    approve(workshop, groups)

    def dies(*_: object, **__: object) -> None:
        raise Crash

    with monkeypatch.context() as patch:
        patch.setattr(module, step, dies)
        with pytest.raises(Crash):
            erasing.tick(asked=True)
    Erasing(workshop.data, workshop.store, sealed=True, now_ns=lambda: NOW + 8).tick(asked=False)
    assert found(workshop) == []
    assert fits(workshop, ids[:2])
    assert certificate(workshop)["erasure"] == ID


def test_the_same_request_twice_is_done_once_more(workshop: Workshop) -> None:
    """An approval that was recorded twice after a crash: nothing changes, both have a paper."""
    erasing, ids = filled(workshop)
    groups = groups_of(workshop, ids[:1])
    approve(workshop, groups)
    erasing.tick(asked=True)
    approve(workshop, groups, number=3)
    erasing.tick(asked=True)
    papers = [
        json.loads(str(text))
        for text in workshop.column("SELECT Certificate FROM erasure_certificates")
    ]
    assert [paper["records"] for paper in papers] == [papers[0]["records"]] * 2
    assert fits(workshop, ids[:1])


def test_the_access_log_forgets_statements_that_quote_it(workshop: Workshop) -> None:
    """The read stays: who, when, how many rows."""
    erasing, ids = filled(workshop)
    read = ControlRecord(
        kind="store.read",
        at_ns=NOW + 2,
        why=Why(),
        body={
            "id": "r1",
            "reader": "person:eve",
            "statement": f"SELECT * FROM audit WHERE UserId = '{SECRET}'",
            "params": {"u": SECRET},
            "rows": 1,
        },
        requester=Party(principal="person:eve", method="api_key"),
    )
    workshop.segments().process(workshop.segment(control(read.to_json()), number=5))
    [read_id] = workshop.column("SELECT RecordId FROM audit_records WHERE Operation = 'store.read'")
    approve(workshop, {**groups_of(workshop, ids[:2]), str(read_id): ["derived"]}, number=6)
    erasing.tick(asked=True)
    assert found(workshop) == []
    [row] = workshop.store.arrow("SELECT Reader, Statement, Rows FROM access_log").to_pylist()
    assert row == {"Reader": "person:eve", "Statement": "", "Rows": 1}
    assert fits(workshop, [str(read_id)])
    assert certificate(workshop)["statements_of_readers"] == 1


def reading(workshop: Workshop, number: int = 5) -> str:
    """A read whose statement and parameters hold the secret; its record's id."""
    read = ControlRecord(
        kind="store.read",
        at_ns=NOW + 2,
        why=Why(),
        body={"id": "r1", "reader": "person:eve", "statement": f"SELECT '{SECRET}'",
              "params": {"u": SECRET}, "rows": 1},
        requester=Party(principal="person:eve", method="api_key"),
    )  # fmt: skip
    workshop.segments().process(workshop.segment(control(read.to_json()), number=number))
    [read_id] = workshop.column("SELECT RecordId FROM audit_records WHERE Operation = 'store.read'")
    return str(read_id)


PLACES = (
    ({"enduser.id": SECRET}, "UserId"),
    ({"gen_ai.tool.call.arguments": json.dumps([SECRET])}, "ToolArguments"),
    ({"gen_ai.tool.call.result": f"paid {SECRET}"}, "ToolResult"),
    ({"note": f"asked by <{SECRET}>."}, "SpanAttributes"),
    ({"audit.purpose": f"for {SECRET}, soon"}, "authorization"),
    ({"audit.target.id": SECRET}, "TargetId"),
    ({"gen_ai.input.messages": json.dumps([{"content": f"I am {SECRET}"}])}, "attributes"),
    ({"enduser.id": SECRET, "note": SECRET, "audit.purpose": SECRET}, "*"),
)
"""Attributes that hold the secret, and the field that is asked for."""


def test_wherever_it_stands_it_goes_everywhere(workshop: Workshop) -> None:
    """Column, attribute it was read from, summary, batch file, dead letter, read, access log."""
    frames = [paying(at, **attributes) for at, (attributes, _) in enumerate(PLACES)]
    workshop.segments().process(workshop.segment(*frames, spans(30), unreadable(), number=1))
    reading(workshop)
    [letter] = workshop.data.folder("dead").glob("*.data")
    letter.write_bytes(letter.read_bytes() + SECRET.encode())
    workshop.store.command(
        "INSERT INTO dead_letters (File, Reason, Bytes) VALUES ('b.data', {r:String}, 1)",
        {"r": f"at {SECRET}"},
    )
    sql = "SELECT RecordId FROM audit_records WHERE SpanName != 'store.read' ORDER BY LogIndex"
    *ids, _ = map(str, workshop.column(sql))
    asked = [Asked(id=id, asked=(field,)) for id, (_, field) in zip(ids, PLACES, strict=True)]
    assert len(found(workshop)) >= 4
    submit_plan(workshop, asked)
    Erasing(workshop.data, workshop.store, sealed=True).tick(asked=True)
    assert found(workshop) == []
    assert fits(workshop, ids)
    paper = certificate(workshop)
    assert (paper["dead_letters"], paper["statements_of_readers"]) == (1, 1)
    letters = workshop.store.arrow("SELECT Reason, Bytes > 0 AS Was FROM dead_letters").to_pylist()
    assert letters == [{"Reason": "erased", "Was": 1}] * 2
    hashed = "SELECT ToolName FROM audit_records WHERE RequestDigest != '' AND ToolName != ''"
    assert workshop.column(hashed) == ["pay"]
    whole = "SELECT * EXCEPT (RecordId) FROM audit_records WHERE RecordId = {id:String}"
    [row] = workshop.store.arrow(whole, {"id": ids[-1]}).to_pylist()
    erasable = [name for group in GROUPS if group.erasable for name in group.columns]
    assert {name: row[name] for name in erasable if row[name]} == {}
    assert row["AgentId"] == "helper"
    with pytest.raises(ControlInvalid, match="erased before"):
        plan_and_approve(workshop, ids[-1:], "*", number=8)


def test_the_hash_of_a_request_goes_with_all_its_records(workshop: Workshop) -> None:
    """Of records that keep their content, and of a dead letter of the same request."""
    workshop.segments().process(workshop.segment(spans(1, 2, 3), spans(4), number=1))
    ids = list(map(str, workshop.column("SELECT RecordId FROM audit_records ORDER BY LogIndex")))
    [digest, *_] = workshop.column("SELECT RequestDigest FROM audit_records ORDER BY LogIndex")
    about = {"request_digest": digest, "reason": "no user"}
    dead = workshop.data.folder("dead")
    (dead / "b-record-1.json").write_text(json.dumps(about))
    (dead / "b-record-1.data").write_text(f'{{"RequestDigest": "{digest}", "x": "kept"}}')
    workshop.store.command(
        "INSERT INTO dead_letters (File, Reason, RequestDigest) VALUES "
        f"('b-record-1.data', 'no user', '{digest}')"
    )
    plan_and_approve(workshop, ids[:1], "ToolArguments")
    Erasing(workshop.data, workshop.store, sealed=True).tick(asked=True)
    files = [path for path in workshop.data.root.rglob("*") if path.is_file()]
    assert [path for path in files if str(digest).encode() in path.read_bytes()] == []
    left = workshop.store.arrow(
        "SELECT RequestDigest != '' AS Hashed, ToolArguments != '' AS Content FROM audit_records "
        "WHERE ToolName = 'pay' ORDER BY LogIndex"
    ).to_pylist()
    assert [(row["Hashed"], row["Content"]) for row in left] == [(0, 0), (0, 1), (0, 1), (1, 1)]
    assert fits(workshop, ids[:3])
    assert certificate(workshop)["same_requests"] == {
        "records": 2, "present": 2, "matches_seal": True,
    }  # fmt: skip
    letters = workshop.store.arrow("SELECT Reason, RequestDigest FROM dead_letters").to_pylist()
    assert letters == [{"Reason": "no user", "RequestDigest": ""}]
    assert "kept" in (dead / "b-record-1.data").read_text()
    # A second erasure of the same record needs no hash.
    plan_and_approve(workshop, ids[:1], "*", number=7)
    assert Erasing(workshop.data, workshop.store, sealed=True).run() == 0
    assert fits(workshop, ids[:3])
