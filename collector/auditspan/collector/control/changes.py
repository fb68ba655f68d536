"""Propose, approve, reject, withdraw: how a change comes into force, and what is recorded of it.

Proposing:  1. everything is checked, 2. `change.proposed` is in the spool, 3. it is filed.
            Where one person decides alone (`two_persons.py`) it comes into force at once instead.
Approving:  1. who approves is another principal, the proposal is still open and nothing it is based
            on has changed, 2. everything is checked again, 3. the record of the effect is in the
            spool, with requester, approver and the proposal's hash, 4. it is in force, 5. the
            decision is filed.
Else:       1. `change.rejected` or `change.withdrawn` is in the spool, 2. the decision is filed.

One change at a time: of two approvals at once the second finds the first one's decision. Approving
again what one has approved answers as the first time. A crash after a record and before what it
says leaves a record of something that did not happen; the proposal is still open, and approving it
again writes a second record of the same hash and brings it into force. A crash before the decision
is filed is mended when the proposal is looked at: the effect names it.
"""

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from auditspan.collector.control.errors import ControlConflict, ControlForbidden, ControlInvalid
from auditspan.collector.control.fields import Fields
from auditspan.collector.control.handlers import Effect, Handler
from auditspan.collector.control.journal import Journal
from auditspan.collector.control.proposals import Decision, Filed, Outcome, Proposal, Proposals
from auditspan.collector.control.records import (
    CHANGE_PROPOSED,
    CHANGE_REJECTED,
    CHANGE_WITHDRAWN,
    ControlRecord,
    Party,
    Why,
    rfc3339,
    why_of,
)
from auditspan.collector.control.two_persons import (
    FINDING_ALONE,
    check_another,
    mode_of,
    require,
)
from auditspan.identity.api_keys import ApiKeys
from auditspan.identity.caller import Caller

LIFETIME: Final = timedelta(days=7)
"""How long a proposal may wait."""
MAX_OPEN: Final = 100
"""Proposals that may wait at once; each holds a whole registry."""


@dataclass(slots=True)
class Changes:
    """The proposals of one data folder, and what becomes of them."""

    journal: Journal
    """Where records go."""
    proposals: Proposals
    """Where proposals lie."""
    api_keys: ApiKeys
    """Who issued which key."""
    handlers: Mapping[str, Handler]
    """The kinds of changes by name."""
    lifetime: timedelta = LIFETIME
    """How long a proposal may wait."""

    async def propose(
        self,
        kind: str,
        body: Fields,
        why: Why,
        caller: Caller,
        *,
        dry_run: bool = False,
        base: str | None = None,
    ) -> Fields:
        """Ask for a change, or put it in force if this caller decides alone; `base` is the version
        that the body was made from, None if it was made from none.

        Raises ControlForbidden, ControlInvalid, ControlRefused, ControlConflict and what `submit`
        raises.
        """
        handler = self._handler(kind)
        require(caller, handler.propose)
        async with self.journal.one:
            if base not in (None, handler.base()):
                raise ControlConflict("another version came into force meanwhile; try again")
            # Validation may take a second; the collector goes on meanwhile.
            effect = await asyncio.to_thread(handler.check, body)
            if dry_run or not effect.is_new:
                return told(effect)
            mode = mode_of(self.journal.registry())
            if mode != "two_persons" and caller.may(handler.approve):
                header = ControlRecord(
                    kind=effect.kind,
                    at_ns=self.journal.next_ns(),
                    why=why,
                    requester=Party.of(caller),
                    findings=(FINDING_ALONE[mode],),
                )
                return told(effect, await self._in_force(effect, header))
            filed = await self._filed(handler, body, why, caller, effect)
            return told(effect) | {
                "proposal": filed.hash,
                "expires_at": _text(self._expires(filed)),
            }

    async def approve(self, start: str, reason: str, caller: Caller) -> Fields:
        """Put a proposal in force; `start` is its hash or the beginning of it.

        Raises ControlForbidden, ControlConflict, ControlInvalid, ControlRefused, NotFound and what
        `submit` raises.
        """
        reason = why_of(reason=reason).reason
        async with self.journal.one:
            filed = self._found(start)
            handler, proposal = self._handler(filed.proposal.kind), filed.proposal
            require(caller, handler.approve)
            if filed.decision and _same(filed.decision, "approved", caller):
                return {"applied": True, "proposal": filed.hash, "at": filed.decision.at}
            self._check_open(filed, handler)
            check_another(caller, proposal.requester, self.api_keys.list())
            effect = await asyncio.to_thread(handler.check, dict(proposal.body))
            header = ControlRecord(
                kind=effect.kind,
                at_ns=self.journal.next_ns(),
                why=proposal.why,
                body={"approval": {"reason": reason, "proposed_at": proposal.at}},
                requester=proposal.requester,
                approver=Party.of(caller),
                proposal=filed.hash,
            )
            record = await self._in_force(effect, header)
            self._decide(filed, "approved", caller, reason, record.at_ns)
            return told(effect, record)

    async def reject(self, start: str, reason: str, caller: Caller) -> Fields:
        """End a proposal of somebody else. Raises as `approve` does."""
        reason = why_of(reason=reason).reason
        async with self.journal.one:
            filed = self._found(start)
            require(caller, self._handler(filed.proposal.kind).approve)
            if filed.proposal.requester.principal == caller.principal.id:
                raise ControlForbidden("who asked for a change takes it back: `auditspan withdraw`")
            return await self._end(filed, "rejected", CHANGE_REJECTED, reason, caller)

    async def withdraw(self, start: str, reason: str, caller: Caller) -> Fields:
        """End a proposal of one's own. Raises as `approve` does."""
        reason = why_of(reason=reason).reason
        async with self.journal.one:
            filed = self._found(start)
            require(caller, self._handler(filed.proposal.kind).propose)
            requester = filed.proposal.requester.principal
            if requester != caller.principal.id:
                raise ControlForbidden(
                    f"{requester} asked for this change and alone can withdraw it; "
                    "`auditspan reject` ends it for somebody who could approve it"
                )
            return await self._end(filed, "withdrawn", CHANGE_WITHDRAWN, reason, caller)

    def listed(self, caller: Caller, *, all: bool = False) -> list[Fields]:
        """The open proposals, or with `all` every one, oldest first."""
        found = map(self._settled, self.proposals.all(decided=all))
        seen = [filed for filed in found if self._sees(caller, filed)]
        rows = [self._row(f) for f in sorted(seen, key=lambda f: (f.proposal.at, f.hash))]
        return [row for row in rows if all or row["state"] == "open"]

    def show(self, start: str, caller: Caller) -> Fields:
        """One proposal with what it would change. Raises ControlForbidden and as `find` does."""
        filed = self._found(start)
        handler, proposal = self._handler(filed.proposal.kind), filed.proposal
        require(caller, handler.see)
        return self._row(filed) | handler.show(dict(proposal.body), proposal.base)

    async def _filed(
        self, handler: Handler, body: Fields, why: Why, caller: Caller, effect: Effect
    ) -> Filed:
        """A new proposal, or the open one of the same caller that says the same."""
        requester = Party.of(caller)
        proposal = Proposal(
            kind=handler.kind,
            body=body,
            base=handler.base(),
            requester=requester,
            why=why,
            at=rfc3339(self.journal.now_ns()),
        )
        undecided = map(self._settled, self.proposals.all(decided=False))
        waiting = [filed for filed in undecided if self._state(filed) == "open"]
        for filed in waiting:
            if filed.proposal.model_copy(update={"at": proposal.at}) == proposal:
                return filed
        if len(waiting) >= MAX_OPEN:
            raise ControlConflict(
                f"{len(waiting)} proposals are open, at most {MAX_OPEN} may be: approve, reject or "
                "withdraw some; see `auditspan changes`"
            )
        filed = Filed(proposal.hash, proposal, None)
        record = ControlRecord(
            kind=CHANGE_PROPOSED,
            at_ns=self.journal.now_ns(),
            why=why,
            body=self._header(filed) | {"expires_at": _text(self._expires(filed))} | effect.brief,
            requester=requester,
            proposal=filed.hash,
        )
        await self.journal.write(record)
        return self.proposals.store(proposal)

    async def _in_force(self, effect: Effect, header: ControlRecord) -> ControlRecord:
        """The record of the effect, durable and then in force. Raises ControlUnavailable."""
        self.journal.check()
        record = header.model_copy(update={"body": effect.body | dict(header.body)})
        await self.journal.write(record)
        effect.put(record)
        return record

    async def _end(
        self, filed: Filed, outcome: Outcome, kind: str, reason: str, caller: Caller
    ) -> Fields:
        if filed.decision and _same(filed.decision, outcome, caller):
            return self._row(filed)
        self._check_undecided(filed)
        record = ControlRecord(
            kind=kind,
            at_ns=self.journal.now_ns(),
            why=Why(reason=reason),
            body=self._header(filed) | {"requested_by": filed.proposal.requester.principal},
            requester=Party.of(caller),
            proposal=filed.hash,
        )
        await self.journal.write(record)
        return self._row(self._decide(filed, outcome, caller, reason, record.at_ns))

    def _decide(
        self, filed: Filed, outcome: Outcome, caller: Caller, reason: str, at_ns: int
    ) -> Filed:
        by = Party.of(caller)
        decision = Decision(outcome=outcome, by=by, at=rfc3339(at_ns), reason=reason)
        self.proposals.decide(filed.hash, decision)
        return Filed(filed.hash, filed.proposal, decision)

    def _handler(self, kind: str) -> Handler:
        if kind not in self.handlers:
            raise ControlInvalid(f"kind: is {kind!r}, expected one of {', '.join(self.handlers)}")
        return self.handlers[kind]

    def _found(self, start: str) -> Filed:
        return self._settled(self.proposals.find(start))

    def _settled(self, filed: Filed) -> Filed:
        """With the decision that a crash kept from being filed; then its base is past."""
        handler = self.handlers.get(filed.proposal.kind)
        if filed.decision or handler is None or handler.base() == filed.proposal.base:
            return filed
        record = handler.done(filed.hash)
        if record is None or record.approver is None:
            return filed
        decision = Decision(outcome="approved", by=record.approver, at=rfc3339(record.at_ns))
        return Filed(filed.hash, filed.proposal, decision)

    def _check_undecided(self, filed: Filed) -> None:
        if filed.decision:
            done = filed.decision
            raise ControlConflict(
                f"proposal {_short(filed)} was {done.outcome} by {done.by.principal} at {done.at}"
            )

    def _check_open(self, filed: Filed, handler: Handler) -> None:
        self._check_undecided(filed)
        state = self._state(filed)
        if state == "expired":
            raise ControlConflict(
                f"proposal {_short(filed)} expired at {_text(self._expires(filed))}; propose the "
                "change anew"
            )
        if state == "stale":
            raise ControlConflict(
                f"proposal {_short(filed)} is based on version {_cut(filed.proposal.base)}, and "
                f"{_cut(handler.base())} is in force now: propose it "
                "anew, so that the difference that is approved is the one that happens"
            )

    def _state(self, filed: Filed) -> str:
        """`open`, `approved`, `rejected`, `withdrawn`, `expired` or `stale`."""
        if filed.decision:
            return filed.decision.outcome
        if self._now() >= self._expires(filed):
            return "expired"
        handler = self.handlers.get(filed.proposal.kind)
        return "open" if handler and handler.base() == filed.proposal.base else "stale"

    def _sees(self, caller: Caller, filed: Filed) -> bool:
        handler = self.handlers.get(filed.proposal.kind)
        return handler is not None and caller.may(handler.see)

    def _expires(self, filed: Filed) -> datetime:
        return datetime.fromisoformat(filed.proposal.at) + self.lifetime

    def _now(self) -> datetime:
        return datetime.fromisoformat(rfc3339(self.journal.now_ns()))

    def _header(self, filed: Filed) -> Fields:
        return {"id": filed.hash, "kind": filed.proposal.kind, "base": filed.proposal.base}

    def _row(self, filed: Filed) -> Fields:
        """A proposal in a listing."""
        proposal, done = filed.proposal, filed.decision
        return self._header(filed) | {
            "state": self._state(filed),
            "requested_by": proposal.requester.principal,
            "on_behalf_of": proposal.why.requested_by,
            "requested_at": proposal.at,
            "age_seconds": int((self._now() - datetime.fromisoformat(proposal.at)).total_seconds()),
            "expires_at": _text(self._expires(filed)),
            "ticket": proposal.why.ticket,
            "reason": proposal.why.reason,
            "decided_by": done.by.principal if done else "",
            "decided_at": done.at if done else "",
            "decision_reason": done.reason if done else "",
        }


def told(effect: Effect, record: ControlRecord | None = None) -> Fields:
    """What an effect does, and whether it is in force."""
    findings: Sequence[str] = record.findings if record else ()
    return effect.told | {
        "applied": record is not None,
        "at": rfc3339(record.at_ns) if record else "",
        "requested_by": record.asked_by if record else "",
        "approved_by": record.agreed_by if record else "",
        "proposal": record.proposal if record else "",
        "findings": list(findings),
    }


def _same(decision: Decision, outcome: Outcome, caller: Caller) -> bool:
    return decision.outcome == outcome and decision.by.principal == caller.principal.id


def _text(time: datetime) -> str:
    return time.isoformat().replace("+00:00", "Z")


def _short(filed: Filed) -> str:
    return filed.hash.removeprefix("sha256:")[:12]


def _cut(version: str) -> str:
    return version.removeprefix("sha256:")[:12] or "none"
