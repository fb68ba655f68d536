"""The policies that one kind of call has to ask, and what they look at.

Policies are sliced by their scope alone: the action, and for tool calls the tool. A condition
(`when`) never leaves a policy out.
"""

import json
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass

import cedarpy
from pydantic import JsonValue

from auditspan.policy.arguments import ArgumentMismatch, ArgumentType, Path, typed
from auditspan.policy.facts import TIMES, Value, applies, getter
from auditspan.policy.request import Request, ToolLike
from auditspan.policy.rules import Rule

UNRECORDED = "the policies look at arguments that were not recorded"
"""The error of a decision on arguments that nobody can read any more."""


@dataclass(frozen=True, slots=True)
class Handle:
    """Some policies, parsed; Cedar numbers them in their order."""

    rules: tuple[Rule, ...]
    policies: cedarpy.PolicySet

    @classmethod
    def of(cls, rules: Iterable[Rule]) -> "Handle":
        """Parse the policies of some rules together."""
        listed = tuple(rules)
        return cls(listed, cedarpy.PolicySet.from_str("\n".join(map(_asked, listed))))


@dataclass(frozen=True, slots=True)
class Slice:
    """What is asked for one operation and tool."""

    attributes: frozenset[str]
    """Cedar paths that the policies look at, such as `principal.risk_tier`."""
    arguments: frozenset[Path]
    """Arguments that the policies look at; `()` is all of them."""
    types: ArgumentType
    """The tool's argument types, as far as they are looked at."""
    review_required: bool
    """The tool demands a review of every call."""
    handle: Handle
    """The policies."""
    getters: Mapping[str, Callable[[Request], Value]]
    """How each attribute is read from a request, without those of the calendar."""
    timed: bool
    """Whether the policies look at the time of day."""

    def argument_text(self, arguments: Mapping[str, JsonValue] | None) -> str:
        """The arguments that are looked at, as Cedar's JSON. Raises ArgumentMismatch."""
        if not self.types.fields:
            return "{}"
        if arguments is None:
            raise ArgumentMismatch(UNRECORDED)
        return json.dumps(typed(arguments, self.types))

    @classmethod
    def of(
        cls, rules: Iterable[Rule], resource: str, tool: ToolLike | None, types: ArgumentType
    ) -> "Slice":
        """Assemble a slice from the rules of a kind of call on a type of resource."""
        listed = tuple(rules)
        named = frozenset[str]().union(*(rule.attributes for rule in listed))
        attributes = frozenset(name for name in named if applies(name, resource))
        return cls(
            attributes=attributes,
            arguments=frozenset[Path]().union(*(rule.arguments for rule in listed)),
            types=types,
            review_required=tool.review_required if tool else False,
            handle=Handle.of(listed),
            getters={name: getter(name, tool) for name in sorted(attributes - TIMES)},
            timed=not attributes.isdisjoint(TIMES),
        )


def _asked(rule: Rule) -> str:
    """The text that Cedar gets. A duty is asked as a permit: that it matches must not deny."""
    statement = rule.statement
    if not rule.is_duty:
        return statement.text
    start = statement.tokens[0].start
    effect = next(token for token in statement.tokens if token.text == "forbid")
    return f"{statement.source[start : effect.start]}permit{statement.text[effect.end - start :]}"
