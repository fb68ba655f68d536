"""What the collector may find about a record, in the order of bits in a batch: append only."""

from typing import Final

FINDINGS: Final = (
    "claim.rejected",
    "attribute.duplicate",
    "attribute.undecodable",
    "identity.mismatch",
    "identity.unregistered",
    "identity.unresolved",
    "identity.expired",
    "authorization.missing",
    "authorization.expired",
    "authorization.out_of_scope",
    "clock.skew",
    "late",
    "policy.violation",
    "policy.bypass",
    "policy.stale",
    "policy.unguarded",
    "policy.evaluation_error",
    "tool.unregistered",
    "effect.unknown",
    "content.secret",
    "content.redacted",
    "sequence.gap",
    "token.on_span",
    "agent.disabled",
    "delegation.unverified",
    "approval.missing",
)
"""Names of the findings, in the order of their bits."""
