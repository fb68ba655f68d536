"""The Cedar request and its evaluation: one implementation for processor, guard and gateway."""

from auditspan.policy.calendar import Calendar
from auditspan.policy.decide import Decision
from auditspan.policy.errors import PolicyError, PolicyInvalid
from auditspan.policy.policy_set import PolicySet
from auditspan.policy.request import (
    AgentFacts,
    Request,
    TargetFacts,
    ToolFacts,
    ToolLike,
    ToolSchema,
    UserFacts,
)
from auditspan.policy.slice import Slice

__all__ = [
    "AgentFacts",
    "Calendar",
    "Decision",
    "PolicyError",
    "PolicyInvalid",
    "PolicySet",
    "Request",
    "Slice",
    "TargetFacts",
    "ToolFacts",
    "ToolLike",
    "ToolSchema",
    "UserFacts",
]
