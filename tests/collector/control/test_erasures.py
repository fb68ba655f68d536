"""Erasures as they are asked for: what they would do is told, and what cannot be is refused."""

import asyncio
import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from pydantic import JsonValue

from auditspan.collector.control.erasure_plan import MOST, Asked, body_of
from auditspan.collector.control.errors import (
    ControlConflict,
    ControlForbidden,
    ControlInvalid,
    ControlRefused,
    NotFound,
)
from auditspan.collector.control.holds_files import Hold, HoldFiles, HoldFilter
from auditspan.collector.control.records import ControlRecord, Party, Why
from auditspan.collector.control.service import Controls, open_controls
from auditspan.collector.data_dir import prepare
from auditspan.collector.letters import Letter, remove, write
from auditspan.collector.query.lookups import in_store
from auditspan.identity.roles import Role
from auditspan.registry import Bundle
from auditspan.semconv.columns import GROUPS
from tests.collector.control.bundles import two_persons
from tests.collector.control.callers import ALICE, ALONE, CAROL, OPERATOR, Spool, caller, ticking
from tests.collector.engine.conftest import NOW, Workshop, control, spans
from tests.collector.engine.test_erasing import SECRET, paying
from tests.migrated import migrated_store

DORA = caller("person:dora", Role.PRIVACY, credential="kd")
DAN = caller("person:dan", Role.PRIVACY, credential="ke")
PEOPLE = """\
- {id: "person:dora", name: Dora, roles: privacy}
- {id: "person:dan", name: Dan, roles: privacy}
"""
WHY = Why(reason="asked for", ticket="T-9")
CROWD = 100_000
ERASABLE = {group.name for group in GROUPS if group.erasable}


@dataclass
class Desk:
    """A store with records, and controls over it."""

    workshop: Workshop
    controls: Controls
    spool: Spool

    def propose(self, ids: Sequence[str], *fields: str, dry_run: bool = True) -> dict[str, Any]:
        """Ask for an erasure, as Dora."""
        asked = [Asked(id=id, asked=fields) for id in ids]
        erasures = self.controls.privacy.erasures
        return asyncio.run(erasures.propose(asked, WHY, DORA, dry_run=dry_run))

    def ids(self, where: str) -> list[str]:
        """Records, in their order."""
        sql = f"SELECT RecordId FROM audit_records WHERE {where} ORDER BY LogIndex"
        return list(map(str, self.workshop.column(sql)))

    def subject(self, subject: str) -> dict[str, Any]:
        """Where somebody is named."""
        return asyncio.run(self.controls.privacy.erasures.of_subject(subject, DORA))


@pytest.fixture(scope="module")
def desk(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Desk]:
    """Two requests with the secret, one without, a read that quotes it, and a crowd."""
    data = prepare(tmp_path_factory.mktemp("erasures") / "data")
    store = migrated_store(data.folder("store"))
    workshop = Workshop(data, store)
    read = ControlRecord(
        kind="store.read",
        at_ns=NOW + 2,
        why=Why(),
        body={"id": "r1", "reader": "person:eve", "statement": f"SELECT '{SECRET}'", "rows": 1},
        requester=Party(principal="person:eve", method="api_key"),
    )
    frames = paying(1), paying(2), spans(*range(3, 9)), control(read.to_json())
    workshop.segments().process(workshop.segment(*frames))
    store.command(
        "INSERT INTO audit_records (RecordId, RecordKind, UserId, LogIndex) "
        f"SELECT concat('crowd-', number), 'action', 'crowd-member', 1000 + number "
        f"FROM numbers({CROWD})"
    )
    spool = Spool()
    registry = data.folder("registry")
    lookup = in_store(store)
    controls = open_controls(registry, registry / "k.json", spool.submit, lookup=lookup)
    controls.journal.now_ns = ticking()
    people = Bundle({**two_persons().files, "principals/privacy.yaml": PEOPLE})
    asyncio.run(controls.apply(people, WHY, ALONE))
    yield Desk(workshop, controls, spool)
    store.close()


@pytest.fixture
def held(desk: Desk) -> Iterator[Hold]:
    """A hold on one of the records without the secret, for one test."""
    [first, *_] = desk.ids("ToolName = 'pay' AND position(ToolArguments, 'cus') = 0")
    files = HoldFiles(desk.workshop.data.folder("registry"))
    hold = Hold(
        id="ab" * 16,
        filter=HoldFilter.parse(f"record={first}"),
        salt="5a",
        placed_at="2026-11-25T00:00:00Z",
        placed_by="person:dora",
    )
    files.store(hold)
    yield hold
    (files.folder / f"{hold.id}.json").unlink()


def secret_ids(desk: Desk) -> list[str]:
    """Records with the secret in their arguments."""
    return desk.ids("position(ToolArguments, 'cus_4711') > 0")


def test_what_would_go_is_told(desk: Desk) -> None:
    """The asked group, those that hold the same, reads that quote it, hashes of the request."""
    first, second = secret_ids(desk)
    told = desk.propose([first], "ToolArguments")
    rows = {row["id"]: row for row in told["records"]}
    assert set(rows[first]["groups"]) >= {"arguments", "attributes", "request"}
    assert rows[first]["asked"] == ["arguments"]
    assert second not in rows
    [read] = [row for row in told["records"] if row["because"] == "read"]
    assert set(read["groups"]) >= {"derived", "request"}
    # The other frame of the same bytes has the same digest.
    assert told["same_requests"] == 1
    assert SECRET not in json.dumps(told)


def test_one_request_may_have_many_records(desk: Desk) -> None:
    """The hash of it goes from all of them, and nothing else of them."""
    [first, *_] = desk.ids("ToolName = 'pay' AND position(ToolArguments, 'cus') = 0")
    told = desk.propose([first], "arguments")
    assert [row["id"] for row in told["records"]] == [first]
    assert told["same_requests"] == 5


@pytest.mark.parametrize("fields", [("*",), ("ToolArguments", "*"), ("user", "*", "arguments")])
def test_all_of_a_record(desk: Desk, fields: tuple[str, ...]) -> None:
    """Every group of it that holds something."""
    first = secret_ids(desk)[0]
    told = desk.propose([first], *fields)
    [row] = [row for row in told["records"] if row["id"] == first]
    assert row["asked"] == row["groups"]
    assert {"arguments", "attributes", "names", "request", "tool", "text"} <= set(row["groups"])
    assert set(row["groups"]) <= ERASABLE


@pytest.mark.parametrize(
    ("field", "says"),
    [
        ("AgentId", "the core of a record"),
        ("RecordSalt", "the core of a record"),
        ("core", "the core of a record"),
        ("Nothing", "field 'Nothing': expected a column, one of the groups"),
        ("", "expected a column"),
        ("x" * 3_000, "expected a column"),
        ("toolarguments", "expected a column"),
        ("ToolArguments'; DROP TABLE audit_records --", "expected a column"),
    ],
)
def test_what_is_no_field_that_can_be_erased(desk: Desk, field: str, says: str) -> None:
    """The core stays, and names are exact."""
    with pytest.raises(ControlInvalid, match=says):
        desk.propose(secret_ids(desk)[:1], field)


def test_a_field_has_to_be_named(desk: Desk) -> None:
    """Over the API too, where nothing is a default."""
    with pytest.raises(ControlInvalid, match="name a field"):
        desk.propose(secret_ids(desk)[:1])


@pytest.mark.parametrize("id", ["nobody", "'; DROP TABLE audit_records --", "é" * 10])
def test_an_unknown_record(desk: Desk, id: str) -> None:
    """Also beside known ones: all or nothing."""
    with pytest.raises(NotFound, match="the store has none of this id"):
        desk.propose([*secret_ids(desk), id], "arguments")


def test_nothing_of_that_is_there(desk: Desk) -> None:
    """A record without a user has no user to erase, and its request is no reason."""
    with pytest.raises(ControlInvalid, match="nothing of that is there"):
        desk.propose(secret_ids(desk), "ToolResult")


def test_who_changed_what_is_not_erased(desk: Desk) -> None:
    """Records of changes stay."""
    desk.workshop.store.command(
        "INSERT INTO audit_records (RecordId, RecordKind, Operation, UserId) "
        "VALUES ('change', 'control', 'registry.applied', 'person:dora')"
    )
    with pytest.raises(ControlInvalid, match="says who changed what"):
        desk.propose(["change"], "UserId")


def test_a_reason_is_asked_for(desk: Desk) -> None:
    """Whoever finds the hole wants to know."""
    asked = [Asked(id=secret_ids(desk)[0], asked=("arguments",))]
    erasures = desk.controls.privacy.erasures
    with pytest.raises(ControlInvalid, match="reason"):
        asyncio.run(erasures.propose(asked, Why(reason="  "), DORA))
    for other in (ALICE, CAROL):
        with pytest.raises(ControlForbidden):
            asyncio.run(erasures.propose(asked, WHY, other))
        with pytest.raises(ControlForbidden):
            asyncio.run(erasures.of_subject("somebody", other))


def test_a_hold_refuses(desk: Desk, held: Hold) -> None:
    """Of the record itself, and of one that came in the same request."""
    first, second, *_ = desk.ids("ToolName = 'pay' AND position(ToolArguments, 'cus') = 0")
    with pytest.raises(ControlRefused, match=f"record {first} is kept by hold {held.id}"):
        desk.propose([first], "arguments")
    with pytest.raises(ControlRefused, match=f"{first} came in the same request.*{held.id}"):
        desk.propose([second], "arguments")
    assert desk.propose(secret_ids(desk)[:1], "arguments")["records"]


def test_too_many_at_once(desk: Desk) -> None:
    """One more than a request may name, over the API or approved from a file."""
    records: list[JsonValue] = [{"id": f"crowd-{n}", "asked": ["user"]} for n in range(MOST + 1)]
    with pytest.raises(ControlInvalid, match=f"at most {MOST}"):
        body_of({"id": "0" * 16, "records": records})
    with pytest.raises(ControlInvalid, match="at least 1"):
        body_of({"id": "0" * 16, "records": []})
    with pytest.raises(ControlInvalid, match="id"):
        body_of({"id": "x", "records": records[:1]})


def test_a_subject_nobody_names(desk: Desk) -> None:
    """An empty listing, no error; a text that is too short is one."""
    assert desk.subject("nobody-of-this-name") == {"records": [], "more": False, "total": 0}
    for short in ("", "abc"):
        with pytest.raises(ControlInvalid, match="at least 4 characters"):
            desk.subject(short)


def test_a_subject_of_some_records(desk: Desk) -> None:
    """Each with the groups that name them; also reads that do, whose reader stays."""
    found = desk.subject(SECRET)
    assert (len(found["records"]), found["total"], found["more"]) == (3, 3, False)
    assert {"arguments", "attributes"} <= set(found["records"][0]["groups"])
    read = found["records"][2]
    assert read["groups"] == ["derived"]
    assert desk.subject("person:eve")["records"][0]["groups"] == ["derived", "text"]
    told = desk.propose([read["id"]], "*")
    [row] = [row for row in told["records"] if row["id"] == read["id"]]
    assert (row["groups"], row["because"]) == (["derived", "request", "text"], "asked")
    with pytest.raises(ControlInvalid, match="nothing of that is there"):
        desk.propose([read["id"]], "UserId")
    assert desk.subject("cus_4711%")["total"] == 0


def test_a_subject_of_very_many(desk: Desk) -> None:
    """As many as one erasure takes, and how many there are in all."""
    found = desk.subject("crowd-member")
    assert (len(found["records"]), found["total"], found["more"]) == (MOST, CROWD, True)
    ids = [row["id"] for row in found["records"]]
    told = desk.propose(ids, "user")
    assert len(told["records"]) == MOST
    assert told["same_requests"] == 0


def test_two_persons_decide(desk: Desk) -> None:
    """Another one than who asked; what is written names records and groups, and no value."""
    first = secret_ids(desk)[0]
    asked = desk.propose([first], "ToolArguments", dry_run=False)
    assert not asked["applied"]
    again = desk.propose([first], "ToolArguments", dry_run=False)
    assert asked["proposal"] != again["proposal"]
    changes = desk.controls.changes
    for other in (DORA, ALICE, OPERATOR):
        with pytest.raises(ControlForbidden):
            asyncio.run(changes.approve(asked["proposal"], "", other))
    done = asyncio.run(changes.approve(asked["proposal"], "checked", DAN))
    assert (done["requested_by"], done["approved_by"]) == ("person:dora", "person:dan")
    record = desk.spool.records[-1]
    assert record.kind == "record.erased"
    entries: Any = record.body["erased"]
    by_id = {entry["record"]: entry for entry in entries}
    assert len(by_id) == 3
    assert by_id[first]["asked"] == ["arguments"]
    assert [e["groups"] for e in entries if e["record"] == secret_ids(desk)[1]] == [["request"]]
    assert SECRET not in record.to_json()
    # Approved again it answers as before; the other proposal is still open, and can be rejected.
    assert asyncio.run(changes.approve(asked["proposal"], "", DAN))["applied"]
    asyncio.run(changes.reject(again["proposal"], "twice", DAN))
    with pytest.raises(ControlConflict, match="was rejected"):
        asyncio.run(changes.approve(again["proposal"], "", DAN))


def test_a_hold_placed_meanwhile_refuses_the_approval(desk: Desk) -> None:
    """It is asked again when it is approved."""
    second = secret_ids(desk)[1]
    asked = desk.propose([second], "ToolArguments", dry_run=False)
    holds = desk.controls.privacy.holds
    placed = asyncio.run(holds.place(HoldFilter.parse(f"record={second}"), WHY, DORA))
    with pytest.raises(ControlRefused, match=str(placed["id"])):
        asyncio.run(desk.controls.changes.approve(asked["proposal"], "", DAN))
    released = asyncio.run(holds.release(str(placed["id"]), WHY, DORA))
    with pytest.raises(ControlForbidden):
        asyncio.run(desk.controls.changes.approve(str(released["proposal"]), "", DORA))
    asyncio.run(desk.controls.changes.approve(str(released["proposal"]), "", DAN))
    assert asyncio.run(desk.controls.changes.approve(asked["proposal"], "", DAN))["applied"]
    kinds = [record.kind for record in desk.spool.records]
    assert kinds.index("hold.placed") < kinds.index("hold.released")


def test_no_certificate_before_it_is_done(desk: Desk) -> None:
    """Nor of one that nobody asked for, nor of a text that is no id."""
    for start in ("00112233", "", "../x", "%", "0" * 5_000):
        with pytest.raises(NotFound):
            asyncio.run(desk.controls.privacy.erasures.certificate(start, DORA))


def test_files_of_holds_that_are_none(desk: Desk, tmp_path: Path) -> None:
    """A damaged file refuses erasures: nobody knows what it keeps."""
    path = desk.workshop.data.folder("registry") / "holds" / f"{'cd' * 16}.json"
    path.parent.mkdir(exist_ok=True)
    path.write_text("{")
    try:
        with pytest.raises(ControlInvalid, match="expected a hold"):
            desk.propose(secret_ids(desk)[:1], "arguments")
    finally:
        path.unlink()


def test_a_dead_letter_is_erased_like_a_record(desk: Desk) -> None:
    """Found by whom it quotes or named by its id, alone and beside a record; two persons decide,
    and what is proposed names nobody."""
    folder = desk.workshop.data.folder("dead")
    letter = Letter("abcd-1-1.p0001", "frame-0", "decode", "why", NOW, "sha256:77", "agent:a")
    write(folder, letter, b"names zoe-4711")
    found = desk.subject("zoe-4711")
    assert [(row["id"], row["groups"]) for row in found["records"]] == [
        (letter.id, ["dead_letter"]),
    ]  # fmt: skip
    [record, *_] = desk.ids("ToolName = 'pay' AND position(ToolArguments, 'cus') > 0")
    both = desk.propose([letter.id, record], "*")
    assert {row["id"] for row in both["records"]} >= {letter.id, record}
    proposed = desk.propose([letter.id], "*", dry_run=False)
    change = asyncio.run(desk.controls.changes.approve(str(proposed["proposal"]), "yes", DAN))
    assert change["applied"]
    erased = desk.spool.records[-1]
    assert (erased.kind, erased.body["erased"]) == (
        "record.erased",
        [{"record": letter.id, "log": "", "index": 0, "groups": ["dead_letter"],
          "asked": ["dead_letter"]}],
    )  # fmt: skip
    assert "zoe" not in erased.to_json()
    remove(folder, letter.id)
    with pytest.raises(NotFound):
        desk.propose([letter.id], "*")
