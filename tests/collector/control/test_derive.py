"""Control frames become one record each, and rows that answer what was in force on a date."""

import json
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest

from auditspan.collector.control.apply import plan
from auditspan.collector.control.derive import Frame, batch
from auditspan.collector.control.errors import ControlInvalid
from auditspan.collector.control.records import REGISTRY_APPLIED, ControlRecord, Party, Why
from auditspan.collector.control.registry_tables import SCHEMAS, tables
from auditspan.identity.principal import anonymous_principal
from auditspan.processors.finish import finish
from auditspan.registry import Bundle
from auditspan.storage.engine import Engine
from tests.collector.control.bundles import DEMO, STRICTER, bundle
from tests.migrated import migrated_store

FIRST, SECOND = 1_767_225_600 * 10**9, 1_772_323_200 * 10**9
ALICE = Party(principal="person:alice", method="api_key", credential="k1", issued_by="operator")
BOB = Party(principal="person:bob", method="jwt", credential="t1")


def frame(texts: Bundle, at_ns: int, before: Bundle | None = None) -> Frame:
    """The frame of applying a bundle."""
    why = Why(requested_by="a\u2028nn", ticket="T-1", reason="because", approved_by="bob")
    body = plan(texts, before).body()
    record = ControlRecord(kind=REGISTRY_APPLIED, at_ns=at_ns, why=why, body=body)
    principal = anonymous_principal("127.0.0.1").to_json()
    return Frame.read(at_ns + 5, "sha256:d", principal, record.to_json())


def decided(**fields: Any) -> dict[str, Any]:
    """The row of a change that alice asked for."""
    plain: dict[str, Any] = {"requester": ALICE, "at_ns": FIRST, "kind": REGISTRY_APPLIED}
    plain |= {"why": Why(), "body": plan(bundle(), None).body()}
    one = Frame(FIRST, "", anonymous_principal("").to_json(), ControlRecord(**(plain | fields)))
    row: dict[str, Any]
    [row] = finish(batch([one]), "b", bytes(10)).to_pylist()
    return row | {"Derived": dict(row["Derived"]), "SpanAttributes": dict(row["SpanAttributes"])}


def test_who_asked_and_who_approved_are_verified() -> None:
    """Their principals are in the columns, their credentials in the body, and claims apart."""
    why = Why(requested_by="ann", approved_by="boss", ticket="T-1")
    row = decided(why=why, approver=BOB, proposal="sha256:p")
    assert (row["UserId"], row["UserProvenance"]) == ("person:alice", "verified")
    assert (row["AuthorizedBy"], row["Findings"]) == ("person:bob", [])
    assert row["SpanAttributes"]["claimed.requested_by"] == "ann"
    assert row["SpanAttributes"]["claimed.approved_by"] == "boss"
    assert row["Derived"]["audit.authentication.method"] == "api_key"
    body = json.loads(row["Derived"]["audit.control.body"])
    assert (body["requester"]["credential"], body["approver"]["method"]) == ("k1", "jwt")
    assert body["proposal"] == "sha256:p"
    assert row["Summary"] == (
        f"registry {bundle().version[:19]} applied with 6 changes, "
        'asked by "person:alice" on behalf of "ann" (claimed), approved by "person:bob", '
        'ticket "T-1".'
    )


def test_a_change_by_one_person_is_a_finding() -> None:
    """In the column, in the sentence and in the severity; nobody stands under AuthorizedBy."""
    row = decided(findings=("change.self_approved",))
    assert (row["AuthorizedBy"], row["Findings"]) == ("", ["change.self_approved"])
    assert row["Severity"] == 6
    assert row["Summary"].endswith('asked by "person:alice", approved by nobody else.')
    assert row["SpanAttributes"] == {}
    assert decided(findings=("change.bootstrap",))["Severity"] == 4
    claimed = decided(findings=("change.self_approved",), why=Why(approved_by="boss"))
    assert claimed["Summary"].endswith("approved by nobody else.")
    body = plan(bundle(), None).body() | {"cause": {"kind": "agent.disabled", "agent": "helper"}}
    assert ' because agent "helper" was disabled, ' in decided(body=body)["Summary"]
    later = decided(findings=("of.a.later.version",))
    assert (later["Findings"], later["Severity"]) == ([], 3)


@pytest.mark.parametrize(
    ("kind", "body", "words"),
    [
        (
            "change.proposed",
            {"id": "sha256:0123456789abcdef", "kind": "registry", "changes": [1, 2]},
            "change 0123456789ab of kind registry proposed with 2 changes, ",
        ),
        (
            "change.rejected",
            {"id": "sha256:0123456789abcdef", "requested_by": "person:bob"},
            'change 0123456789ab of "person:bob" rejected because "no", ',
        ),
        ("change.withdrawn", {"id": "sha256:01"}, 'change 01 withdrawn because "no", '),
        ("agent.disabled", {"id": "helper"}, 'agent "helper" disabled because "no", '),
        ("hold.added", {"id": "0192"}, "hold.added 0192, "),
        ("odd.kind", {}, "odd.kind, "),
    ],
)
def test_every_kind_has_a_sentence(kind: str, body: dict[str, Any], words: str) -> None:
    """What was done to what, and who asked."""
    row = decided(kind=kind, body=body, why=Why(reason="no"))
    assert row["Summary"] == words + 'asked by "person:alice".'


def test_a_change_becomes_a_record() -> None:
    """Who asked, what changed, under which ticket, in columns and in a sentence; without parties
    it is what was claimed."""
    [row] = batch([frame(bundle(), FIRST)]).table.to_pylist()
    assert row["RecordKind"] == "control"
    assert row["Operation"] == "registry.applied"
    assert row["Timestamp"].value == FIRST
    assert row["ReceivedAt"].value == FIRST + 5
    assert (row["UserId"], row["AuthorizedBy"]) == ("a\u2028nn", "bob")
    assert row["UserProvenance"] == "claimed"
    assert row["TargetId"] == bundle().version
    assert row["PolicyVersion"] == bundle().registry().policy_version
    assert dict(row["SpanAttributes"])["audit.ticket.id"] == "T-1"
    assert row["Summary"] == (
        f"registry {bundle().version[:19]} applied with 6 changes, "
        'asked by "a\\u2028nn", approved by "bob" (claimed), ticket "T-1".'
    )


def test_the_body_is_kept_without_the_texts() -> None:
    """The difference with old texts is in the record, the new texts are in the tables."""
    changed = frame(bundle(policies__p=STRICTER), SECOND, bundle())
    [text] = batch([changed]).derived["audit.control.body"].to_pylist()
    body = json.loads(text)
    assert "files" not in body
    assert body["previous"] == bundle().version
    assert body["changes"][0]["before"] == bundle().files["policies/p.cedar"]


def test_a_body_that_is_too_large_keeps_its_versions() -> None:
    """The change list is left out rather than the record made huge."""
    long = "// " + "x" * 300_000 + "\n" + STRICTER
    changed = frame(bundle(policies__p=STRICTER), SECOND, bundle(policies__p=long))
    [text] = batch([changed]).derived["audit.control.body"].to_pylist()
    assert set(json.loads(text)) == {"version", "policy_version", "previous"}


def test_a_key_becomes_a_record_of_its_agent() -> None:
    """Issuing a key is found under the agent's id."""
    body = {"id": "0123", "principal": "agent:helper"}
    record = ControlRecord(kind="key.issued", at_ns=FIRST, why=Why(requested_by="ann"), body=body)
    one = Frame(FIRST, "", anonymous_principal("").to_json(), record)
    [row] = batch([one]).table.to_pylist()
    assert (row["AgentId"], row["TargetType"], row["TargetId"]) == ("helper", "api_key", "0123")
    assert row["Summary"] == 'key 0123 of "agent:helper" issued, asked by "ann".'
    assert tables([one], "b") == {}


def test_no_frames_give_an_empty_batch() -> None:
    """A batch without controls has no control records."""
    assert len(batch([])) == 0


def test_a_frame_that_is_none_is_refused() -> None:
    """It goes to the dead letters with its reason."""
    with pytest.raises(ControlInvalid):
        Frame.read(1, "", "{}", "{}")


def test_the_demo_fills_every_table() -> None:
    """Agents, tools, grants, policies and the version, each with version, time and batch."""
    made = tables([frame(Bundle.read(DEMO), FIRST)], "batch-1")
    assert {name: table.num_rows for name, table in made.items()} == {
        "registry_versions": 1,
        "policy_versions": 4,
        "agents": 4,
        "tools": 13,
        "grants": 7,
    }
    for table in made.values():
        assert set(table["BatchId"].to_pylist()) == {"batch-1"}
        assert table["AppliedAt"].type == pa.timestamp("ns", tz="UTC")
        assert table.column(0).null_count == 0


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Engine]:
    """A migrated embedded store."""
    engine = migrated_store(tmp_path / "store")
    yield engine
    engine.close()


def test_the_columns_are_those_of_the_store(store: Engine) -> None:
    """A column that is renamed, moved or added by a migration fails here."""
    for name, schema in SCHEMAS.items():
        assert schema.names == store.arrow(f"SELECT * FROM {name}").column_names


def test_a_version_says_who_agreed_and_what_changed() -> None:
    """Requester and approver as proved, the claim beside them, and a line for each difference."""
    asked = frame(bundle(policies__p=STRICTER), SECOND, bundle())
    record = asked.record.model_copy(
        update={"requester": ALICE, "approver": BOB, "proposal": "sha256:1", "findings": ("f",)}
    )
    made = tables([replace(asked, record=record)], "batch-1")
    [row] = made["registry_versions"].to_pylist()
    assert (row["RequestedBy"], row["RequestedByProvenance"]) == ("person:alice", "verified")
    assert (row["ApprovedBy"], row["Proposal"], row["Findings"]) == (
        "person:bob",
        "sha256:1",
        ["f"],
    )
    assert row["OnBehalfOf"] == asked.record.why.requested_by != ""
    assert [change.split()[:2] for change in row["Changes"]] == [["changed", "policy"]]
    assert set(made["policy_versions"]["ApprovedBy"].to_pylist()) == {"person:bob"}


def test_what_was_in_force_on_a_date_is_one_query(store: Engine) -> None:
    """Before the first version nothing, then each version until the next, with its old text."""
    frames = [frame(bundle(), FIRST), frame(bundle(policies__p=STRICTER), SECOND, bundle())]
    for name, rows in tables(frames, "batch-1").items():
        store.insert(name, rows)
    sql = """
        SELECT Text, Ticket FROM policy_versions
        WHERE AppliedAt = (
            SELECT max(AppliedAt) FROM registry_versions
            WHERE AppliedAt <= fromUnixTimestamp64Nano({at:Int64}, 'UTC'))
    """
    texts = [
        [row["Text"] for row in store.arrow(sql, {"at": at}).to_pylist()]
        for at in (FIRST - 1, FIRST, SECOND - 1, SECOND)
    ]
    old, new = bundle().files["policies/p.cedar"], STRICTER
    assert texts == [[], [old], [old], [new]]
    [row] = store.arrow("SELECT Bundle FROM registry_versions LIMIT 1").to_pylist()
    assert Bundle.from_json(row["Bundle"]).files == bundle().files
