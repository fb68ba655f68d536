"""A control record says who, when and why, and survives its JSON."""

import pytest

from auditspan.collector.control.errors import ControlInvalid
from auditspan.collector.control.records import ControlRecord, Party, Why, rfc3339, started, why_of
from auditspan.collector.control.versions import bundle_of
from auditspan.identity.roles import Role
from auditspan.registry import BundleInvalid
from tests.collector.control.callers import caller


def test_a_record_survives_its_text() -> None:
    """What is written is read, letter for letter."""
    why = Why(requested_by=" ann ", ticket="T", reason="größer", approved_by="bob")
    record = ControlRecord(kind="key.issued", at_ns=2**62, why=why, body={"a": [1, None, {"b": 2}]})
    again = ControlRecord.from_json(record.to_json())
    assert again == record
    assert again.why.requested_by == "ann"


@pytest.mark.parametrize(
    "text",
    [
        "",
        "[]",
        "{}",
        '{"kind": "key.issued", "at_ns": 1, "why": {"requested_by": ""}}',
        '{"kind": "Key Issued", "at_ns": 1, "why": {"requested_by": "a"}}',
        '{"kind": "key.issued", "at_ns": 1, "why": {"requested_by": "a"}, "more": 1}',
        '{"format": 2, "kind": "key.issued", "at_ns": 1, "why": {"requested_by": "a"}}',
    ],
)
def test_anything_else_is_refused(text: str) -> None:
    """A control frame that is none is an error with its place."""
    with pytest.raises(ControlInvalid, match=":"):
        ControlRecord.from_json(text)


@pytest.mark.parametrize("said", ["a\nb", "\x1b[2J", "x" * 2000])
def test_on_whose_behalf_is_one_printable_line(said: str) -> None:
    """Several lines and control characters are refused with the field's name."""
    with pytest.raises(ControlInvalid, match="requested_by"):
        why_of(said, "", "")


def test_somebody_asks_for_every_change() -> None:
    """Verified, or of a record without parties by the name that was claimed; never nobody."""
    party = Party(principal="person:alice", method="api_key", credential="k1")
    other = Party(principal="person:bob", method="jwt")
    why = Why(requested_by="ann", approved_by="boss")
    made = ControlRecord(kind="key.issued", at_ns=1, why=why, requester=party, approver=other)
    assert (made.asked_by, made.agreed_by) == ("person:alice", "person:bob")
    alone = ControlRecord(kind="key.issued", at_ns=1, why=Why(), requester=party)
    assert (alone.asked_by, alone.agreed_by) == ("person:alice", "")
    old = ControlRecord(kind="key.issued", at_ns=1, why=why)
    assert (old.asked_by, old.agreed_by) == ("ann", "boss")
    with pytest.raises(ControlInvalid, match="somebody asks"):
        ControlRecord.from_json('{"kind": "key.issued", "at_ns": 1, "why": {}}')


def test_a_party_is_whom_a_credential_proved() -> None:
    """Principal, method, credential, and who issued the key."""
    party = Party.of(caller("person:bob", Role.POLICY, issued_by="operator", credential="k9"))
    assert party.model_dump() == {
        "principal": "person:bob",
        "method": "api_key",
        "credential": "k9",
        "issued_by": "operator",
    }


def test_times_are_readable() -> None:
    """Nanoseconds become RFC 3339 in UTC, cut to microseconds."""
    assert rfc3339(1_767_225_600_123_456_789) == "2026-01-01T00:00:00.123456Z"
    assert rfc3339(0) == "1970-01-01T00:00:00Z"


def test_a_start_is_a_record_too() -> None:
    """The collector records its own start with what it runs."""
    record = started(1, "0.1.0", "abcd1234", "sha256:x")
    assert record.kind == "collector.started"
    assert record.body == {"version": "0.1.0", "instance": "abcd1234", "config_hash": "sha256:x"}


def test_only_an_applied_registry_holds_a_bundle() -> None:
    """A record of another kind is no version."""
    with pytest.raises(BundleInvalid, match=r"expected 'registry\.applied'"):
        bundle_of(started(1, "0.1.0", "abcd1234", "sha256:x"))
