"""What is recorded of a change: that it was asked for, came into force, or was ended.

Who asked and who decided are parties, as their credentials proved them; a change that nobody else
approved has a finding. Every record of a proposal has its hash. Of a change that comes into force
only the header is made here: what its effect says is added when it does.
"""

from auditspan.collector.control.fields import Fields
from auditspan.collector.control.handlers import Effect
from auditspan.collector.control.proposals import Filed
from auditspan.collector.control.records import CHANGE_PROPOSED, ControlRecord, Party, Why
from auditspan.collector.control.two_persons import FINDING_ALONE, Mode


def alone_header(effect: Effect, mode: Mode, why: Why, who: Party, at_ns: int) -> ControlRecord:
    """Of a change that one person puts in force."""
    return ControlRecord(
        kind=effect.kind,
        at_ns=at_ns,
        why=why,
        requester=who,
        findings=(FINDING_ALONE[mode],),
    )


def approved_header(
    effect: Effect, filed: Filed, reason: str, who: Party, at_ns: int
) -> ControlRecord:
    """Of a proposal that comes into force."""
    proposal = filed.proposal
    return ControlRecord(
        kind=effect.kind,
        at_ns=at_ns,
        why=proposal.why,
        body={"approval": {"reason": reason, "proposed_at": proposal.at}},
        requester=proposal.requester,
        approver=who,
        proposal=filed.hash,
    )


def proposed_record(filed: Filed, expires_at: str, effect: Effect, at_ns: int) -> ControlRecord:
    """Somebody asks for a change."""
    return ControlRecord(
        kind=CHANGE_PROPOSED,
        at_ns=at_ns,
        why=filed.proposal.why,
        body=reference(filed) | {"expires_at": expires_at} | effect.brief,
        requester=filed.proposal.requester,
        proposal=filed.hash,
    )


def ended_record(kind: str, filed: Filed, reason: str, who: Party, at_ns: int) -> ControlRecord:
    """Somebody rejects or withdraws a proposal."""
    return ControlRecord(
        kind=kind,
        at_ns=at_ns,
        why=Why(reason=reason),
        body=reference(filed) | {"requested_by": filed.proposal.requester.principal},
        requester=who,
        proposal=filed.hash,
    )


def reference(filed: Filed) -> Fields:
    """How a record, and a listing, says which proposal it is about."""
    return {"id": filed.hash, "kind": filed.proposal.kind, "base": filed.proposal.base}
