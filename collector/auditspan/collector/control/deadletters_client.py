"""Dead letters as the command line asks for them, of a running collector or a stopped one."""

import asyncio
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, ClassVar, Final, Protocol

from auditspan.collector.control.errors import NotFound
from auditspan.collector.control.fields import Fields
from auditspan.collector.control.records import Why
from auditspan.identity.caller import Caller

if TYPE_CHECKING:
    # Work on a stopped collector needs them; they take a second to import.
    from auditspan.collector.control.deadletters import DeadLetters

Ask = Callable[[str, str, Fields | None, Mapping[str, str] | None], Fields]
"""Method, path below `/v1/control/`, body and query of a request; its answer."""
_ID: Final = re.compile(r"[A-Za-z0-9._-]{1,200}")


class DeadLettersClient(Protocol):
    """What can be asked; `deadletters.py` says what each does."""

    at_once: ClassVar[bool]
    """Whether what is asked for is done now, and not at the next start."""

    def listed(self, *, all: bool = False) -> list[Fields]: ...
    def show(self, id: str, *, content: bool = False) -> Fields: ...
    def retry(self, id: str, why: Why) -> Fields: ...


@dataclass(frozen=True, slots=True)
class LocalDeadLetters:
    """Works on a folder whose lock this process holds."""

    dead: "DeadLetters"
    caller: Caller
    at_once: ClassVar[bool] = False

    def listed(self, *, all: bool = False) -> list[Fields]:
        """The letters."""
        return asyncio.run(self.dead.listed(self.caller, all=all))

    def show(self, id: str, *, content: bool = False) -> Fields:
        """One letter."""
        return asyncio.run(self.dead.show(id, self.caller, content=content))

    def retry(self, id: str, why: Why) -> Fields:
        """Have it processed again."""
        return asyncio.run(self.dead.retry(id, why, self.caller))


@dataclass(frozen=True, slots=True)
class RemoteDeadLetters:
    """Asks a running collector."""

    ask: Ask = field(repr=False)
    at_once: ClassVar[bool] = True

    def listed(self, *, all: bool = False) -> list[Fields]:
        """The letters."""
        rows = self.ask("GET", "deadletters", None, {"all": "1"} if all else {})["deadletters"]
        return [row for row in rows if isinstance(row, dict)] if isinstance(rows, list) else []

    def show(self, id: str, *, content: bool = False) -> Fields:
        """One letter."""
        query = {"content": "1"} if content else {}
        return self.ask("GET", f"deadletters/{_in_path(id)}", None, query)

    def retry(self, id: str, why: Why) -> Fields:
        """Have it processed again."""
        body: Fields = {"why": why.model_dump(mode="json")}
        return self.ask("POST", f"deadletters/{_in_path(id)}/retry", body, None)


def _in_path(id: str) -> str:
    if not _ID.fullmatch(id) or id.startswith("."):
        raise NotFound(f"dead letter {id[:200]!r}: there is none, see `auditspan deadletter list`")
    return id
