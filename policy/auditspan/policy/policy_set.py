"""All policies of one version: loaded strictly, asked quickly.

`load` refuses what Cedar cannot parse or prove well-typed, policies without a unique `@id`, unknown
annotations, and names of tools or arguments that the catalogue does not have. No policies at all is
not an empty set: the caller keeps None then, and records say `not_evaluated`. An empty set answers
`default-deny`.
"""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import replace
from typing import Self

from auditspan.policy.arguments import (
    ArgumentMismatch,
    ArgumentType,
    argument_types,
    narrowed,
)
from auditspan.policy.cache import Cache
from auditspan.policy.calendar import Calendar
from auditspan.policy.decide import Decision, evaluate, failed, stopped
from auditspan.policy.errors import PolicyInvalid
from auditspan.policy.operations import OPERATIONS, operation
from auditspan.policy.request import Request, ToolLike
from auditspan.policy.rules import Rule
from auditspan.policy.slice import Slice
from auditspan.policy.validate import read

CACHE_SIZE = 16_384
"""Decisions that are kept."""


class PolicySet:
    """Policies in force together. Immutable but for its caches; threads may share one."""

    version: str
    """`sha256:…` over the sources."""
    calendar: Calendar
    """What the time of day is told by."""
    rules: tuple[Rule, ...]
    """In order of file and place."""

    def __init__(
        self,
        rules: tuple[Rule, ...],
        tools: Mapping[str, ToolLike],
        types: Mapping[str, ArgumentType],
        version: str,
        calendar: Calendar,
    ) -> None:
        self.rules = rules
        self.version = version
        self.calendar = calendar
        self._tools = tools
        self._types = types
        self._named = frozenset(tools).union(*(rule.tools for rule in rules))
        self._slices: dict[tuple[str, str], Slice] = {}
        self._decisions: Cache[object, Decision] = Cache(CACHE_SIZE)

    @classmethod
    def load(
        cls,
        sources: Mapping[str, str],
        tools: Mapping[str, ToolLike],
        calendar: Calendar | None = None,
    ) -> Self:
        """Read Cedar texts by file name. Raises PolicyInvalid with everything that is wrong."""
        types = {name: argument_types(tool.arguments) for name, tool in tools.items()}
        rules, problems = read(sources, tools, types)
        if problems:
            raise PolicyInvalid(problems)
        return cls(rules, tools, types, version(sources), calendar or Calendar())

    def slice(self, tool: str = "", operation: str = "execute_tool") -> Slice:
        """What has to be asked for a call of a tool, or for another operation."""
        # Names come from senders: those that no policy can tell apart share a slice.
        key = (operation if operation in OPERATIONS else "", tool if tool in self._named else "")
        found = self._slices.get(key)
        if found is None:
            found = self._slices[key] = self._sliced(*key)
        return found

    def decide(self, request: Request) -> Decision:
        """Judge a request. Never raises for what stands in one."""
        slice_ = self.slice(request.tool.name, request.operation)
        if request.agent.disabled:
            return replace(stopped(slice_.review_required), version=self.version)
        values = {name: get(request) for name, get in slice_.getters.items()}
        if slice_.timed:
            values |= self._times(slice_, request.at)
        try:
            arguments = slice_.argument_text(request.arguments)
        except ArgumentMismatch as mismatch:
            return replace(failed((str(mismatch),), slice_.review_required), version=self.version)
        key = (request.operation, id(slice_), tuple(values.values()), arguments)
        decision = self._decisions.get(key)
        if decision is None:
            decision = replace(
                evaluate(slice_, request.operation, values, arguments), version=self.version
            )
            self._decisions.put(key, decision)
        return decision

    def _times(self, slice_: Slice, at: int) -> dict[str, int | str | bool]:
        named = {f"context.{name}": value for name, value in self.calendar.values(at).items()}
        return {name: value for name, value in named.items() if name in slice_.attributes}

    def _sliced(self, name: str, tool: str) -> Slice:
        type_ = operation(name).resource
        known = self._tools.get(tool) if type_ == "Tool" else None
        id_ = tool if type_ == "Tool" else None
        parent = known.server if known else None
        rules = [
            rule
            for rule in self.rules
            if rule.admits(name) and rule.admits_resource(type_, id_, parent)
        ]
        paths = frozenset(path for rule in rules for path in rule.arguments)
        types = self._types[tool] if known else ArgumentType("Record")
        return Slice.of(rules, type_, known, narrowed(types, paths))


def version(sources: Mapping[str, str]) -> str:
    """`sha256:…` of the texts by file name, as the registry computes it."""
    text = json.dumps(dict(sources), sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    return "sha256:" + hashlib.sha256(text.encode()).hexdigest()
