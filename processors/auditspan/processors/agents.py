"""Which agent acted, how that is known, and what the registry says of it.

A principal that is an agent proves its id. Behind a relay, and without credentials, the id is what
the span claims, unless the span carries an agent statement of its relay.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from auditspan.processors.batch import Batch, Codes, Mask, mask_of
from auditspan.processors.combine import Coded, combine
from auditspan.processors.principals import Senders
from auditspan.processors.texts import constant, filled, first_of, nonempty, text, where
from auditspan.processors.users import Presented
from auditspan.registry.history import History
from auditspan.registry.models import Agent

# What OpenTelemetry writes if nobody named the service.
_NAMELESS = "^unknown_service"


@dataclass(frozen=True, slots=True)
class Registered:
    """The distinct agents of a batch with their entries in the registries in force."""

    coded: Coded
    """(version index, agent id) as values."""
    entries: Sequence[Agent | None]
    """What the registry of that version says."""

    def text(self, of: Callable[[Agent], str | None]) -> pa.Array:
        """Something about the registered agent, per record; null where there is none."""
        return self.coded.texts([None if e is None else of(e) for e in self.entries])

    def mask(self, of: Callable[[int, Agent | None], bool]) -> Mask:
        """A condition on version and entry, per record."""
        pairs = zip(self.coded.values, self.entries, strict=True)
        held = [of(version, entry) for (version, _), entry in pairs]
        return np.asarray(held, dtype=np.bool_)[self.coded.codes]


def attach_agents(
    batch: Batch, senders: Senders, behind: Presented, versions: Codes, history: History
) -> tuple[Batch, Registered]:
    """Set agent, provenance and environment, and flag who is not what it says or not known."""
    own = senders.text(lambda principal: principal.agent_id)
    named = where(behind.in_force, filled(behind.texts(lambda s: s.subject)), _none(batch))
    proved = first_of([own, named])
    claimed = text(batch, "AgentId")
    agent = first_of([proved, claimed, _service(batch)])
    registered = _look_up(agent, versions, history)
    columns = {
        "AgentId": agent,
        "AgentName": first_of(
            [filled(registered.text(lambda a: a.name)), text(batch, "AgentName")]
        ),
        "AgentProvenance": _provenance(proved, agent),
        "PrincipalId": senders.text(lambda principal: principal.id),
        "Environment": first_of([text(batch, "Environment"), _only_environment(registered)]),
    }
    mismatch = nonempty(claimed) & nonempty(proved) & mask_of(pc.not_equal(claimed, proved))
    acts = ~mask_of(pc.is_in(text(batch, "ActionType"), pa.array(["", "other"])))
    # Without a registry in force there is nothing that an agent could be missing from.
    missing = registered.mask(lambda version, entry: version >= 0 and entry is None)
    batch = batch.with_columns(columns).flag("identity.mismatch", mismatch)
    batch = batch.flag("identity.unregistered", missing & (nonempty(agent) | acts))
    batch = batch.flag("identity.unresolved", behind.given & ~behind.in_force & ~behind.expired)
    batch = batch.flag("identity.expired", behind.expired)
    disabled = registered.mask(lambda _, entry: entry is not None and entry.disabled)
    return batch.flag("agent.disabled", disabled), registered


def described(registered: Registered, senders: Senders) -> dict[str, pa.Array]:
    """What is attached about the agent and its sender."""
    return {
        "audit.agent.owner.id": registered.text(lambda a: a.owner),
        "audit.agent.owner.email": registered.text(lambda a: a.owner_email or None),
        "audit.agent.risk_tier": registered.text(lambda a: a.risk_tier),
        "audit.agent.system.id": registered.text(lambda a: a.system_id or None),
        "audit.authentication.method": senders.text(lambda p: p.method),
        "audit.agent.identity.id": _given(senders.text(lambda p: p.credential)),
        "client.address": _given(senders.text(lambda p: p.address)),
        "audit.tenant.id": _given(senders.text(lambda p: p.tenant)),
    }


def _look_up(agent: pa.Array, versions: Codes, history: History) -> Registered:
    distinct = combine(Coded.of_numbers(versions), Coded.of(agent))
    entries = [
        history.versions[version].registry.agents.get(name) if version >= 0 else None
        for version, name in distinct.rows
    ]
    return Registered(Coded(distinct.rows, distinct.codes), entries)


def _service(batch: Batch) -> pa.Array:
    """The name of the service, if somebody gave it one."""
    name = text(batch, "ServiceName")
    nameless = mask_of(pc.match_substring_regex(name, _NAMELESS))
    return where(~nameless, name, _none(batch))


def _provenance(proved: pa.Array, agent: pa.Array) -> pa.Array:
    claimed = where(nonempty(agent), constant("claimed", len(agent)), constant("", len(agent)))
    return where(nonempty(proved), constant("verified", len(agent)), claimed)


def _only_environment(registered: Registered) -> pa.Array:
    """Where the agent runs, if it may run in one place only."""
    only = registered.text(lambda a: a.environments[0] if len(a.environments) == 1 else None)
    return filled(only)


def _none(batch: Batch) -> pa.Array:
    return constant("", len(batch))


def _given(values: pa.Array) -> pa.Array:
    """Null where there is nothing to attach."""
    return pc.if_else(pc.equal(values, ""), pa.scalar(None, pa.string()), values)
