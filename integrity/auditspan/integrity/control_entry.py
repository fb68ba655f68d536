"""Entries of a log that are no records (docs/integrity-format.md §5).

Their body is kept as it was written, so it needs no canonical form.
"""

import hashlib
from enum import IntEnum

from auditspan.integrity.canonical import entry
from auditspan.integrity.errors import ValueInvalid

_TAG = b"auditspan/control/v1\n"


class Kind(IntEnum):
    """Second byte of an entry."""

    RECORD = 0x00
    LOG_OPEN = 0x01
    LOG_CLOSE = 0x02
    RETENTION_POLICY = 0x03
    ERASE = 0x04
    HOLD = 0x05
    EARLY_EXPIRY = 0x06
    GAP = 0x07
    KEY_REVOKE = 0x08
    EXPORT = 0x09
    CHECKPOINT = 0x10
    """In a root log only: a checkpoint that was cosigned."""
    ANCHOR = 0x11
    """In a root log only: the digest of an anchor's receipt."""


def control_content(body: str) -> bytes:
    """The digest of a body."""
    return hashlib.sha256(_TAG + body.encode()).digest()


def control_entry(kind: int, body: str) -> bytes:
    """The 38 bytes of an entry that never expires. Raises `ValueInvalid`."""
    if kind == Kind.RECORD or kind not in set(Kind):
        raise ValueInvalid(f"kind {kind:#04x} of a control entry: expected one of its table")
    return entry(kind, 0, control_content(body))
