"""A control record says who, when and why, and survives its JSON."""

import pytest

from auditspan.collector.control.errors import ControlInvalid
from auditspan.collector.control.records import ControlRecord, Why, rfc3339, started, why_of
from auditspan.collector.control.versions import bundle_of
from auditspan.registry import BundleInvalid


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


@pytest.mark.parametrize("said", ["", "  ", "a\nb", "\x1b[2J", "x" * 2000])
def test_who_asked_is_one_printable_line(said: str) -> None:
    """Nobody, several lines and control characters are refused with the field's name."""
    with pytest.raises(ControlInvalid, match="requested_by"):
        why_of(said, "", "")


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
