"""Callers as an authority gives them, and controls over an empty folder."""

from collections.abc import Callable
from pathlib import Path

from auditspan.collector.access.standing import PERSON_ROLES
from auditspan.collector.control.errors import ControlUnavailable
from auditspan.collector.control.records import ControlRecord
from auditspan.collector.control.service import Controls, open_controls
from auditspan.identity.caller import Caller
from auditspan.identity.principal import Principal, named_principal, operator_principal
from auditspan.identity.roles import Role

START = 1_800_000_000


def caller(id: str, *roles: Role, issued_by: str = "operator", credential: str = "k") -> Caller:
    """Somebody with an API key."""
    principal = named_principal(id, "api_key", credential, "127.0.0.1", 0)
    return Caller(principal, frozenset(roles), issued_by=issued_by)


def _operator() -> Principal:
    return operator_principal("sha256:o", "127.0.0.1")


ALICE = caller("person:alice", Role.POLICY, credential="ka")
BOB = caller("person:bob", Role.POLICY, credential="kb")
CAROL = caller("person:carol", Role.READER)
OLGA = caller("person:olga", Role.OPERATOR)
CI = caller("service:ci", Role.OPERATOR)
OPERATOR = Caller(_operator(), frozenset({Role.OPERATOR}))
"""The operator's token where two persons decide."""
ALONE = Caller(_operator(), frozenset(PERSON_ROLES))
"""The operator's token where it stands for all."""


class Spool:
    """Keeps what was submitted, or refuses like a full disk."""

    def __init__(self) -> None:
        self.records: list[ControlRecord] = []
        self.full = False

    async def submit(self, text: str) -> None:
        """Take a record."""
        if self.full:
            raise ControlUnavailable("spool: disk full")
        self.records.append(ControlRecord.from_json(text))

    @property
    def kinds(self) -> list[str]:
        """The kinds of what was submitted, in order."""
        return [record.kind for record in self.records]


def ticking(start: int = START) -> Callable[[], int]:
    """A clock that goes a second at every look."""
    ticks = iter(range(start, start + 10_000_000))
    return lambda: next(ticks) * 10**9


def controls_in(folder: Path, spool: Spool) -> Controls:
    """Controls over a folder, with a clock that ticks; keys tell the same time."""
    made = open_controls(folder, folder / "api_keys.json", spool.submit)
    made.journal.now_ns = ticking()
    made.api_keys._now = lambda: float(START)
    return made
