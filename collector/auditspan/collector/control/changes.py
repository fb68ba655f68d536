"""Propose, approve, reject, withdraw: how a change comes into force, and in which order.

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
is filed is mended when the proposal is looked at (`proposal_states.py`): the effect names it.
"""

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Final

from auditspan.collector.control.change_answers import proposal_row, told
from auditspan.collector.control.change_records import (
    alone_header,
    approved_header,
    ended_record,
    proposed_record,
)
from auditspan.collector.control.errors import ControlConflict, ControlForbidden, ControlInvalid
from auditspan.collector.control.fields import Fields
from auditspan.collector.control.handlers import Effect, Handler
from auditspan.collector.control.journal import Journal
from auditspan.collector.control.proposal_states import ProposalStates, check_undecided
from auditspan.collector.control.proposals import Decision, Filed, Outcome, Proposal, Proposals
from auditspan.collector.control.records import (
    CHANGE_REJECTED,
    CHANGE_WITHDRAWN,
    ControlRecord,
    Party,
    Why,
    rfc3339,
    why_of,
)
from auditspan.collector.control.two_persons import check_another, mode_of, require
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

    @property
    def states(self) -> ProposalStates:
        """What has become of proposals, under the kinds and by the clock of now."""
        return ProposalStates(self.handlers, self.lifetime, self.journal.now_ns)

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
                header = alone_header(effect, mode, why, Party.of(caller), self.journal.next_ns())
                return told(effect, await self._in_force(effect, header))
            filed = await self._filed(handler, body, why, caller, effect)
            return told(effect) | {
                "proposal": filed.hash,
                "expires_at": self.states.expires_at(filed),
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
            self.states.check_open(filed, handler)
            check_another(caller, proposal.requester, self.api_keys.list())
            effect = await asyncio.to_thread(handler.check, dict(proposal.body))
            header = approved_header(
                effect, filed, reason, Party.of(caller), self.journal.next_ns()
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
        found = map(self.states.settled, self.proposals.all(decided=all))
        seen = [filed for filed in found if self._sees(caller, filed)]
        seen.sort(key=lambda filed: (filed.proposal.at, filed.hash))
        rows = [proposal_row(filed, self.states) for filed in seen]
        return [row for row in rows if all or row["state"] == "open"]

    def show(self, start: str, caller: Caller) -> Fields:
        """One proposal with what it would change. Raises ControlForbidden and as `find` does."""
        filed = self._found(start)
        handler, proposal = self._handler(filed.proposal.kind), filed.proposal
        require(caller, handler.see)
        return proposal_row(filed, self.states) | handler.show(dict(proposal.body), proposal.base)

    async def _filed(
        self, handler: Handler, body: Fields, why: Why, caller: Caller, effect: Effect
    ) -> Filed:
        """A new proposal, or the open one of the same caller that says the same."""
        proposal = Proposal(
            kind=handler.kind,
            body=body,
            base=handler.base(),
            requester=Party.of(caller),
            why=why,
            at=rfc3339(self.journal.now_ns()),
        )
        undecided = map(self.states.settled, self.proposals.all(decided=False))
        waiting = [filed for filed in undecided if self.states.state(filed) == "open"]
        for filed in waiting:
            if filed.proposal.model_copy(update={"at": proposal.at}) == proposal:
                return filed
        if len(waiting) >= MAX_OPEN:
            raise ControlConflict(
                f"{len(waiting)} proposals are open, at most {MAX_OPEN} may be: approve, reject or "
                "withdraw some; see `auditspan changes`"
            )
        filed = Filed(proposal.hash, proposal, None)
        expires_at, now = self.states.expires_at(filed), self.journal.now_ns()
        await self.journal.write(proposed_record(filed, expires_at, effect, now))
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
            return proposal_row(filed, self.states)
        check_undecided(filed)
        now = self.journal.now_ns()
        await self.journal.write(ended_record(kind, filed, reason, Party.of(caller), now))
        decided = self._decide(filed, outcome, caller, reason, now)
        return proposal_row(decided, self.states)

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
        return self.states.settled(self.proposals.find(start))

    def _sees(self, caller: Caller, filed: Filed) -> bool:
        handler = self.handlers.get(filed.proposal.kind)
        return handler is not None and caller.may(handler.see)


def _same(decision: Decision, outcome: Outcome, caller: Caller) -> bool:
    return decision.outcome == outcome and decision.by.principal == caller.principal.id
