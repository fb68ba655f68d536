"""The keys of logs as the command line asks for them, of a running collector or a stopped one."""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, ClassVar, Protocol

from auditspan.collector.control.errors import NotFound
from auditspan.collector.control.fields import Fields
from auditspan.collector.control.records import Why
from auditspan.identity.caller import Caller

if TYPE_CHECKING:
    # Work on a stopped collector needs them; they take a second to import.
    from auditspan.collector.control.log_keys import LogKeys

Ask = Callable[[str, str, Fields | None], Fields]
"""Method, path below `/v1/control/` and body of a request; its answer."""


class LogKeysClient(Protocol):
    """What can be asked; `log_keys.py` says what each does."""

    at_once: ClassVar[bool]
    """Whether what is asked for is done now, and not at the next start."""

    def listed(self) -> list[Fields]: ...
    def rotate(self, why: Why) -> Fields: ...
    def revoke(self, id: str, good: int | None, why: Why) -> Fields: ...


@dataclass(frozen=True, slots=True)
class LocalLogKeys:
    """Works on a folder whose lock this process holds."""

    log_keys: "LogKeys"
    caller: Caller
    at_once: ClassVar[bool] = False

    def listed(self) -> list[Fields]:
        """All keys."""
        return self.log_keys.listed(self.caller)

    def rotate(self, why: Why) -> Fields:
        """Another key for the open log."""
        return asyncio.run(self.log_keys.rotate(why, self.caller))

    def revoke(self, id: str, good: int | None, why: Why) -> Fields:
        """A key counts no more."""
        return asyncio.run(self.log_keys.revoke(id, good, why, self.caller))


@dataclass(frozen=True, slots=True)
class RemoteLogKeys:
    """Asks a running collector."""

    ask: Ask = field(repr=False)
    at_once: ClassVar[bool] = True

    def listed(self) -> list[Fields]:
        """All keys."""
        rows = self.ask("GET", "log-keys", None)["keys"]
        return [row for row in rows if isinstance(row, dict)] if isinstance(rows, list) else []

    def rotate(self, why: Why) -> Fields:
        """Another key for the open log."""
        return self.ask("POST", "log-keys/rotate", {"why": why.model_dump(mode="json")})

    def revoke(self, id: str, good: int | None, why: Why) -> Fields:
        """A key counts no more."""
        if not id.isalnum():
            raise NotFound(f"key {id!r}: no log has one, see `auditspan keys list`")
        body: Fields = {"good_until": good, "why": why.model_dump(mode="json")}
        return self.ask("POST", f"log-keys/{id}/revoke", body)
