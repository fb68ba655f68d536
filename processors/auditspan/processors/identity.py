"""Third stage: who acted, on whose behalf, and under which grant.

1. The agent: from the sender's credential, or from a statement of its relay; else what it claims.
2. The user: from the identity statement; else whom the span names.
3. The grant that covers the action, and the purpose.
All as of each record's `Moment`, which the stage `moment` sets. Statements leave the record, which
keeps their digest. While no registry is in force nothing is missing from it, and nobody is flagged
for it.
"""

import numpy as np
import pyarrow as pa
from pydantic import BaseModel, ConfigDict, Field

from auditspan.identity.statement import StatementVerifier
from auditspan.processors.agents import attach_agents, described
from auditspan.processors.attributes import Attributes
from auditspan.processors.batch import Batch, Codes, Mask
from auditspan.processors.combine import Coded
from auditspan.processors.grants import GrantsConfig, attach_grants
from auditspan.processors.maps import drop_keys
from auditspan.processors.moment import moments
from auditspan.processors.principals import Senders
from auditspan.processors.texts import constant, nonempty, null_unless, text, where
from auditspan.processors.users import Presented, attach_users, present
from auditspan.registry.history import History

USER_STATEMENT = "audit.identity.statement"
"""Names the user; removed before storage."""

AGENT_STATEMENT = "audit.agent.statement"
"""Names the agent behind a relay; removed before storage."""

EXCHANGE_ERROR = "audit.identity.error"
"""Why there is no statement of a user."""

_STATEMENTS = (USER_STATEMENT, AGENT_STATEMENT)


class IdentityConfig(BaseModel):
    """Settings of the stage."""

    model_config = ConfigDict(frozen=True, extra="forbid", use_attribute_docstrings=True)

    grants: GrantsConfig = Field(default_factory=GrantsConfig)
    """Which actions need a grant."""


def identity(
    batch: Batch,
    history: History,
    verifier: StatementVerifier,
    config: IdentityConfig | None = None,
) -> Batch:
    """Attach agent, user, grant and purpose with their provenance."""
    config = config or IdentityConfig()
    at = moments(batch)
    versions = _versions(at, history)
    attributes = Attributes.of(batch)
    senders = Senders.of(batch)
    principals = senders.coded.mapped(lambda principal: principal.id)
    placed, purpose = nonempty(text(batch, "Environment")), attributes.text("audit.purpose")
    # 1. The agent. A statement of a relay is bound to the relay alone.
    nobody = Coded([""], np.zeros(len(batch), dtype=np.int64))
    statements = Coded.of(attributes.text(AGENT_STATEMENT))
    behind = present(statements, principals, nobody, at, verifier, "agent")
    batch, registered = attach_agents(batch, senders, behind, versions, history)
    # 2. The user. The statement may be bound to the relay, or to the agent proved behind it.
    proved = _proved_agents(batch, behind) if behind.in_force.any() else nobody
    statements = Coded.of(attributes.text(USER_STATEMENT))
    presented = present(statements, principals, proved, at, verifier, "user")
    batch = attach_users(batch, presented)
    # The recorder could not exchange the user's token, and says so.
    failed = attributes.has(EXCHANGE_ERROR) & ~presented.in_force
    batch = batch.flag("identity.unresolved", failed)
    # 3. The grant.
    batch = attach_grants(batch, purpose, versions, at, history, config.grants)
    batch = batch.with_derived(described(registered, senders))
    batch = batch.with_derived(
        {
            "audit.registry.version": _registry_versions(versions, history),
            "audit.provenance.gen_ai.agent.name": _known(
                batch, "AgentName", ~registered.mask(lambda _, entry: entry is not None)
            ),
            "audit.provenance.deployment.environment.name": _known(batch, "Environment", placed),
            "audit.provenance.audit.purpose": _known(batch, "Purpose", nonempty(purpose)),
        }
    )
    return _without_statements(batch, attributes)


def _versions(at: Codes, history: History) -> Codes:
    """For each record the index of the registry in force at its moment, -1 before any."""
    applied = np.asarray(history.applied, dtype=np.int64)
    found: Codes = np.searchsorted(applied, at, side="right").astype(np.int64) - 1
    return found


def _proved_agents(batch: Batch, behind: Presented) -> Coded:
    """The agents that statements name, "" where none does."""
    nobody = constant("", len(batch))
    return Coded.of(where(behind.in_force, text(batch, "AgentId"), nobody))


def _registry_versions(versions: Codes, history: History) -> pa.Array:
    """The hash of the registry that each record was judged with; null for none."""
    used = Coded.of_numbers(versions)
    hashes = [history.versions[v].registry.version if v >= 0 else None for v in used.values]
    return used.texts(hashes)


def _known(batch: Batch, column: str, claimed: Mask) -> pa.Array:
    """How a column is known: claimed where the sender said it, else derived; null if it is not."""
    size = len(batch)
    how = where(claimed, constant("claimed", size), constant("derived", size))
    return null_unless(nonempty(text(batch, column)), how)


def _without_statements(batch: Batch, attributes: Attributes) -> Batch:
    """Take the statements out of both maps, repeated ones too, which decode calls `k#2`."""
    views = {"SpanAttributes": attributes.span, "ResourceAttributes": attributes.resource}
    found = {
        column: [key for key in view.keys if key.partition("#")[0] in _STATEMENTS]
        for column, view in views.items()
    }
    return batch.with_columns(
        {column: drop_keys(batch.column(column), keys) for column, keys in found.items() if keys}
    )
