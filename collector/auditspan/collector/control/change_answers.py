"""What is answered to who asks for a change, or for the proposals there are."""

from collections.abc import Sequence

from auditspan.collector.control.change_records import reference
from auditspan.collector.control.fields import Fields
from auditspan.collector.control.handlers import Effect
from auditspan.collector.control.proposal_states import ProposalStates
from auditspan.collector.control.proposals import Filed
from auditspan.collector.control.records import ControlRecord, rfc3339


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


def proposal_row(filed: Filed, states: ProposalStates) -> Fields:
    """A proposal in a listing."""
    proposal, done = filed.proposal, filed.decision
    return reference(filed) | {
        "state": states.state(filed),
        "requested_by": proposal.requester.principal,
        "on_behalf_of": proposal.why.requested_by,
        "requested_at": proposal.at,
        "age_seconds": states.age_seconds(filed),
        "expires_at": states.expires_at(filed),
        "ticket": proposal.why.ticket,
        "reason": proposal.why.reason,
        "decided_by": done.by.principal if done else "",
        "decided_at": done.at if done else "",
        "decision_reason": done.reason if done else "",
    }
