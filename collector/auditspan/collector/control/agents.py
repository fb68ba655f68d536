"""Agents turned off at once, and turned on again by a proposal."""

from collections.abc import Iterable, Sequence

from auditspan.collector.control.apply import Plan
from auditspan.collector.control.disabled import disabled_agents, with_disabled
from auditspan.collector.control.errors import ControlInvalid, NotFound
from auditspan.collector.control.fields import Fields
from auditspan.collector.control.handlers import Effect
from auditspan.collector.control.records import (
    AGENT_DISABLED,
    ControlRecord,
    Party,
    Why,
    rfc3339,
)
from auditspan.collector.control.registry_handler import effect_of
from auditspan.collector.control.versions import Versions
from auditspan.registry import Agent, Bundle, Registry
from auditspan.registry.diff import compare
from auditspan.registry.problems import nearest


def disabling(bundle: Bundle, agent_id: str, versions: Versions) -> Effect:
    """What disabling an agent means: the registry in force with one id more in `disabled.yaml`.

    Nothing else is checked: what stands in force may be wrong, and an agent must stop all the same.
    Raises NotFound.
    """
    registry = bundle.registry()
    _known(registry, agent_id)
    off = disabled_agents(bundle)
    wanted = bundle if agent_id in off else with_disabled(bundle, (*off, agent_id))
    after = wanted.registry()
    plan = Plan(wanted, after, bundle.version, compare(registry, after), ())
    effect = effect_of(plan, versions)
    effect.body["cause"] = {"kind": AGENT_DISABLED, "agent": agent_id}
    return effect


def enabled(bundle: Bundle, agent_id: str) -> Bundle:
    """The registry in force without the order against an agent. Raises NotFound, ControlInvalid."""
    agent = _known(bundle.registry(), agent_id)
    off = disabled_agents(bundle)
    if agent_id not in off:
        where = "its own entry says `disabled: true`: change that and apply the folder"
        raise ControlInvalid(
            f"the agent {agent_id!r} is not disabled by order: "
            + (where if agent.disabled else "it is enabled")
        )
    return with_disabled(bundle, (name for name in off if name != agent_id))


def record(agent_id: str, bundle: Bundle, why: Why, requester: Party, at_ns: int) -> ControlRecord:
    """The record of the order; the version that carries it out is a record of its own."""
    body: Fields = {"id": agent_id, "principal": f"agent:{agent_id}", "previous": bundle.version}
    return ControlRecord(kind=AGENT_DISABLED, at_ns=at_ns, why=why, body=body, requester=requester)


def listed(registry: Registry, versions: Sequence[ControlRecord]) -> list[Fields]:
    """Each agent with its state, and when which version changed its entry last."""
    return [_listed(agent, versions) for agent in registry.agents.values()]


def _listed(agent: Agent, versions: Sequence[ControlRecord]) -> Fields:
    changed = next((r for r in reversed(versions) if agent.id in _agents_of(r)), None)
    stopped = next((r for r in reversed(versions) if _cause(r) == agent.id), None)
    by_order = stopped if agent.disabled else None
    return {
        "id": agent.id,
        "state": "disabled" if agent.disabled else "enabled",
        "owner": agent.owner,
        "owner_email": agent.owner_email,
        "version": agent.version,
        "changed_at": rfc3339(changed.at_ns) if changed else "",
        "changed_in": str(changed.body["version"]) if changed else "",
        "disabled_at": rfc3339(by_order.at_ns) if by_order else "",
        "disabled_by": by_order.asked_by if by_order else "",
        "disabled_why": by_order.why.reason if by_order else "",
    }


def _agents_of(record: ControlRecord) -> Iterable[str]:
    """The agents whose entries a version changed."""
    changes = record.body.get("changes")
    rows = changes if isinstance(changes, list) else []
    return {str(c["name"]) for c in rows if isinstance(c, dict) and c.get("kind") == "agent"}


def _cause(record: ControlRecord) -> str:
    """The agent because of whose disabling a version came into force."""
    cause = record.body.get("cause")
    return str(cause.get("agent", "")) if isinstance(cause, dict) else ""


def _known(registry: Registry, agent_id: str) -> Agent:
    agent = registry.agents.get(agent_id)
    if agent is None:
        raise NotFound(f"no agent is called {agent_id!r}" + nearest(agent_id, registry.agents))
    return agent
