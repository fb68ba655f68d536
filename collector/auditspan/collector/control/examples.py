"""Run a registry's examples against its own policies, the way a record is judged.

The request is made as the pipeline makes it from a record: agent and tool from the registry, the
target from the arguments, the grant that covers the action at that time.
"""

from collections.abc import Mapping
from dataclasses import dataclass

from pydantic import JsonValue

from auditspan.policy import Decision, PolicySet, Request
from auditspan.policy.request import AgentFacts, TargetFacts, ToolFacts, UserFacts
from auditspan.registry import Agent, Example, Registry, Tool
from auditspan.registry.grants import Wanted, resolve
from auditspan.registry.models import unix_ns
from auditspan.registry.paths import find, parse


@dataclass(frozen=True, slots=True)
class Result:
    """What an example gave."""

    name: str
    """The example's name."""
    expected: str
    """The decision it must get, as text."""
    actual: str
    """The decision it got, as text."""
    reason: str
    """Why, in the policy's words."""
    passed: bool
    """Whether they agree."""

    def to_dict(self) -> dict[str, JsonValue]:
        """As plain values."""
        return {
            "name": self.name,
            "expected": self.expected,
            "actual": self.actual,
            "reason": self.reason,
            "passed": self.passed,
        }


def run(registry: Registry, policies: PolicySet) -> tuple[Result, ...]:
    """Every example's result, in order."""
    return tuple(_run(example, registry, policies) for example in registry.examples)


def request_of(example: Example, registry: Registry) -> Request:
    """The question that an example puts to the policies."""
    tool = registry.tools.get(example.tool)
    target = _target(tool, example.arguments)
    user = example.user
    return Request(
        operation=example.operation,
        agent=_agent(registry.agents[example.agent]),
        user=None
        if user is None
        else UserFacts(user.id, user.organisation, user.roles, user.scopes, "verified"),
        tool=ToolFacts(tool.name, tool.server, tool.effect, tool.data_class)
        if tool
        else ToolFacts(),
        target=target,
        environment=example.environment,
        grant_id=_grant_id(example, registry, target),
        purpose=example.purpose,
        at=unix_ns(example.at),
        arguments=example.arguments,
    )


def _run(example: Example, registry: Registry, policies: PolicySet) -> Result:
    decision = policies.decide(request_of(example, registry))
    expect = example.expect
    passed = (
        decision.outcome == expect.outcome
        and (not expect.rules or set(expect.rules) == set(decision.rule_ids))
        and (expect.review is None or expect.review == decision.review_required)
    )
    expected = _text(expect.outcome, expect.rules, bool(expect.review))
    shown_rules = decision.rule_ids if expect.rules or not passed else ()
    shown_review = decision.review_required and expect.review is not None
    actual = _text(decision.outcome, shown_rules, shown_review)
    return Result(example.name, expected, actual, _reason(decision), passed)


def _text(outcome: str, rules: tuple[str, ...], review: bool) -> str:
    by = f" by {', '.join(sorted(rules))}" if rules else ""
    return outcome + by + (", with review" if review else "")


def _reason(decision: Decision) -> str:
    return "; ".join((decision.reason, *decision.errors)).strip("; ")


def _agent(agent: Agent) -> AgentFacts:
    return AgentFacts(
        id=agent.id,
        name=agent.name,
        owner=agent.owner,
        risk_tier=agent.risk_tier,
        environments=agent.environments,
        roles=agent.roles,
        tags=agent.tags,
        registered=not agent.disabled,
        disabled=agent.disabled,
        provenance="verified",
    )


def _target(tool: Tool | None, arguments: Mapping[str, JsonValue]) -> TargetFacts:
    if tool is None or not tool.target.type:
        return TargetFacts()
    path = tool.target.id
    found = find(dict(arguments), parse(path)) if path else []
    return TargetFacts(tool.target.type, str(found[0]) if found else "")


def _grant_id(example: Example, registry: Registry, target: TargetFacts) -> str:
    wanted = Wanted(
        agent=example.agent,
        user=example.user.id if example.user else "",
        roles=example.user.roles if example.user else (),
        operation=example.operation,
        tool=example.tool,
        target=f"{target.type}:{target.id}" if target.type else "",
        environment=example.environment,
        at_ns=unix_ns(example.at),
    )
    found = resolve(registry.grants, wanted)
    return found.grant.id if found.grant and not found.lacking else ""
