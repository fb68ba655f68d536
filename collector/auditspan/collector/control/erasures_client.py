"""Erasures and holds as the command line asks them, running collector or stopped one."""

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

from auditspan.collector.control.errors import NotFound
from auditspan.collector.control.fields import Fields
from auditspan.collector.control.holds_files import HoldFilter
from auditspan.collector.control.records import Why
from auditspan.identity.caller import Caller

if TYPE_CHECKING:
    # Work on a stopped collector needs them; they take a second to import.
    from auditspan.collector.control.erasure_plan import Asked
    from auditspan.collector.control.erasures_api import Privacy

Ask = Callable[[str, str, Fields | None], Fields]
"""Method, path below `/v1/control/` and body of a request; its answer."""


class PrivacyClient(Protocol):
    """What can be asked; `erasures.py`, `holds.py` and `expiries.py` say what each does."""

    def is_running(self) -> bool: ...
    def of_subject(self, subject: str) -> Fields: ...
    def erase(self, records: Sequence["Asked"], why: Why, *, dry_run: bool = False) -> Fields: ...
    def erasures(self) -> list[Fields]: ...
    def certificate(self, start: str) -> Fields: ...
    def holds(self) -> list[Fields]: ...
    def hold(self, filter: str, why: Why) -> Fields: ...
    def release(self, start: str, why: Why) -> Fields: ...
    def expiries(self) -> list[Fields]: ...
    def expire(self, filter: str, why: Why, *, dry_run: bool = False) -> Fields: ...


@dataclass(frozen=True, slots=True)
class LocalPrivacy:
    """Works on a folder whose lock this process holds."""

    privacy: "Privacy"
    caller: Caller

    def is_running(self) -> bool:
        """No: what is approved is done by the next start."""
        return False

    def of_subject(self, subject: str) -> Fields:
        """Where somebody is named."""
        return asyncio.run(self.privacy.erasures.of_subject(subject, self.caller))

    def erase(self, records: Sequence["Asked"], why: Why, *, dry_run: bool = False) -> Fields:
        """Ask for an erasure."""
        asked = self.privacy.erasures.propose(records, why, self.caller, dry_run=dry_run)
        return asyncio.run(asked)

    def erasures(self) -> list[Fields]:
        """Every erasure."""
        return asyncio.run(self.privacy.erasures.listed(self.caller))

    def certificate(self, start: str) -> Fields:
        """What an erasure did."""
        return asyncio.run(self.privacy.erasures.certificate(start, self.caller))

    def holds(self) -> list[Fields]:
        """Every hold."""
        return self.privacy.holds.listed(self.caller)

    def hold(self, filter: str, why: Why) -> Fields:
        """Place a hold."""
        return asyncio.run(self.privacy.holds.place(HoldFilter.parse(filter), why, self.caller))

    def release(self, start: str, why: Why) -> Fields:
        """Ask for the end of a hold."""
        return asyncio.run(self.privacy.holds.release(start, why, self.caller))

    def expiries(self) -> list[Fields]:
        """Every early expiry."""
        return asyncio.run(self.privacy.expiries.listed(self.caller))

    def expire(self, filter: str, why: Why, *, dry_run: bool = False) -> Fields:
        """Ask for an early expiry."""
        asked = self.privacy.expiries.propose(
            HoldFilter.parse(filter), why, self.caller, dry_run=dry_run
        )
        return asyncio.run(asked)


@dataclass(frozen=True, slots=True)
class RemotePrivacy:
    """Asks a running collector."""

    ask: Ask

    def is_running(self) -> bool:
        """Yes: what is approved is done within seconds."""
        return True

    def of_subject(self, subject: str) -> Fields:
        """Where somebody is named."""
        return self.ask("POST", "erasures/subject", {"subject": subject})

    def erase(self, records: Sequence["Asked"], why: Why, *, dry_run: bool = False) -> Fields:
        """Ask for an erasure."""
        named = [each.model_dump(mode="json") for each in records]
        body: Fields = {"records": [*named], "why": why.model_dump(mode="json")}
        return self.ask("POST", "erasures", body | {"dry_run": dry_run})

    def erasures(self) -> list[Fields]:
        """Every erasure."""
        return _rows(self.ask("GET", "erasures", None), "erasures")

    def certificate(self, start: str) -> Fields:
        """What an erasure did."""
        if not start.isalnum():
            raise NotFound(f"erasure {start[:40]!r}: there is none; see `auditspan erasures list`")
        return self.ask("GET", f"erasures/{start}", None)

    def holds(self) -> list[Fields]:
        """Every hold."""
        return _rows(self.ask("GET", "holds", None), "holds")

    def hold(self, filter: str, why: Why) -> Fields:
        """Place a hold."""
        return self.ask("POST", "holds", {"filter": filter, "why": why.model_dump(mode="json")})

    def release(self, start: str, why: Why) -> Fields:
        """Ask for the end of a hold."""
        body: Fields = {"id": start, "why": why.model_dump(mode="json")}
        return self.ask("POST", "holds/release", body)

    def expiries(self) -> list[Fields]:
        """Every early expiry."""
        return _rows(self.ask("GET", "expiries", None), "expiries")

    def expire(self, filter: str, why: Why, *, dry_run: bool = False) -> Fields:
        """Ask for an early expiry."""
        body: Fields = {"filter": filter, "why": why.model_dump(mode="json")}
        return self.ask("POST", "expiries", body | {"dry_run": dry_run})


def _rows(answer: Fields, key: str) -> list[Fields]:
    rows = answer.get(key)
    return [row for row in rows if isinstance(row, dict)] if isinstance(rows, list) else []
