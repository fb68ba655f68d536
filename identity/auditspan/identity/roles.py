"""Who may do what: the seven roles, the actions, and the one table that joins them.

Everything that asks "may they?" asks this table: the control API, the query endpoint, the receivers
and `auditspan whoami`. docs/roles.md is generated from it, and a test calls each action in each
role.
"""

from collections.abc import Iterable, Mapping
from enum import StrEnum
from types import MappingProxyType
from typing import Final


class Role(StrEnum):
    """What somebody is trusted with; nobody has one unless the registry gives it."""

    INGEST = "ingest"
    """Sends records. Every agent and relay has it, and nothing else."""
    GATEWAY = "gateway"
    """Sends records of tool calls that it let through, with its own decision."""
    READER = "reader"
    """Reads who did what when, without the content."""
    INVESTIGATOR = "investigator"
    """Reads everything, and reviews records."""
    POLICY = "policy"
    """Proposes and approves what agents may do."""
    PRIVACY = "privacy"
    """Proposes and approves erasures and the release of holds."""
    OPERATOR = "operator"
    """Runs the collector: keys, and proposals. Reads no record."""


class Action(StrEnum):
    """What can be asked of a collector."""

    SEND = "records.send"
    READ = "records.read"
    READ_CONTENT = "records.read_content"
    READ_ACCESS = "access.read"
    REVIEW = "records.review"
    READ_REGISTRY = "registry.read"
    PROPOSE = "registry.propose"
    APPROVE = "registry.approve"
    DISABLE = "agents.disable"
    RECERTIFY = "registry.recertify"
    KEYS = "keys.manage"
    LOG_KEYS = "log_keys.manage"
    DEAD_LETTERS = "dead_letters.manage"
    HOLD = "holds.add"
    PROPOSE_ERASURE = "erasures.propose"
    APPROVE_ERASURE = "erasures.approve"


ALLOWED: Final[Mapping[Role, frozenset[Action]]] = MappingProxyType(
    {
        Role.INGEST: frozenset({Action.SEND}),
        Role.GATEWAY: frozenset({Action.SEND}),
        Role.READER: frozenset({Action.READ, Action.READ_REGISTRY}),
        Role.INVESTIGATOR: frozenset(
            {
                Action.READ,
                Action.READ_CONTENT,
                Action.READ_ACCESS,
                Action.REVIEW,
                Action.READ_REGISTRY,
            }
        ),
        Role.POLICY: frozenset(
            {
                Action.READ_REGISTRY,
                Action.PROPOSE,
                Action.APPROVE,
                Action.DISABLE,
                Action.RECERTIFY,
            }
        ),
        Role.PRIVACY: frozenset(
            {
                Action.READ_REGISTRY,
                Action.HOLD,
                Action.PROPOSE_ERASURE,
                Action.APPROVE_ERASURE,
            }
        ),
        Role.OPERATOR: frozenset(
            {
                Action.READ_REGISTRY,
                Action.PROPOSE,
                Action.DISABLE,
                Action.KEYS,
                Action.LOG_KEYS,
                Action.DEAD_LETTERS,
            }
        ),
    }
)
"""What each role may do."""


MEANING: Final[Mapping[Action, str]] = MappingProxyType(
    {
        Action.SEND: "send records over OTLP",
        Action.READ: "read who did what when, without the content",
        Action.READ_CONTENT: "read arguments, results and texts",
        Action.READ_ACCESS: "read who read what",
        Action.REVIEW: "judge a record that asks for a review",
        Action.READ_REGISTRY: "read agents, tools, grants, policies and their history",
        Action.PROPOSE: "propose a registry",
        Action.APPROVE: "approve or reject what another proposed",
        Action.DISABLE: "deny an agent everything at once",
        Action.RECERTIFY: "confirm or end grants and agents one answers for",
        Action.KEYS: "issue and revoke API keys",
        Action.LOG_KEYS: "see, rotate and revoke the keys of logs",
        Action.DEAD_LETTERS: "see dead letters without their content, and have them tried again",
        Action.HOLD: "put records on hold",
        Action.PROPOSE_ERASURE: "propose an erasure, an early expiry or the release of a hold",
        Action.APPROVE_ERASURE: "approve what another proposed of that",
    }
)
"""What each action is, in words for people."""


def actions_of(roles: Iterable[Role]) -> frozenset[Action]:
    """All that these roles may do together."""
    return frozenset[Action]().union(*(ALLOWED[role] for role in roles))
