"""The values that a request gives for the attributes a slice looks at, and Cedar's form of them.

Cedar is shown exactly the values that make up the cache key, so a cached decision is the decision.
"""

import json
from collections.abc import Callable, Mapping
from functools import cache
from typing import TypeAlias

from pydantic import JsonValue

from auditspan.policy.arguments import clean
from auditspan.policy.operations import operation
from auditspan.policy.references import PRESENCE
from auditspan.policy.request import AgentFacts, Request, ToolLike, UserFacts
from auditspan.policy.schema import AGENT, CONTEXT, TARGET, TOOL, USER

Value: TypeAlias = str | int | bool | tuple[str, ...] | None
Values = Mapping[str, Value]
"""Value by Cedar path; None is absent."""

TIMES = frozenset({"context.hour", "context.weekday", "context.business_hours"})
"""Attributes that come from the calendar."""

_NOBODY = UserFacts("")
_UNKNOWN_AGENT = AgentFacts("", registered=False)


def _user(request: Request) -> UserFacts:
    return request.user or _NOBODY


def _agent_resource(request: Request) -> AgentFacts:
    """The agent that is invoked; what is not the acting agent itself is known by name only."""
    other = request.target.type == "agent" and request.target.id != request.agent.id
    return _UNKNOWN_AGENT if other else request.agent


def _target(request: Request) -> str | None:
    target = request.target
    return f"{target.type}:{target.id}" if target.type or target.id else None


def resource_id(request: Request) -> str:
    """The id of the resource."""
    type_ = operation(request.operation).resource
    if type_ == "Tool":
        return request.tool.name
    if type_ == "Model":
        return request.model
    if type_ == "Agent" and request.target.type == "agent":
        return request.target.id
    return request.agent.id if type_ == "Agent" else _target(request) or ""


_GETTERS: Mapping[str, Callable[[Request], Value]] = {
    "principal": lambda r: r.agent.id,
    "principal.name": lambda r: r.agent.name,
    "principal.owner": lambda r: r.agent.owner,
    "principal.risk_tier": lambda r: r.agent.risk_tier,
    "principal.environments": lambda r: r.agent.environments,
    "principal.roles": lambda r: r.agent.roles,
    "principal.tags": lambda r: r.agent.tags,
    "principal.registered": lambda r: r.agent.registered,
    "principal.provenance": lambda r: r.agent.provenance,
    "resource": resource_id,
    "resource.name": lambda r: _agent_resource(r).name,
    "resource.owner": lambda r: _agent_resource(r).owner,
    "resource.risk_tier": lambda r: _agent_resource(r).risk_tier,
    "resource.environments": lambda r: _agent_resource(r).environments,
    "resource.roles": lambda r: _agent_resource(r).roles,
    "resource.tags": lambda r: _agent_resource(r).tags,
    "resource.registered": lambda r: _agent_resource(r).registered,
    "resource.provenance": lambda r: _agent_resource(r).provenance,
    "resource.server": lambda r: r.tool.server,
    "resource.effect": lambda r: r.tool.effect,
    "resource.data_class": lambda r: r.tool.data_class,
    "resource.review_required": lambda _: False,
    "resource.type": lambda r: r.target.type,
    "resource.id": lambda r: r.target.id,
    "context.environment": lambda r: r.environment,
    "context.purpose": lambda r: r.purpose,
    "context.grant": lambda r: r.grant_id or None,
    "context.roles": lambda r: _user(r).roles,
    "context.scopes": lambda r: _user(r).scopes,
    PRESENCE: lambda r: r.user is not None,
    "context.user": lambda r: r.user.id if r.user else None,
    "context.user.organisation": lambda r: r.user.organisation if r.user else None,
    "context.user.roles": lambda r: r.user.roles if r.user else None,
    "context.user.scopes": lambda r: r.user.scopes if r.user else None,
    "context.user.provenance": lambda r: r.user.provenance if r.user else None,
    "context.target": _target,
    "context.target.type": lambda r: r.target.type if _target(r) else None,
    "context.target.id": lambda r: r.target.id if _target(r) else None,
}


def known(attribute: str) -> bool:
    """Whether a path is one that requests have."""
    return attribute in _GETTERS or attribute in TIMES


def applies(attribute: str, resource: str) -> bool:
    """Whether a path leads anywhere when the resource is of some type."""
    name = attribute.partition("resource.")[2]
    return not name or name in _FIELDS[resource]


def getter(attribute: str, tool: ToolLike | None) -> Callable[[Request], Value]:
    """How an attribute is read; what the catalogue says about the tool goes before the request."""
    name = attribute.partition("resource.")[2]
    if tool is not None and name in TOOL:
        fixed: Value = getattr(tool, name)
        return lambda _: fixed
    return _GETTERS[attribute]


def cedar_context(values: Values, arguments: str) -> str:
    """The context as JSON text; `arguments` is JSON text already."""
    context: dict[str, JsonValue] = {
        path.removeprefix("context."): _cedar(value)
        for path, value in values.items()
        if path in _PLAIN_CONTEXT and value is not None
    }
    for path, type_ in _REFERRED.items():
        if _present(values, path):
            context[path.removeprefix("context.")] = {"__entity": _uid(type_, values, path)}
    text = json.dumps(context)
    return f'{text[:-1]}{", " if context else ""}"arguments": {arguments}}}'


def cedar_request(name: str, values: Values, arguments: str) -> dict[str, JsonValue]:
    """Principal, action, resource and context."""
    return {
        "principal": _uid("Agent", values, "principal"),
        "action": {"type": "Action", "id": clean(name)},
        "resource": _uid(operation(name).resource, values, "resource"),
        "context": cedar_context(values, arguments),
    }


def cedar_entities(name: str, values: Values) -> str:
    """The entities of a request in Cedar's JSON form."""
    subject = operation(name)
    places = {"principal": "Agent", "resource": subject.resource}
    places |= {path: type_ for path, type_ in _REFERRED.items() if _present(values, path)}
    entities: dict[tuple[str, str], dict[str, Value]] = {}
    for path, type_ in places.items():
        # The same thing may stand in two places, as a target that is the resource too.
        key = (type_, _id(values, path))
        entities.setdefault(key, {}).update(_attributes(type_, values, path))
    listed = [_entity(*uid, attributes) for uid, attributes in entities.items()]
    if subject.group:
        parents: JsonValue = [{"type": "Action", "id": subject.group}]
        listed.append({"uid": {"type": "Action", "id": name}, "attrs": {}, "parents": parents})
    return json.dumps(listed)


_FIELDS: Mapping[str, Mapping[str, str]] = {
    "Agent": AGENT,
    "User": USER,
    "Tool": TOOL,
    "Target": TARGET,
    "Model": {},
}
_PARENTS = {"roles": "Role", "organisation": "Organization", "server": "Server"}
_REFERRED = {"context.user": "User", "context.target": "Target"}
_PLAIN_CONTEXT = frozenset(f"context.{name.rstrip('?')}" for name in CONTEXT) - _REFERRED.keys()


def _attributes(type_: str, values: Values, path: str) -> dict[str, Value]:
    """Those attributes of an entity that were asked for."""
    named = {name: values.get(f"{path}.{name}") for name in _FIELDS[type_]}
    return {name: value for name, value in named.items() if value is not None}


def _entity(type_: str, id_: str, attributes: Mapping[str, Value]) -> dict[str, JsonValue]:
    parents: list[JsonValue] = [
        {"type": kind, "id": clean(one)}
        for name, kind in _PARENTS.items()
        for one in _listed(attributes.get(name))
    ]
    attrs = {name: _cedar(value) for name, value in attributes.items()}
    return {"uid": {"type": type_, "id": id_}, "attrs": attrs, "parents": parents}


def _uid(type_: str, values: Values, path: str) -> JsonValue:
    return {"type": type_, "id": _id(values, path)}


def _id(values: Values, path: str) -> str:
    """The id of what stands at a path; its place stands in for an id nobody asks for."""
    id_ = values.get(path)
    return clean(id_) if isinstance(id_, str) else f"\0{path}"


def _present(values: Values, path: str) -> bool:
    """Whether an optional entity is there, as far as it was asked for."""
    asked = (values.get(name) for name in (path, path + "?", *_below(path)))
    return any(value is not None and value is not False for value in asked)


@cache
def _below(path: str) -> tuple[str, ...]:
    return tuple(f"{path}.{name}" for name in _FIELDS[_REFERRED[path]])


def _listed(value: Value) -> tuple[str, ...]:
    if isinstance(value, tuple):
        return value
    return (value,) if isinstance(value, str) and value else ()


def _cedar(value: Value) -> JsonValue:
    if isinstance(value, tuple):
        return [clean(item) for item in value]
    return clean(value) if isinstance(value, str) else value
