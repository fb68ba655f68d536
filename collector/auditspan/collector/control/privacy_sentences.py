"""Control records about erasures, holds and retention as plain words; none names anybody."""

from collections.abc import Callable, Mapping
from typing import Final

from pydantic import JsonValue

from auditspan.collector.control.erasure_kinds import (
    EXPIRED_EARLY,
    HOLD_DEFINED,
    HOLD_PLACED,
    HOLD_RELEASED,
    RECORD_ERASED,
    RETENTION_CHANGED,
)
from auditspan.collector.control.records import ControlRecord


def _erased(record: ControlRecord) -> str:
    parts = record.body.get("erased")
    count = len(parts) if isinstance(parts, list) else 0
    return f"content of {count} records erased under request {_id(record)}"


def _expired(record: ControlRecord) -> str:
    count = record.body.get("records")
    return f"{_number(count)} records expired before their day under request {_id(record)}"


def _hold(what: str) -> Callable[[ControlRecord], str]:
    return lambda record: f"legal hold {_id(record)[:12]} {what}"


def _retention(record: ControlRecord) -> str:
    before, after = _days(record.body.get("before")), _days(record.body.get("after"))
    differ = sorted(
        name for name in before.keys() | after.keys() if before.get(name) != after.get(name)
    )
    said = ", ".join(
        f"{name} from {before.get(name, 'none')} to {after.get(name, 'none')}" for name in differ
    )
    return f"days of retention changed: {said}"


def _days(value: JsonValue) -> Mapping[str, int]:
    found = value if isinstance(value, dict) else {}
    return {name: days for name, days in found.items() if isinstance(days, int)}


def _id(record: ControlRecord) -> str:
    return str(record.body.get("id", ""))


def _number(value: JsonValue) -> int:
    return value if isinstance(value, int) else 0


WHAT: Final[Mapping[str, Callable[[ControlRecord], str]]] = {
    RECORD_ERASED: _erased,
    EXPIRED_EARLY: _expired,
    HOLD_DEFINED: _hold("defined"),
    HOLD_PLACED: _hold("placed"),
    HOLD_RELEASED: _hold("released"),
    RETENTION_CHANGED: _retention,
}
"""What was done, by kind."""
