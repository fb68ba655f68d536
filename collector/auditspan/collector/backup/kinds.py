"""Kinds of control records about backups: both are sealed in the log."""

from typing import Final

from pydantic import JsonValue

from auditspan.collector.backup.manifest import Manifest
from auditspan.collector.control.records import ControlRecord, Party, Why

BACKUP_MADE: Final = "backup.made"
"""Somebody has a copy of all records: its digest says which."""
BACKUP_RESTORED: Final = "backup.restored"
"""The data folder is that of a backup: what was signed after it is not here."""


def made(body: dict[str, JsonValue], why: Why, requester: Party, at_ns: int) -> ControlRecord:
    """A backup is whole."""
    return ControlRecord(kind=BACKUP_MADE, at_ns=at_ns, why=why, body=body, requester=requester)


def restored(operator: str, at_ns: int, digest: str, manifest: Manifest) -> ControlRecord:
    """A data folder was made of a backup."""
    taken = manifest.taken
    body: dict[str, JsonValue] = {
        "id": digest,
        "taken_at": taken.taken_at,
        "log": taken.log,
        "size": taken.size,
    }
    why = Why(requested_by=operator)
    return ControlRecord(kind=BACKUP_RESTORED, at_ns=at_ns, why=why, body=body)
