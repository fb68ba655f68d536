"""Reviews, questions to owners and their answers become rows, also in a store of before."""

from collections.abc import Iterator, Mapping

import pyarrow as pa
import pytest
from pydantic import JsonValue

from auditspan.collector.control import recertification_tables, review_tables
from auditspan.collector.control.derive import Frame, batch
from auditspan.collector.control.derived_tables import DERIVERS
from auditspan.collector.control.overdue import FINDING
from auditspan.collector.control.records import ControlRecord, Party, Why
from auditspan.collector.control.verdicts import verdicts
from auditspan.collector.engine.dead_letters import insert_once
from auditspan.identity.principal import anonymous_principal
from auditspan.storage import migrations
from auditspan.storage.engine import Engine, open_embedded
from auditspan.storage.migrations import migrate

AT = 1_767_225_600_123_456_789
DUE = AT + 10**15
IVAN = Party(principal="person:ivan", method="jwt", credential="sha256:t")
REVIEW: Mapping[str, JsonValue] = {
    "id": "r1", "review": "v1", "verdict": "escalated", "closes": False, "agent": "helper",
    "principal": "agent:helper", "operation": "execute_tool", "review_required": True,
}  # fmt: skip
ITEM: Mapping[str, JsonValue] = {
    "item": "agent:helper", "agent": "helper", "owner": "Payments", "owner_email": "o@example.org",
    "risk_tier": "high", "expires_at_ns": 0,
}  # fmt: skip
GRANT: Mapping[str, JsonValue] = {**ITEM, "item": "grant:g1", "expires_at_ns": DUE}
STARTED: Mapping[str, JsonValue] = {
    "id": "c-1", "due_at_ns": DUE, "registry_version": "sha256:a",
    "items": [dict(ITEM), dict(GRANT)],
}  # fmt: skip
ABOUT: Mapping[str, JsonValue] = {
    **{key: value for key, value in GRANT.items() if key != "item"},
    "id": "grant:g1", "principal": "agent:helper", "campaign": "c-1", "due_at_ns": DUE,
    "registry_version": "sha256:a",
}  # fmt: skip


@pytest.fixture(scope="module")
def engine(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Engine]:
    """A store that the version before has made, brought up to date."""
    engine = open_embedded(tmp_path_factory.mktemp("reviews") / "store")
    before = tuple(m for m in migrations.known() if m.number < 3)
    with pytest.MonkeyPatch.context() as old:
        old.setattr(migrations, "known", lambda: before)
        old.setattr(migrations, "synchronise", lambda _: None)
        migrate(engine)
    engine.command("INSERT INTO reviews (RecordId, ReviewedBy, Verdict) VALUES ('r0', 'ann', 'ok')")
    migrate(engine)
    yield engine
    engine.close()


def frame(
    kind: str,
    body: Mapping[str, JsonValue],
    requester: Party | None = IVAN,
    findings: tuple[str, ...] = (),
) -> Frame:
    """The frame of a control record."""
    why = Why(requested_by="" if requester else "collector", ticket="T-1", reason="because")
    record = ControlRecord(
        kind=kind, at_ns=AT, why=why, body=body, requester=requester, findings=findings
    )
    return Frame.read(AT + 5, "sha256:d", anonymous_principal("").to_json(), record.to_json())


FRAMES = (
    frame("record.reviewed", REVIEW),
    frame("recertification.started", STARTED),
    frame("access.recertified", {**ABOUT, "verdict": "keep", "as": "owner"}),
    frame("recertification.overdue", ABOUT, None, (FINDING,)),
    frame("key.revoked", {"id": "k1"}),
)


def stored(engine: Engine, tables: Mapping[str, pa.Table], name: str) -> list[dict[str, object]]:
    """The rows of a batch that is processed twice, as after a crash."""
    assert list(tables) == [name]
    for _ in range(2):
        insert_once(engine, name, tables[name], "b-1")
    sql = f"SELECT * FROM {name} WHERE BatchId = 'b-1' ORDER BY ALL"
    rows: list[dict[str, object]] = engine.arrow(sql).to_pylist()
    return rows


def test_a_review_is_a_row(engine: Engine) -> None:
    """With everything that is known of it, in every column of the table."""
    [row] = stored(engine, review_tables.tables(FRAMES, "b-1"), "reviews")
    assert set(row) == set(review_tables.SCHEMA.names)
    assert (row["ReviewId"], row["RecordId"], row["AgentId"]) == ("v1", "r1", "helper")
    assert row["ReviewedAt"].value == AT  # type: ignore[attr-defined]
    assert (row["ReviewedBy"], row["ReviewedByProvenance"]) == ("person:ivan", "verified")
    assert (row["Method"], row["Credential"]) == ("jwt", "sha256:t")
    assert (row["Verdict"], row["Closed"], row["ReviewRequired"]) == ("escalated", False, True)
    assert (row["Comment"], row["Ticket"], row["BatchId"]) == ("because", "T-1", "b-1")


def test_questions_answers_and_silence_are_rows(engine: Engine) -> None:
    """One for each item that was asked about, one for each answer, one for what was overdue."""
    rows = stored(engine, recertification_tables.tables(FRAMES, "b-1"), "recertifications")
    assert set(rows[0]) == set(recertification_tables.SCHEMA.names)
    assert [(row["Item"], row["Event"]) for row in rows] == [
        ("agent:helper", "asked"),
        ("grant:g1", "answered"),
        ("grant:g1", "asked"),
        ("grant:g1", "overdue"),
    ]
    asked, answered, _, overdue = rows
    assert (asked["AskedBy"], asked["OwnerEmail"], asked["ExpiresAt"]) == (
        "person:ivan", "o@example.org", None,
    )  # fmt: skip
    assert (answered["Verdict"], answered["AnsweredBy"], answered["AnsweredAs"]) == (
        "keep", "person:ivan", "owner",
    )  # fmt: skip
    assert answered["AnsweredByProvenance"] == "verified"
    assert answered["ExpiresAt"].value == DUE  # type: ignore[attr-defined]
    assert (overdue["Verdict"], overdue["AnsweredBy"], overdue["Owner"]) == ("", "", "Payments")
    assert {row["CampaignId"] for row in rows} == {"c-1"}
    assert {row["DueAt"].value for row in rows} == {DUE}  # type: ignore[attr-defined]


def test_each_is_a_record_of_its_agent() -> None:
    """Found under the agent's id; what is overdue has the finding."""
    made = batch(FRAMES)
    rows = made.table.to_pylist()
    assert [row["AgentId"] for row in rows] == ["helper", "", "helper", "helper", ""]
    assert [row["TargetId"] for row in rows] == ["r1", "c-1", "grant:g1", "grant:g1", "k1"]
    assert [list(map(str, found)) for found in _findings(made)] == [[], [], [], [FINDING], []]


def test_each_is_a_sentence_without_reasons() -> None:
    """Readers see it, and a reason may quote what they do not."""
    found = [str(row["Summary"]) for row in batch(FRAMES).table.to_pylist()]
    assert found[:4] == [
        'record r1 of agent "helper" reviewed: escalated, said by "person:ivan", ticket "T-1".',
        'recertification c-1 of 2 items started, asked by "person:ivan", ticket "T-1".',
        '"grant:g1" of "Payments" recertified: keep, as owner, said by "person:ivan", '
        'ticket "T-1".',
        '"grant:g1" of "Payments" not recertified in time, found by "collector", ticket "T-1".',
    ]
    severities = [row["Severity"] for row in batch(FRAMES).table.to_pylist()]
    assert severities == [3, 3, 3, 5, 3]


def _findings(made: object) -> list[list[str]]:
    from auditspan.processors.batch import Batch, finding_lists

    assert isinstance(made, Batch)
    found: list[list[str]] = finding_lists(made.findings).to_pylist()
    return found


@pytest.mark.parametrize("kind", [frame.record.kind for frame in FRAMES])
def test_a_body_of_another_shape_makes_rows_all_the_same(kind: str) -> None:
    """A frame that was acknowledged is never lost for a value in it."""
    odd: Mapping[str, JsonValue] = {
        "id": 7, "closes": "yes", "verdict": None, "items": [1, {"item": ["x"]}, {}],
        "due_at_ns": "soon", "expires_at_ns": True, "campaign": {},
    }  # fmt: skip
    for deriver in (review_tables.tables, recertification_tables.tables):
        for table in deriver([frame(kind, odd), frame(kind, {})], "b-1").values():
            assert table.num_rows > 0


def test_the_pipeline_fills_them() -> None:
    """Both are among the derived tables."""
    assert {review_tables.tables, recertification_tables.tables} <= set(DERIVERS)


def test_a_store_of_the_version_before_gets_the_columns(engine: Engine) -> None:
    """Its reviews stay, as closed and as claims."""
    [row] = engine.arrow("SELECT * FROM reviews WHERE RecordId = 'r0'").to_pylist()
    assert set(row) == set(review_tables.SCHEMA.names)
    assert (row["ReviewedBy"], row["Verdict"]) == ("ann", "ok")
    assert (row["Closed"], row["ReviewedByProvenance"]) == (True, "claimed")


def test_every_word_says_what_it_means() -> None:
    """At least one verdict of a review leaves it open, none of an owner's does."""
    assert {word for word, v in verdicts()["review"].items() if not v.closes} == {"escalated"}
    assert all(v.closes for v in verdicts()["recertification"].values())
    assert all(v.means.endswith(".") for topic in verdicts().values() for v in topic.values())
