"""A policy as it is loaded: its `@id`, what it decides, and what it applies to.

| Annotation | On | Meaning |
|---|---|---|
| `@id("…")` | every policy, unique | the rule id in records |
| `@outcome("require_approval")` | `forbid` | does not deny what is permitted: asks for approval |
| `@outcome("require_approval")` | `permit` | permits, once approved |
| `@outcome("review")` | `forbid` | stops nothing: demands a review of what is permitted |
| `@review("true")` | any | when it decides, a person must review the action |
| `@reason("…")` | any | the reason in records |
| `@obligation("…")` | any | a duty that is recorded when the policy decides |
| `@description`, `@owner`, `@ticket`, `@control` | any | notes for people |

Any other annotation is an error: a misspelt one would silently change a decision. To Cedar without
these annotations such a `forbid` denies, so it errs in the safe direction.
"""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from difflib import get_close_matches
from typing import Literal

import cedarpy
from pydantic import JsonValue

from auditspan.policy.arguments import Path
from auditspan.policy.errors import Problem
from auditspan.policy.operations import operation
from auditspan.policy.references import WholeContext, references
from auditspan.policy.text import Statement, oversized, syntax_problem

Kind = Literal["permit", "permit_approval", "forbid", "forbid_approval", "forbid_review"]

DEFAULT_DENY = "default-deny"
"""Rule id when nothing permits."""
EVALUATION_ERROR = "evaluation-error"
"""Rule id when a policy could not be evaluated."""
AGENT_DISABLED = "agent-disabled"
"""Rule id when the agent is disabled in the registry."""

_KINDS: Mapping[tuple[str, str | None], Kind] = {
    ("permit", None): "permit",
    ("permit", "require_approval"): "permit_approval",
    ("forbid", None): "forbid",
    ("forbid", "require_approval"): "forbid_approval",
    ("forbid", "review"): "forbid_review",
}
_DECIDING = ("id", "outcome", "review", "reason", "obligation")
_NOTES = ("description", "owner", "ticket", "control")
_MAX_ID = 128


@dataclass(frozen=True, slots=True)
class Rule:
    """One policy."""

    id: str
    kind: Kind
    review: bool
    """When it decides, a person must review the action."""
    reason: str
    obligation: str
    statement: Statement
    action: Mapping[str, JsonValue]
    """Scope constraint of the action, in Cedar's JSON form."""
    resource: Mapping[str, JsonValue]
    """Scope constraint of the resource, in Cedar's JSON form."""
    attributes: frozenset[str]
    """What it looks at; see `references.py`."""
    arguments: frozenset[Path]
    """Which arguments it looks at."""
    tools: frozenset[str]
    """Tools that it names."""

    @property
    def is_duty(self) -> bool:
        """Whether it denies nothing and permits nothing, but asks for something."""
        return self.kind in ("forbid_approval", "forbid_review")

    def admits(self, name: str) -> bool:
        """Whether its scope leaves room for an operation."""
        entities = list(_uids(self.action))
        if not entities:
            return True
        known = operation(name)
        below = {name, known.group} if self.action.get("op") == "in" else {name}
        return any(uid in below for _, uid in entities)

    def admits_resource(self, type_: str, id_: str | None, parent: str | None) -> bool:
        """Whether its scope leaves room for a resource; None may be anything."""
        if self.resource.get("entity_type", type_) != type_:
            return False
        for kind, uid in _uids(self.resource):
            if kind == type_:
                return id_ is None or uid == id_
            if self.resource.get("op") == "==":
                return False
            if kind == "Server" and parent is not None:
                return uid == parent
        return True


def read_rule(statement: Statement) -> Rule | Problem:
    """What a statement says, or what is wrong with it."""
    unsafe = oversized(statement)
    if unsafe:
        return unsafe
    try:
        found = json.loads(cedarpy.policies_to_json_str(statement.text))
        policies = list(found["staticPolicies"].values())
        if found["templates"] or len(policies) != 1:
            return statement.problem("must be one policy without ?slots, ended by `;`")
        return _rule(statement, policies[0])
    except WholeContext as error:
        return statement.problem(str(error), statement.find("context"))
    except ValueError as error:
        return syntax_problem(statement, str(error))
    except RecursionError:
        return statement.problem("is nested too deep; split it into several policies")


def _rule(statement: Statement, policy: dict[str, JsonValue]) -> Rule | Problem:
    raw = policy.get("annotations")
    annotations = {k: str(v or "") for k, v in raw.items()} if isinstance(raw, dict) else {}
    effect = str(policy["effect"])
    wrong = next(_annotation_faults(effect, annotations), None)
    if wrong:
        name, message = wrong
        return statement.problem(message, statement.find(name))
    found = references(policy)
    return Rule(
        id=annotations["id"],
        kind=_KINDS[effect, annotations.get("outcome")],
        review=annotations.get("review") == "true",
        reason=annotations.get("reason", ""),
        obligation=annotations.get("obligation", ""),
        statement=statement,
        action=_mapping(policy.get("action")),
        resource=_mapping(policy.get("resource")),
        attributes=frozenset(found.attributes),
        arguments=frozenset(found.arguments),
        tools=frozenset(found.tools),
    )


def _annotation_faults(effect: str, annotations: Mapping[str, str]) -> Iterator[tuple[str, str]]:
    """Which annotation is wrong, and why."""
    id_ = annotations.get("id", "")
    if not id_:
        yield "id", f'{effect} has no @id("…"); records name policies by it'
    elif id_ in (DEFAULT_DENY, EVALUATION_ERROR, AGENT_DISABLED):
        yield "id", f"@id is {id_!r}, which auditspan itself uses; take another"
    elif len(id_) > _MAX_ID or not id_.isprintable():
        yield "id", f"@id has to be at most {_MAX_ID} printable characters"
    for name in annotations.keys() - {*_DECIDING, *_NOTES}:
        near = get_close_matches(name, [*_DECIDING, *_NOTES], 1)
        hint = f"; did you mean @{near[0]}?" if near else ""
        yield name, f"@{name} is no annotation of ours{hint}"
    outcome = annotations.get("outcome")
    if (effect, outcome) not in _KINDS:
        allowed = [o for e, o in _KINDS if e == effect and o]
        yield "outcome", f"@outcome of a {effect} is {outcome!r}, expected {' or '.join(allowed)}"
    if annotations.get("review", "true") not in ("true", "false"):
        yield "review", f"@review is {annotations['review']!r}, expected true or false"


def _uids(constraint: Mapping[str, JsonValue]) -> Iterator[tuple[str, str]]:
    """The entities of a scope constraint: of `==`, `in`, `in […]` and `is … in`."""
    entities = constraint.get("entities")
    listed = entities if isinstance(entities, list) else [constraint.get("entity")]
    nested = constraint.get("in")
    if isinstance(nested, dict):
        listed = [*listed, nested.get("entity")]
    for entity in listed:
        if isinstance(entity, dict):
            inner = entity.get("__entity", entity)
            if isinstance(inner, dict):
                yield str(inner["type"]), str(inner["id"])


def _mapping(value: JsonValue) -> Mapping[str, JsonValue]:
    return value if isinstance(value, Mapping) else {}
