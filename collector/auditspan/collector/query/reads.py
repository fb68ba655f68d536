"""A read as the access log keeps it: who read what, by which way, and what came of it.

It becomes a control record `store.read`, which is on disk before the answer leaves. What the client
says of itself (the name of its program, of a report) is kept as what it says. A long statement is
cut, and its hash covers all of it.
"""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from pydantic import JsonValue

from auditspan.collector.control.records import STORE_READ, ControlRecord, Party, Why
from auditspan.collector.query.claims import Claims
from auditspan.collector.query.outcome import Access, Outcome
from auditspan.identity.caller import Caller
from auditspan.storage.query import Statement

MAX_STATEMENT: Final = 32_768
"""Characters of a statement that are kept, and of the values of its parameters."""
_MAX_CLAIM: Final = 400


@dataclass(frozen=True, slots=True)
class Read:
    """One read that was tried, whether it got an answer or not."""

    id: str
    at_ns: int
    """When it was asked."""
    caller: Caller
    claims: Claims
    statement: Statement
    access: Access
    outcome: Outcome
    duration_ns: int
    window: tuple[str, str] | None = None
    """First and last time that its repeats asked about; None if it stands for itself."""
    repeats: int = 0
    """How often it was asked again since it was last written; then only that is recorded."""
    bytes: int | None = None
    """Bytes of all answers that it stands for; None counts those of the outcome."""

    @property
    def address(self) -> str:
        """Where it came from, by the socket."""
        return self.caller.principal.address

    def record(self) -> ControlRecord:
        """As it goes into the spool."""
        return ControlRecord(
            kind=STORE_READ,
            at_ns=self.at_ns,
            why=Why(requested_by=self.caller.principal.id),
            body=self._body(),
            requester=Party.of(self.caller),
        )

    def _body(self) -> Mapping[str, JsonValue]:
        outcome = self.outcome
        params = self.statement.params
        since, until = self.window or (params.get("since", ""), params.get("until", ""))
        return {
            "id": self.id,
            "reader": self.caller.principal.id,
            "roles": [str(role) for role in sorted(self.caller.roles)],
            "address": self.address,
            "interface": self.claims.interface,
            "report": self.claims.report[:_MAX_CLAIM],
            "client": self.claims.client[:_MAX_CLAIM],
            **_texts(self.statement),
            "tables": list(outcome.facts.tables),
            "content": self.access == "investigator",
            "since": since[:64],
            "until": until[:64],
            "rows": outcome.facts.rows,
            "bytes": self._bytes(),
            "duration_ns": self.duration_ns,
            "code": outcome.code,
            "repeats": self.repeats,
        }

    def _bytes(self) -> int:
        if self.bytes is not None:
            return self.bytes
        return 0 if self.outcome.code else len(self.outcome.body)


def _texts(statement: Statement) -> dict[str, JsonValue]:
    """The statement and its parameters, as much as is kept of them."""
    params: dict[str, JsonValue] = {}
    left = MAX_STATEMENT
    for name, value in sorted(statement.params.items()):
        params[name[:200]] = value[:left]
        left -= len(value[:left]) + len(name[:200])
        if left <= 0:
            break
    cut = (
        len(statement.sql) > MAX_STATEMENT
        or len(params) < len(statement.params)
        or any(value != params.get(name[:200]) for name, value in statement.params.items())
    )
    return {
        "statement": statement.sql[:MAX_STATEMENT],
        "statement_hash": f"sha256:{hashlib.sha256(statement.sql.encode()).hexdigest()}",
        "params": params,
        "cut": cut,
    }
