"""Legal holds: placed by one person, released by two.

Placing: 1. `hold.defined`, which says what is kept, 2. `hold.placed`, which is an entry of the log
and says only that there is a hold, 3. its file, by which it is in force. Releasing is a proposal.
"""

import secrets
from collections.abc import Callable
from dataclasses import dataclass, field

from auditspan.collector.control.changes import Changes
from auditspan.collector.control.erasure_kinds import (
    HOLD_DEFINED,
    HOLD_PLACED,
    HOLD_RELEASE,
    HOLD_RELEASED,
)
from auditspan.collector.control.errors import ControlConflict, ControlInvalid
from auditspan.collector.control.fields import Fields
from auditspan.collector.control.handlers import Effect, Handler
from auditspan.collector.control.holds_files import Hold, HoldFiles, HoldFilter
from auditspan.collector.control.journal import Journal
from auditspan.collector.control.records import ControlRecord, Party, Why, rfc3339
from auditspan.collector.control.two_persons import require
from auditspan.identity.caller import Caller
from auditspan.identity.roles import Action


@dataclass(frozen=True, slots=True)
class Holds:
    """Takes holds and says which there are."""

    journal: Journal
    changes: Changes
    files: HoldFiles
    new_id: Callable[[], str] = field(default=lambda: secrets.token_hex(16))

    async def place(self, filter: HoldFilter, why: Why, caller: Caller) -> Fields:
        """Keep records from now on, those that come later too; one person is enough.

        Raises ControlForbidden, ControlInvalid and what `submit` raises.
        """
        require(caller, Action.HOLD)
        if not why.reason.strip():
            raise ControlInvalid("reason: expected why this is kept, for whoever asks later")
        filter.expect_possible()
        async with self.journal.one:
            at_ns = self.journal.next_ns()
            hold = Hold(
                id=self.new_id(),
                filter=filter,
                salt=self.new_id(),
                placed_at=rfc3339(at_ns),
                placed_by=caller.principal.id,
                reason=why.reason,
                ticket=why.ticket,
            )
            who = Party.of(caller)
            defined: Fields = {"id": hold.id, "filter": filter.words(), "salt": hold.salt}
            for kind, body in ((HOLD_DEFINED, defined), (HOLD_PLACED, _sealed(hold))):
                await self.journal.write(
                    ControlRecord(kind=kind, at_ns=at_ns, why=why, body=body, requester=who)
                )
            self.files.store(hold)
            return shown(hold)

    def listed(self, caller: Caller) -> list[Fields]:
        """Every hold, released ones too, oldest first."""
        require(caller, Action.HOLD)
        return [shown(hold) for hold in self.files.all()]

    async def release(self, start: str, why: Why, caller: Caller) -> Fields:
        """Propose that a hold ends. Raises NotFound and as `Changes.propose` does."""
        require(caller, Action.PROPOSE_ERASURE)
        hold = self.files.find(start)
        if not why.reason.strip():
            raise ControlInvalid("reason: expected why it ends, for whoever asks later")
        return await self.changes.propose(HOLD_RELEASE, {"id": hold.id}, why, caller)


def hold_handler(files: HoldFiles) -> Handler:
    """The kind of change that ends a hold."""

    def check(body: Fields) -> Effect:
        hold = files.find(str(body.get("id", "")))
        if not hold.is_open:
            raise ControlConflict(f"hold {hold.id[:12]} was released at {hold.released_at}")

        def put(record: ControlRecord) -> None:
            ended = {"released_at": rfc3339(record.at_ns), "released_by": record.asked_by}
            files.store(hold.model_copy(update=ended))

        sealed = _sealed(hold)
        return Effect(HOLD_RELEASED, sealed, put, {"hold": hold.id}, {"hold": hold.id})

    def show(body: Fields, base: str) -> Fields:
        del base
        hold = files.find(str(body.get("id", "")))
        row = {"change": "removed", "kind": "hold", "name": f"{hold.id}: {hold.filter.words()}"}
        return {
            "hold": hold.id,
            "changes": [{**row, "field": "", "before": hold.filter.words(), "after": None}],
        }

    return Handler(
        HOLD_RELEASE,
        Action.PROPOSE_ERASURE,
        Action.APPROVE_ERASURE,
        check,
        show,
        see=Action.PROPOSE_ERASURE,
    )


def shown(hold: Hold) -> Fields:
    """A hold in a listing."""
    return {
        "id": hold.id,
        "filter": hold.filter.words(),
        "state": "open" if hold.is_open else "released",
        "placed_at": hold.placed_at,
        "placed_by": hold.placed_by,
        "reason": hold.reason,
        "ticket": hold.ticket,
        "released_at": hold.released_at,
        "released_by": hold.released_by,
    }


def _sealed(hold: Hold) -> Fields:
    return {"id": hold.id, "filter_digest": hold.filter.digest(hold.salt)}
