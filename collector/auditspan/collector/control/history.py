"""Which of the listed versions was in force at a time."""

from collections.abc import Sequence
from datetime import datetime

from auditspan.collector.control.errors import ControlInvalid
from auditspan.collector.control.service import Fields


def in_force(versions: Sequence[Fields], at: str) -> list[Fields]:
    """The version in force at an RFC 3339 time, or none before the first. Raises ControlInvalid."""
    wanted = _time(at)
    before = [row for row in versions if _time(str(row["at"])) <= wanted]
    return before[-1:]


def _time(text: str) -> datetime:
    try:
        time = datetime.fromisoformat(text)
    except ValueError as error:
        raise ControlInvalid(f"at: is {text!r}, expected 2026-01-31T09:00:00Z") from error
    if time.tzinfo is None:
        raise ControlInvalid(f"at: {text!r} has no zone, expected 2026-01-31T09:00:00Z")
    return time
