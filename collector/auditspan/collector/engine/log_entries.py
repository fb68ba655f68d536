"""What stands in the log beside records: its first and last entry, and effects of control records.

A control record is sealed like any other record. Some have an effect on the log itself, which
whoever verifies must find there without asking the store: an erasure, a hold, an export. For these
kinds the record's body is an entry of its own, in the same batch and in front of its records.
"""

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Final

from auditspan.collector.control.log_key_kinds import LOG_KEY_REVOKED
from auditspan.collector.control.records import ControlRecord
from auditspan.integrity.control_entry import Kind

KINDS: Final[Mapping[str, Kind]] = {
    "retention.changed": Kind.RETENTION_POLICY,
    "record.erased": Kind.ERASE,
    "hold.placed": Kind.HOLD,
    "hold.released": Kind.HOLD,
    "record.expired_early": Kind.EARLY_EXPIRY,
    "log.gap": Kind.GAP,
    LOG_KEY_REVOKED: Kind.KEY_REVOKE,
    "evidence.exported": Kind.EXPORT,
}
"""Kinds of control records that become entries, and which (docs/integrity-format.md)."""


@dataclass(frozen=True, slots=True)
class Saying:
    """An entry of the log that is no record: its kind, and its body as it is sealed."""

    kind: int
    text: str


def sayings(records: Iterable[ControlRecord]) -> list[Saying]:
    """The entries that control records ask for, in their order."""
    return [
        Saying(KINDS[record.kind], body_text({"control": record.kind, **record.body}))
        for record in records
        if record.kind in KINDS
    ]


def body_text(body: Mapping[str, object]) -> str:
    """A body as it is sealed."""
    return json.dumps(body, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
