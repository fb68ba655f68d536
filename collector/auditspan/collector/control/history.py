"""The versions of the registry in a listing, and which of them was in force at a time."""

from collections.abc import Sequence
from datetime import datetime

from auditspan.collector.control.errors import ControlInvalid
from auditspan.collector.control.fields import Fields
from auditspan.collector.control.records import ControlRecord, rfc3339


def in_force(versions: Sequence[Fields], at: str) -> list[Fields]:
    """The version in force at an RFC 3339 time, or none before the first. Raises ControlInvalid."""
    wanted = _time(at)
    before = [row for row in versions if _time(str(row["at"])) <= wanted]
    return before[-1:]


def listed(record: ControlRecord) -> Fields:
    """A version without its texts: who asked and who approved, and how that is known."""
    changes = record.body.get("changes")
    return {
        "at": rfc3339(record.at_ns),
        "version": record.body["version"],
        "policy_version": record.body["policy_version"],
        "previous": record.body["previous"],
        "changes": len(changes) if isinstance(changes, list) else 0,
        "requested_by": record.asked_by,
        "approved_by": record.agreed_by,
        "provenance": "verified" if record.requester else "claimed",
        "on_behalf_of": record.why.requested_by if record.requester else "",
        "ticket": record.why.ticket,
        "reason": record.why.reason,
        "proposal": record.proposal,
        "findings": list(record.findings),
    }


def _time(text: str) -> datetime:
    try:
        time = datetime.fromisoformat(text)
    except ValueError as error:
        raise ControlInvalid(f"at: is {text!r}, expected 2026-01-31T09:00:00Z") from error
    if time.tzinfo is None:
        raise ControlInvalid(f"at: {text!r} has no zone, expected 2026-01-31T09:00:00Z")
    return time
