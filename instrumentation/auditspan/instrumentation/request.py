"""The question of the guard: the same as the collector asks about the record later.

What differs is called `policy.bypass` there, so every field follows what the collector does: target
and effect from the tool catalogue, the grant in force, the user of the statement.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache

from pydantic import JsonValue

from auditspan.identity import jws
from auditspan.identity.statement import MAX_LENGTH
from auditspan.instrumentation.act import Act
from auditspan.instrumentation.identity import Identity
from auditspan.policy import AgentFacts, Request, TargetFacts, ToolFacts, UserFacts
from auditspan.registry.grants import Wanted, resolve
from auditspan.registry.models import Registry
from auditspan.registry.paths import find, parse


@dataclass(frozen=True, slots=True)
class Asker:
    """Who asks, in this process."""

    agent_id: str
    agent_name: str
    environment: str
    credential: bool
    """Whether the collector will know the agent by a credential."""


def request(
    act: Act,
    identity: Identity,
    asker: Asker,
    registry: Registry,
    at: int,
    arguments: Mapping[str, JsonValue],
) -> Request:
    """The question whether an act with these arguments is permitted at this moment."""
    agent_id = identity.agent_id or asker.agent_id
    user = user_in_force(identity)
    target = _target(act, arguments, registry)
    environment = asker.environment or _only_environment(agent_id, registry)
    return Request(
        operation=act.operation,
        agent=_agent(agent_id, identity, asker, registry),
        user=user,
        tool=_tool(act, registry),
        target=target,
        environment=environment,
        grant_id=_grant(act, user, target, agent_id, environment, registry, at),
        purpose=identity.purpose,
        at=at,
        arguments=arguments,
    )


def _agent(id_: str, identity: Identity, asker: Asker, registry: Registry) -> AgentFacts:
    provenance = ("verified" if asker.credential else "claimed") if id_ else ""
    agent = registry.agents.get(id_)
    if agent is None:
        name = identity.agent_name or asker.agent_name
        return AgentFacts(id_, name, registered=False, provenance=provenance)
    return AgentFacts(
        id=id_,
        name=agent.name,
        owner=agent.owner,
        risk_tier=agent.risk_tier,
        environments=agent.environments,
        roles=agent.roles,
        tags=agent.tags,
        registered=not agent.disabled,
        disabled=agent.disabled,
        provenance=provenance,
    )


def _only_environment(agent_id: str, registry: Registry) -> str:
    agent = registry.agents.get(agent_id)
    return agent.environments[0] if agent and len(agent.environments) == 1 else ""


def user_in_force(identity: Identity) -> UserFacts | None:
    """The user of the statement if there is one, else the one that is claimed."""
    if identity.proof is not None and identity.proof.statement:
        return user_of(identity.proof.statement)
    return UserFacts(identity.user, provenance="claimed") if identity.user else None


@lru_cache(maxsize=256)
def user_of(statement: str) -> UserFacts:
    """The user of a statement that the collector gave us; its signature is for others to check."""
    claims = jws.split(statement, MAX_LENGTH).payload
    return UserFacts(
        id=str(claims.get("sub", "")),
        organisation=str(claims.get("org", "")),
        roles=_texts(claims.get("roles")),
        scopes=_texts(claims.get("scopes")),
        provenance="verified",
    )


def _texts(value: object) -> tuple[str, ...]:
    return tuple(sorted(map(str, value))) if isinstance(value, list) else ()


def _tool(act: Act, registry: Registry) -> ToolFacts:
    if act.operation != "execute_tool":
        return ToolFacts()
    tool = registry.tools.get(act.name)
    return ToolFacts(act.name, effect=tool.effect if tool else "unknown")


def _target(act: Act, arguments: Mapping[str, JsonValue], registry: Registry) -> TargetFacts:
    """The catalogue first, then what the caller says."""
    tool = registry.tools.get(act.name) if act.operation == "execute_tool" else None
    if tool is None:
        return TargetFacts(act.target_type, act.target_id)
    found = _at(dict(arguments), tool.target.id)
    return TargetFacts(tool.target.type or act.target_type, found or act.target_id)


def _at(arguments: JsonValue, path: str) -> str:
    """What a path reaches: one value as text, several as a JSON list."""
    if not path:
        return ""
    found = [_spelled(value) for value in find(arguments, parse(path)) if value is not None]
    return found[0] if len(found) == 1 else _spelled(list(found)) if found else ""


def _spelled(value: JsonValue) -> str:
    if isinstance(value, str):
        return value
    return json.dumps(value, separators=(",", ":"), ensure_ascii=False)


def _grant(
    act: Act,
    user: UserFacts | None,
    target: TargetFacts,
    agent_id: str,
    environment: str,
    registry: Registry,
    at: int,
) -> str:
    wanted = Wanted(
        agent=agent_id,
        user=user.id if user else "",
        roles=user.roles if user else (),
        operation=act.operation,
        tool=act.name if act.operation == "execute_tool" else "",
        target=f"{target.type}:{target.id}" if target.type or target.id else "",
        environment=environment,
        at_ns=at,
    )
    found = resolve(registry.grants, wanted)
    return found.grant.id if found.grant and not found.lacking else ""
