"""The difference of two registries, field by field, for people and for control records."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from difflib import unified_diff
from typing import Literal, get_args

from pydantic import BaseModel, JsonValue

from auditspan.registry.members import ControlsPolicy
from auditspan.registry.models import Registry

Kind = Literal["agent", "tool", "grant", "policy", "example", "principal", "controls"]


@dataclass(frozen=True, slots=True)
class Change:
    """One difference."""

    change: Literal["added", "removed", "changed"]
    """What happened."""
    kind: Kind
    """To what kind of thing."""
    name: str
    """Its id or name; for a policy and the controls the file."""
    field: str = ""
    """The field that changed, dotted; "" if the whole thing came or went."""
    before: JsonValue = None
    """Old value; for a policy the old text."""
    after: JsonValue = None
    """New value; for a policy the new text."""

    def to_dict(self) -> dict[str, JsonValue]:
        """As plain values, in this order."""
        return {
            "change": self.change,
            "kind": self.kind,
            "name": self.name,
            "field": self.field,
            "before": self.before,
            "after": self.after,
        }

    def lines(self) -> Iterator[str]:
        """The changed lines of a policy's text."""
        before, after = (str(v or "").splitlines() for v in (self.before, self.after))
        yield from list(unified_diff(before, after, lineterm="", n=1))[2:]


def compare(before: Registry | None, after: Registry | None) -> tuple[Change, ...]:
    """Every difference, ordered by kind and name; None is an empty registry."""
    changes: list[Change] = []
    for kind, was, now in _kinds(_things(before), _things(after)):
        for name in sorted({*was, *now}):
            changes += _changes(kind, name, was.get(name), now.get(name))
    return tuple(changes)


Things = Mapping[Kind, Mapping[str, JsonValue]]


def _things(registry: Registry | None) -> Things:
    if registry is None:
        return {}
    return {
        "agent": {name: _plain(agent) for name, agent in registry.agents.items()},
        "tool": {name: _plain(tool) for name, tool in registry.tools.items()},
        "grant": {grant.id: _plain(grant) for grant in registry.grants},
        "policy": dict(registry.policies),
        "example": {example.name: _plain(example) for example in registry.examples},
        "principal": {name: _plain(member) for name, member in registry.principals.items()},
        "controls": _controls(registry.controls),
    }


def _controls(controls: ControlsPolicy) -> Mapping[str, JsonValue]:
    """Without a file the defaults are in force, so a file that says the same is no difference."""
    return {} if controls == ControlsPolicy() else {"controls.yaml": _plain(controls)}


def _kinds(
    was: Things, now: Things
) -> Iterator[tuple[Kind, Mapping[str, JsonValue], Mapping[str, JsonValue]]]:
    kinds: tuple[Kind, ...] = get_args(Kind)
    for kind in kinds:
        yield kind, was.get(kind, {}), now.get(kind, {})


def _plain(model: BaseModel) -> JsonValue:
    value: JsonValue = model.model_dump(mode="json")
    return value


def _changes(kind: Kind, name: str, was: JsonValue, now: JsonValue) -> Iterator[Change]:
    if was is None:
        yield Change("added", kind, name, after=now)
    elif now is None:
        yield Change("removed", kind, name, before=was)
    else:
        for field, old, new in _fields("", was, now):
            yield Change("changed", kind, name, field, old, new)


def _fields(
    path: str, was: JsonValue, now: JsonValue
) -> Iterator[tuple[str, JsonValue, JsonValue]]:
    """The deepest fields that differ; a list is one value."""
    if isinstance(was, dict) and isinstance(now, dict):
        for key in sorted({*was, *now}):
            inner = f"{path}.{key}" if path else key
            yield from _fields(inner, was.get(key), now.get(key))
    elif was != now or isinstance(was, bool) is not isinstance(now, bool):
        yield path, was, now
