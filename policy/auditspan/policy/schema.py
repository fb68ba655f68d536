"""The Cedar schema that policies are validated against, made from the tool catalogue.

It is the vocabulary of policies: `docs/policies.md` shows it. All operations share one context;
`context.arguments` is typed by one tool at a time, so a policy is validated once for each tool it
applies to.
"""

from collections.abc import Iterable
from itertools import groupby

from auditspan.policy.arguments import ArgumentType, quoted
from auditspan.policy.operations import OPERATIONS

AGENT = {
    "name": "String",
    "owner": "String",
    "risk_tier": "String",
    "environments": "Set<String>",
    "roles": "Set<String>",
    "tags": "Set<String>",
    "registered": "Bool",
    "provenance": "String",
}
"""Attributes of `principal`, and of the resource of agent operations."""

USER = {
    "organisation": "String",
    "roles": "Set<String>",
    "scopes": "Set<String>",
    "provenance": "String",
}
"""Attributes of `context.user`."""

TOOL = {
    "server": "String",
    "effect": "String",
    "data_class": "String",
    "review_required": "Bool",
}
"""Attributes of the resource of a tool call."""

TARGET = {"type": "String", "id": "String"}
"""Attributes of `context.target`, and of the resource of memory, retrieval and other operations."""

CONTEXT = {
    "environment": "String",
    "purpose": "String",
    "grant?": "String",
    "roles": "Set<String>",
    "scopes": "Set<String>",
    "user?": "User",
    "target?": "Target",
    "hour": "Long",
    "weekday": "String",
    "business_hours": "Bool",
}
"""Attributes of `context` besides `arguments`; with `?` they are read behind `has`."""

_ENTITIES = {
    "Agent in [Role]": AGENT,
    "User in [Role, Organization]": USER,
    "Tool in [Server]": TOOL,
    "Target": TARGET,
}


def schema(arguments: ArgumentType) -> str:
    """The schema with `context.arguments` of one tool; an empty record for the others."""
    lines = ["entity Role, Server, Organization, Model;"]
    lines += [f"entity {name} = {{ {_fields(known)} }};" for name, known in _ENTITIES.items()]
    lines += [f"action {quoted(group)};" for group in _groups()]
    for name, known in OPERATIONS.items():
        parent = f" in [{quoted(known.group)}]" if known.group else ""
        own = arguments.cedar() if known.resource == "Tool" else "{}"
        lines.append(
            f"action {quoted(name)}{parent} appliesTo {{ principal: Agent, "
            f"resource: {known.resource}, context: {{ {_fields(CONTEXT)}, arguments: {own} }} }};"
        )
    return "\n".join(lines)


def _groups() -> Iterable[str]:
    groups = sorted(known.group for known in OPERATIONS.values())
    return (group for group, _ in groupby(groups) if group and group not in OPERATIONS)


def _fields(fields: dict[str, str]) -> str:
    return ", ".join(f"{name}: {type_}" for name, type_ in fields.items())
