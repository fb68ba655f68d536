"""What a sender may not say."""

import re

from auditspan.processors.batch import Batch
from auditspan.processors.claims import ClaimsConfig, claims
from auditspan.semconv.columns import ASSERTED_BY
from tests.processors.samples import batch, spans


def said(records: Batch, column: str = "SpanAttributes") -> list[dict[str, str]]:
    """The attributes of each record."""
    return [dict(row) for row in records.column(column).to_pylist()]


def test_what_only_the_collector_may_say_moves_aside() -> None:
    """The name tells that it is a claim, the value is kept, and only that record is flagged."""
    result = claims(spans({"audit.summary": "all well", "x": "1"}, {"x": "2"}))
    assert said(result) == [{"claimed.audit.summary": "all well", "x": "1"}, {"x": "2"}]
    assert result.has("claim.rejected").tolist() == [True, False]


def test_every_attribute_of_the_registry_is_judged() -> None:
    """Exactly those that no client and no guard may assert are renamed."""
    who = {re.sub(r"(?:<.*>|\*)$", "x", name): by for name, by in ASSERTED_BY.items()}
    [result] = said(claims(spans(dict.fromkeys(who, "v"))))
    mine = {name for name, by in who.items() if {"client", "guard"} & set(by)}
    assert "audit.guard.outcome" in mine
    assert {"audit.provenance.x", "audit.severity.score"} <= set(who) - mine
    assert set(result) == mine | {f"claimed.{name}" for name in set(who) - mine}


def test_families_are_reserved() -> None:
    """A provenance of anything is the collector's word."""
    result = claims(spans({"audit.provenance.user.id": "verified"}))
    assert said(result) == [{"claimed.audit.provenance.user.id": "verified"}]


def test_resources_claim_too() -> None:
    """Where a name stands makes no difference."""
    result = claims(batch({"ResourceAttributes": {"audit.summary": "s", "service.name": "a"}}, {}))
    assert said(result, "ResourceAttributes") == [
        {"claimed.audit.summary": "s", "service.name": "a"},
        {},
    ]
    assert result.has("claim.rejected").tolist() == [True, False]


def test_a_repeated_key_is_no_way_around() -> None:
    """Decode names the second one `k#2`."""
    result = claims(spans({"audit.summary#2": "all well"}))
    assert said(result) == [{"claimed.audit.summary#2": "all well"}]


def test_a_sender_cannot_write_our_mark() -> None:
    """A key that came as `claimed.…` is told apart from one that we moved."""
    result = claims(spans({"claimed.audit.summary": "a", "audit.summary": "b"}))
    assert said(result) == [{"claimed.claimed.audit.summary": "a", "claimed.audit.summary": "b"}]


def test_types_follow_their_attribute() -> None:
    """The type is found under the new name."""
    records = batch(
        {
            "SpanAttributes": {"audit.summary": "1"},
            "AttributeTypes": {
                "audit.summary": "int",
                "resource/audit.summary": "int",
                "event/0/audit.summary": "int",
                "x": "int",
            },
        }
    )
    assert said(claims(records), "AttributeTypes") == [
        {
            "claimed.audit.summary": "int",
            "resource/claimed.audit.summary": "int",
            "event/0/audit.summary": "int",
            "x": "int",
        }
    ]


def test_names_of_the_user_are_reserved_too() -> None:
    """The configuration adds attributes and families."""
    config = ClaimsConfig(also=("acme.approved", "acme.secret.*"))
    result = claims(
        spans({"acme.approved": "1", "acme.secret.x": "2", "acme.approvedby": "3"}), config
    )
    assert set(said(result)[0]) == {
        "claimed.acme.approved",
        "claimed.acme.secret.x",
        "acme.approvedby",
    }


def test_an_honest_batch_passes_untouched() -> None:
    """Nothing is copied where nothing is claimed."""
    records = spans({"gen_ai.tool.name": "x"})
    assert claims(records) is records


def test_what_decoding_found_is_a_finding() -> None:
    """A key that came twice, and what could not be read in full: of those records only."""
    result = claims(batch({"Duplicates": True}, {"Undecodable": True}, {}))
    assert result.has("attribute.duplicate").tolist() == [True, False, False]
    assert result.has("attribute.undecodable").tolist() == [False, True, False]
