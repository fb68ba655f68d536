"""Rotating and revoking keys of logs, and waiting until a running collector has done it."""

import time
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Final

from auditspan.cli.terminal import safe

if TYPE_CHECKING:
    from auditspan.collector.control.fields import Fields
    from auditspan.collector.control.log_keys_client import LogKeysClient
    from auditspan.collector.control.records import Why

_PATIENCE: Final = 20.0
_LOOK: Final = 0.2
_LATER: Final = "it is recorded, and done at the next start of the collector"
_NOT_YET: Final = (
    "it is recorded, and the collector has not come to it; see `auditspan keys list --kind log`"
)


def rotate_log_key(client: "LogKeysClient", why: "Why") -> str:
    """Ask for it, and say what became of it."""
    old = client.rotate(why)

    def replaced() -> "Fields | None":
        # For a moment the old log is closed and the new one is not there yet.
        newest = client.listed()[-1]
        return newest if newest["id"] != old["id"] else None

    words = f"key {safe(old['id'])} of log {safe(old['name'])}"
    new = _done(client, replaced)
    if isinstance(new, str):
        return f"{words}: {new}"
    return (
        f"{words} is destroyed, that log is closed; log {safe(new['name'])} has the key "
        f"{safe(new['id'])}"
    )


def revoke_log_key(client: "LogKeysClient", id: str, good: int | None, why: "Why") -> str:
    """Ask for it, and say what became of it."""
    old = client.revoke(id, good, why)

    def revoked() -> "Fields | None":
        row = _of(client.listed(), id)
        return row if row["good_until"] not in (None, old["good_until"]) else None

    words = f"key {safe(id)} of log {safe(old['name'])}"
    done = _done(client, revoked)
    if isinstance(done, str):
        return f"{words}: {done}"
    return f"{words} is revoked: it counts for {done['good_until']} of {done['size']} entries"


def _done(client: "LogKeysClient", look: "Callable[[], Fields | None]") -> "Fields | str":
    """What a look shows once it is done, or words about when that will be."""
    if not client.at_once:
        return _LATER
    until = time.monotonic() + _PATIENCE
    while time.monotonic() < until:
        found = look()
        if found is not None:
            return found
        time.sleep(_LOOK)
    return _NOT_YET


def _of(rows: "list[Fields]", id: Any) -> "Fields":
    return next(row for row in rows if row["id"] == id)
