"""Early expiry: records go before the day that was sealed with them, if two persons say so.

Asking:    1. records on hold are refused, 2. a proposal of kind `retention.shorten` is filed, which
           says filter and ranges of the logs.
Approving: 1. both are looked up again, 2. `record.expired_early` is in the spool.
The engine: 1. its entry is sealed and signed, 2. it deletes (`engine/expiring.py`), 3. it writes
           the certificate.
"""

import asyncio
import secrets
from collections.abc import Callable
from dataclasses import dataclass, field

from pydantic import JsonValue

from auditspan.collector.control.changes import Changes
from auditspan.collector.control.erasure_kinds import EXPIRED_EARLY, SHORTENING
from auditspan.collector.control.errors import ControlInvalid
from auditspan.collector.control.expiry_plan import Body, Found, body_of, both, find
from auditspan.collector.control.fields import Fields
from auditspan.collector.control.handlers import Effect, Handler
from auditspan.collector.control.holds_files import HoldFiles, HoldFilter
from auditspan.collector.control.records import ControlRecord, Why
from auditspan.collector.control.two_persons import require
from auditspan.collector.query.lookups import Lookup
from auditspan.identity.caller import Caller
from auditspan.identity.roles import Action


@dataclass(frozen=True, slots=True)
class Expiries:
    """Takes requests to let records expire early, and says which there were."""

    changes: Changes
    lookup: Lookup
    holds: HoldFiles
    new_id: Callable[[], str] = field(default=lambda: secrets.token_hex(8))

    async def propose(
        self, filter: HoldFilter, why: Why, caller: Caller, *, dry_run: bool = False
    ) -> Fields:
        """Ask for an early expiry; of a dry run what it would do.

        Raises ControlForbidden, ControlInvalid, ControlRefused, ControlUnavailable and what
        `submit` raises.
        """
        require(caller, Action.PROPOSE_ERASURE)
        if not why.reason.strip():
            raise ControlInvalid("reason: expected why these go early, for whoever asks later")
        filter.expect_possible()
        found = await find(self.lookup, filter, self.holds.all())
        body = Body(id=self.new_id(), filter=filter.words(), expired=found.ranges)
        fields: Fields = body.model_dump(mode="json")
        return await self.changes.propose(SHORTENING, fields, why, caller, dry_run=dry_run)

    async def listed(self, caller: Caller) -> list[Fields]:
        """Every early expiry that was approved, oldest first."""
        require(caller, Action.PROPOSE_ERASURE)
        return [dict(row) for row in await self.lookup.ask("early_expiries", {})]


def expiry_handler(lookup: Lookup, holds: HoldFiles) -> Handler:
    """The kind of change."""

    def check(fields: Fields) -> Effect:
        body = body_of(fields)
        # In a thread of its own, without a loop.
        found = asyncio.run(find(lookup, HoldFilter.parse(body.filter), holds.all()))
        return _effect(body, found)

    def show(fields: Fields, base: str) -> Fields:
        del base
        body = body_of(fields)
        count = sum(each.end - each.start for each in body.expired)
        row: Fields = {
            "change": "removed",
            "kind": "records",
            "name": f"{count} records of {body.filter}",
            "field": "",
            "before": body.filter,
            "after": None,
        }
        return {"expiry": body.id, "changes": [row]}

    return Handler(
        SHORTENING,
        Action.PROPOSE_ERASURE,
        Action.APPROVE_ERASURE,
        check,
        show,
        see=Action.PROPOSE_ERASURE,
    )


def _effect(body: Body, found: Found) -> Effect:
    ranges = both(body.expired, found.ranges)
    if not ranges:
        raise ControlInvalid("nothing of that is there any more")
    count = sum(each.end - each.start for each in ranges)
    expired: list[JsonValue] = [each.model_dump(mode="json") for each in ranges]
    told: Fields = {
        "expiry": body.id,
        "records": count,
        "ranges": len(ranges),
        "received_from": found.since,
        "received_to": found.until,
    }
    sealed: Fields = {"id": body.id, "expired": expired, "records": count}
    brief: Fields = {"expiry": body.id, "records": count}
    return Effect(EXPIRED_EARLY, sealed, _put, told, brief)


def _put(record: ControlRecord) -> None:
    del record  # the engine reads it in the spool
