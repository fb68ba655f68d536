"""Entries that are no records."""

import pytest

from auditspan.integrity.control_entry import Kind, control_content, control_entry
from auditspan.integrity.errors import ValueInvalid
from tests.integrity import naive


def test_kinds_are_frozen() -> None:
    """Numbers are in the bytes that are sealed."""
    assert {kind.name: kind.value for kind in Kind} == {
        "RECORD": 0x00,
        "LOG_OPEN": 0x01,
        "LOG_CLOSE": 0x02,
        "RETENTION_POLICY": 0x03,
        "ERASE": 0x04,
        "HOLD": 0x05,
        "EARLY_EXPIRY": 0x06,
        "GAP": 0x07,
        "KEY_REVOKE": 0x08,
        "EXPORT": 0x09,
        "CHECKPOINT": 0x10,
        "ANCHOR": 0x11,
    }


@pytest.mark.parametrize("kind", [kind for kind in Kind if kind is not Kind.RECORD])
def test_bytes(kind: Kind) -> None:
    """The body under a tag of its own; it never expires."""
    body = '{"é": 1}'
    digest = naive.h(b"auditspan/control/v1\n", body.encode())
    assert control_content(body) == digest
    assert control_entry(kind, body) == naive.entry(kind, 0, digest)


def test_other_kinds_are_refused() -> None:
    """A record is none, and a number without a name neither."""
    for kind in (0x00, 0x0A, 0x12, 0xFF, 0x104):
        with pytest.raises(ValueInvalid):
            control_entry(kind, "")
