"""What the collector may find about a record, in the order of bits in a batch: append only."""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

MEANINGS: Final[Mapping[str, str]] = MappingProxyType(
    {
        "claim.rejected": "The sender asserted what it may not; it stands under `claimed.<name>`.",
        "attribute.duplicate": "A key came twice; the later one stands under `key#2`.",
        "attribute.undecodable": "A key was empty, or a value could not be read in full.",
        "identity.mismatch": "Agent or user is another one than the credential or statement says.",
        "identity.unregistered": "The agent is in no registry.",
        "identity.unresolved": "The user's statement is missing after a try, or not genuine.",
        "identity.expired": "The user's statement or the credential had expired.",
        "authorization.missing": "No grant covers the action.",
        "authorization.expired": "The grant that would cover it had expired.",
        "authorization.out_of_scope": "The agent has grants, but none for this.",
        "clock.skew": "The sender's clock is far off.",
        "late": "Judged as of the time of receipt, because earlier spans may be missing.",
        "policy.violation": "Policy says deny, and it was done all the same.",
        "policy.bypass": "The guard answered otherwise than its own policy does.",
        "policy.stale": "The guard had an older policy.",
        "policy.unguarded": "The agent is to be guarded, and no guard was asked.",
        "policy.evaluation_error": "A policy could not be evaluated, which counts as deny.",
        "tool.unregistered": "The tool is in no catalogue.",
        "effect.unknown": "Nobody knows what the act does.",
        "content.secret": "A value looked like a secret and was taken out.",
        "content.redacted": "Something was redacted.",
        "sequence.gap": "Numbers of the agent's instance are missing before this one.",
        "token.on_span": "A raw token came on the span and was taken out.",
        "agent.disabled": "The agent is disabled in the registry.",
        "delegation.unverified": "A delegation is claimed that no token shows.",
        "approval.missing": "An approval was required, and there is none.",
        "change.self_approved": "One person asked for the change and put it in force.",
        "change.bootstrap": "Nobody else could approve the change yet.",
        "recertification.overdue": "An owner was asked about an agent or grant, and did not say.",
        "anchor.missed": "For twice its cadence an anchor was shown no checkpoint.",
        "attribute.overflow": "Its batch had too many different keys; some are one JSON value.",
        "policy.too_many": "Its batch asked the policies too many questions; this was not judged.",
        "forward.dropped": "The queue to the other backend was full, and requests were dropped.",
        "guard.missing": "Tool calls of a framework pass unguarded in the agent's process.",
        "policy.override": "The guard asked a folder of its own, not the collector's policies.",
    }
)
"""Each finding and what it means."""

FINDINGS: Final = tuple(MEANINGS)
"""Names of the findings, in the order of their bits."""
