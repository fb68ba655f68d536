"""What a policy looks at: the attributes and arguments that its text can reach.

Read from Cedar's JSON form of a policy
(https://docs.cedarpolicy.com/policies/json-format.html). A decision depends on nothing else, so
these are what a cache key has to hold and what a request has to carry. Names are Cedar paths:
`principal`, `principal.roles`, `resource.effect`, `context.user`, `context.hour`. An entity used as
a value of its own (passed on, not compared) counts as all its attributes.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field

from pydantic import JsonValue

from auditspan.policy.arguments import Path
from auditspan.policy.schema import AGENT, TARGET, TOOL, USER

PRESENCE = "context.user?"
"""Whether there is a user, whoever it is."""

_ENTITIES = {
    ("principal",): tuple(AGENT),
    ("resource",): tuple(dict.fromkeys([*TOOL, *TARGET, *AGENT])),
    ("context", "user"): tuple(USER),
    ("context", "target"): tuple(TARGET),
}
_COMPARISONS = ("==", "!=", "in")
_HIERARCHY = {
    ("principal",): ("roles",),
    ("resource",): ("server", "roles"),
    ("context", "user"): ("roles", "organisation"),
}
"""Which attributes give an entity its parents."""


class WholeContext(ValueError):
    """A policy passes `context` on as a value, so what it looks at cannot be told."""


@dataclass(slots=True)
class References:
    """What was found in a policy."""

    attributes: set[str] = field(default_factory=set)
    arguments: set[Path] = field(default_factory=set)
    presences: set[Path] = field(default_factory=set)
    """Arguments of which it is asked whether they are there."""
    tools: set[str] = field(default_factory=set)
    """Tools that are named anywhere."""

    def scope(self, part: str, constraint: dict[str, JsonValue]) -> None:
        """Collect from a scope constraint of `principal` or `resource`."""
        op = constraint.get("op")
        if op in ("==", "in") or "in" in constraint:
            self.attributes.add(part)
        if op == "in" or "in" in constraint:
            self.attributes.update(_named((part,), _HIERARCHY[(part,)]))
        self._literals(constraint)

    def expression(self, node: JsonValue) -> None:
        """Collect from an expression."""
        if isinstance(node, list):
            for item in node:
                self.expression(item)
        if not isinstance(node, dict):
            return
        for operator, operand in node.items():
            self._operation(node, operator, operand)

    def _operation(self, node: dict[str, JsonValue], operator: str, operand: JsonValue) -> None:
        path = _chain(node)
        if path is not None:
            self._value(path)
        elif operator == "Value":
            self._literals(operand)
        elif operator == "has" and isinstance(operand, dict):
            self._presence(operand)
        elif operator == "is" and isinstance(operand, dict):
            self._compared(operand.get("left"), "in" in operand)
            self._literals(operand.get("in"))
        elif operator in _COMPARISONS and isinstance(operand, dict):
            for side in operand.values():
                self._compared(side, operator == "in")
        else:
            self.expression(list(operand.values()) if isinstance(operand, dict) else operand)

    def _compared(self, node: JsonValue, hierarchy: bool) -> None:
        """An entity that is only compared: its id, and for `in` what gives it parents."""
        path = _chain(node)
        if path not in _ENTITIES:
            self.expression(node)
            return
        self.attributes.add(".".join(path))
        if hierarchy:
            self.attributes.update(_named(path, _HIERARCHY.get(path, ())))

    def _presence(self, operand: dict[str, JsonValue]) -> None:
        path = _chain(operand.get("left"))
        if path is None:
            self.expression(operand.get("left"))
        elif path == ("context",) and operand.get("attr") == "user":
            self.attributes.add(PRESENCE)
        elif path[:2] == ("context", "arguments"):
            self.presences.add((*path[2:], str(operand.get("attr"))))
        elif path != ("context",) or operand.get("attr") != "arguments":
            self._value((*path, str(operand.get("attr"))))

    def _value(self, path: Path) -> None:
        if path == ("context",):
            raise WholeContext("reads context as a whole; name the attribute, as context.purpose")
        if path[:2] == ("context", "arguments"):
            self.arguments.add(path[2:])
        elif path in _ENTITIES:
            self.attributes.add(".".join(path))
            self.attributes.update(_named(path, _ENTITIES[path]))
        elif path != ("action",):
            self.attributes.add(".".join(path))

    def _literals(self, node: JsonValue) -> None:
        for type_, id_ in _entities(node):
            if type_ == "Tool":
                self.tools.add(id_)


def references(policy: dict[str, JsonValue]) -> References:
    """What a policy in JSON form looks at. Raises WholeContext."""
    found = References()
    for part in ("principal", "resource"):
        constraint = policy.get(part)
        if isinstance(constraint, dict):
            found.scope(part, constraint)
    conditions = policy.get("conditions")
    for condition in conditions if isinstance(conditions, list) else []:
        if isinstance(condition, dict):
            found.expression(condition.get("body"))
    # Whether an argument is there shows in any part of it that is looked at.
    paths = found.arguments | found.presences
    parts = {path[:length] for path in paths for length in range(len(path))}
    found.arguments |= found.presences - parts
    return found


def _named(path: Path, attributes: tuple[str, ...]) -> Iterator[str]:
    return (".".join((*path, attribute)) for attribute in attributes)


def _chain(node: JsonValue) -> Path | None:
    """The path of a chain of attributes that starts at a variable, None for anything else."""
    names: list[str] = []
    while isinstance(node, dict):
        access = node.get(".")
        if "Var" in node:
            return (str(node["Var"]), *reversed(names))
        if not isinstance(access, dict):
            return None
        names.append(str(access.get("attr")))
        node = access.get("left")
    return None


def _entities(node: JsonValue) -> Iterator[tuple[str, str]]:
    """Every entity written out below a node."""
    if isinstance(node, list):
        for item in node:
            yield from _entities(item)
    elif isinstance(node, dict):
        if isinstance(node.get("type"), str) and isinstance(node.get("id"), str):
            yield str(node["type"]), str(node["id"])
        for value in node.values():
            yield from _entities(value)
