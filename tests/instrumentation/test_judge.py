"""Answers that are kept are those that the policies would give."""

import itertools
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from auditspan.instrumentation import settings as of_environment
from auditspan.instrumentation.act import Act
from auditspan.instrumentation.capture import json_text
from auditspan.instrumentation.depends import MAX_ARGUMENTS
from auditspan.instrumentation.exchange import Proof
from auditspan.instrumentation.guard import Verdict
from auditspan.instrumentation.identity import Identity
from auditspan.instrumentation.judge import Judge
from auditspan.instrumentation.policies import Loaded, load
from auditspan.instrumentation.request import Asker, request
from auditspan.policy import Decision, PolicySet, Request
from tests.instrumentation.test_guard import statement

AGENTS = """
id: helper
name: Helper
owner: team
purpose: helps
risk_tier: limited
environments: [production]
roles: [support]
---
id: other
name: Other
owner: team
purpose: helps
risk_tier: high
environments: [production, staging]
---
id: stopped
name: Stopped
owner: team
purpose: nothing any more
risk_tier: high
disabled: true
"""
TOOLS = """
name: refund
effect: write
server: shop
target: {type: order, id: $.order}
arguments:
  type: object
  properties: {order: {type: string}, amount: {type: integer}}
---
name: read
effect: read
"""
GRANTS = """
id: of-clerks
grantor: boss
agent: helper
roles: [clerk]
tools: [refund]
targets: ["order:W*"]
granted_at: 2026-06-01T10:00:30Z
expires_at: 2026-06-01T10:01:10.5Z
---
id: of-anna
grantor: boss
agent: other
users: [anna]
granted_at: 2026-06-01T10:00:00Z
expires_at: 2026-06-02T10:00:00Z
"""
CONDITIONS = (
    "context.arguments has amount && context.arguments.amount <= 100",
    "context.arguments has order",
    "context has grant",
    'context has grant && context.grant == "of-clerks"',
    "context has user",
    'context has user && context.user == User::"anna"',
    'context.roles.contains("clerk")',
    'context.scopes.contains("refund")',
    'context has user && context.user.provenance == "verified"',
    'context.purpose == "support"',
    "context.hour < 11",
    "context.business_hours",
    'context.weekday == "monday"',
    'context has target && context.target == Target::"order:W1"',
    'context has target && context.target.id == "W2"',
    'principal.risk_tier == "high"',
    "principal.registered",
    'principal == Agent::"helper"',
    'principal in Role::"support"',
    'context.environment == "production"',
    'principal.name == "Named"',
)
"""What policies can look at, but for the resource, which differs by operation."""
ABOUT_TOOLS = ('resource.effect == "write"', 'resource in Server::"shop"')
BASE = 1_780_308_000_000_000_000
"""2026-06-01T10:00:00Z, a Monday."""

VALUES: Mapping[str, st.SearchStrategy[Any]] = {
    "operation": st.sampled_from(["execute_tool", "invoke_agent", "search_memory", "unheard_of"]),
    "name": st.sampled_from(["refund", "read", "unknown", "helper"]),
    "arguments": st.none()
    | st.fixed_dictionaries(
        {},
        optional={
            "order": st.sampled_from(["W1", "W2", "X", "", 7]),
            "amount": st.sampled_from([1, 100, 101, "100", None]),
        },
    ).map(json_text),
    "target_type": st.sampled_from(["", "order", "agent"]),
    "target_id": st.sampled_from(["", "W1", "W2", "helper", "other"]),
    "user": st.sampled_from(["", "anna", "bert"]),
    "purpose": st.sampled_from(["", "support"]),
    "agent_id": st.sampled_from(["", "helper", "other", "stopped", "nobody"]),
    "agent_name": st.sampled_from(["", "Named"]),
    "proof": st.sampled_from(["", "clerk", "refund"]),
    # Edges of grants, minutes, an hour, business hours, a day.
    "at": st.sampled_from([0, 30, 60, 70, 70.5, 3600, 7 * 3600, 15 * 3600, 86_400]).flatmap(
        lambda seconds: st.integers(-1, 1).map(lambda off: BASE + int(seconds * 10**9) + off)
    ),
}


@st.composite
def questions(draw: st.DrawFn) -> list[tuple[Act, Identity, int]]:
    """Calls of which each differs from one before by one thing."""
    agent = draw(st.sampled_from(["helper", "helper", "nobody"]))
    base = {"operation": "execute_tool", "name": "refund", "agent_id": agent}
    asked = [base | {name: draw(values) for name, values in VALUES.items() if name not in base}]
    for name in draw(st.lists(st.sampled_from(sorted(VALUES)), min_size=4, max_size=16)):
        asked.append({**draw(st.sampled_from(asked)), name: draw(VALUES[name])})
    return [question(**values) for values in asked]


def question(
    *, at: int, user: str, proof: str, purpose: str, agent_id: str, agent_name: str, **act: Any
) -> tuple[Act, Identity, int]:
    """One of them."""
    identity = Identity(
        user=user,
        purpose=purpose,
        agent_id=agent_id,
        agent_name=agent_name,
        proof=proof_of(user or "anna", proof) if proof else None,
    )
    return Act(**act), identity, at


def proof_of(user: str, what: str) -> Proof:
    """A statement as the collector would give it."""
    text = statement(sub=user, roles=[what], scopes=[what])
    proof = Proof("token", lambda token: (text, 2e10), lambda: 1e9)
    proof.obtain()
    return proof


def registry(folder: Path, policies: str) -> Path:
    """A registry folder."""
    for name, text in (
        ("agents/a.yaml", AGENTS),
        ("tools/t.yaml", TOOLS),
        ("grants/g.yaml", GRANTS),
        ("policies/p.cedar", policies),
    ):
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(text)
    return folder


def judge_of(folder: Path, now_ns: Callable[[], int]) -> Judge:
    """A judge in a process of the agent `helper`."""
    found = of_environment.settings(
        {
            "AUDITSPAN_REGISTRY": str(folder),
            "AUDITSPAN_AGENT_ID": "helper",
            "AUDITSPAN_GUARD_MODE": "enforce",
        }
    )
    return Judge(found, now_ns)


def fresh(loaded: Loaded, act: Act, identity: Identity, at: int) -> tuple[object, ...]:
    """What the policies say when they are shown everything."""
    asker = Asker("helper", "", "", credential=False)
    asked = request(act, identity, asker, loaded.registry, at, act.argument_values())
    assert loaded.policies is not None
    decision = loaded.policies.decide(asked)
    return decision.outcome, decision.rule_ids, decision.reason, decision.version


def said(verdict: Verdict | None) -> tuple[object, ...]:
    """The same of a verdict."""
    assert verdict is not None
    return verdict.outcome, verdict.rules, verdict.reason, verdict.version


@pytest.mark.parametrize("condition", [*CONDITIONS, *ABOUT_TOOLS])
def test_a_kept_answer_is_the_answer(tmp_path: Path, condition: str) -> None:
    """Whatever policies look at and whatever changes between two calls: no false hit."""
    text = (
        f'@id("one") permit (principal, {scope(condition)}, resource) when {{ {condition} }};\n'
        '@id("else") permit (principal, action, resource);\n'
    )
    folder = registry(tmp_path / "registry", text)
    loaded = load(folder)
    now = [0]
    judge = judge_of(folder, lambda: now[0])

    @settings(max_examples=60, deadline=None)
    @given(questions())
    def same(asked: list[tuple[Act, Identity, int]]) -> None:
        judge._answers = type(judge._answers)(None)
        for act, identity, at in (*asked, *asked):
            now[0] = at
            assert said(judge.judge(act, identity)) == fresh(loaded, act, identity, at)

    same()


def scope(condition: str) -> str:
    """Arguments and tools are known for calls of tools alone."""
    if "arguments" in condition or condition in ABOUT_TOOLS:
        return 'action == Action::"execute_tool"'
    return "action"


@pytest.fixture
def counted(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[str], Judge]:
    """Makes judges whose questions to the policies are counted in `asked`."""
    asked.clear()
    decide = PolicySet.decide

    def counting(policies: PolicySet, it: Request) -> Decision:
        asked.append(it)
        return decide(policies, it)

    monkeypatch.setattr(PolicySet, "decide", counting)
    return lambda policies: judge_of(registry(tmp_path / "r", policies), lambda: BASE)


asked: list[Request] = []
LOOKS_AT_NOTHING = '@id("reads") permit (principal, action, resource);'
LOOKS_AT_AMOUNT = (
    '@id("small") permit (principal, action == Action::"execute_tool", resource == Tool::"refund")'
    " when { context.arguments has amount && context.arguments.amount <= 100 };"
)


def test_what_no_policy_looks_at_asks_no_second_time(counted: Callable[[str], Judge]) -> None:
    """Another user, another order: the same answer, without asking."""
    judge = counted(LOOKS_AT_NOTHING)
    for user, amount in itertools.product(["anna", "bert"], [1, 2]):
        act = Act("execute_tool", "refund", arguments=json_text({"amount": amount}))
        judge.judge(act, Identity(user=user))
    assert len(asked) == 1


def test_arguments_count_where_a_policy_looks_at_them(counted: Callable[[str], Judge]) -> None:
    """One question for each amount, and none for the same again."""
    judge = counted(LOOKS_AT_AMOUNT)
    outcomes = []
    for amount in (1, 101, 1, 101):
        verdict = judge.judge(
            Act("execute_tool", "refund", arguments=json_text({"amount": amount})), Identity()
        )
        outcomes.append(verdict and verdict.outcome)
    assert outcomes == ["allow", "deny", "allow", "deny"]
    assert len(asked) == 2


def test_long_arguments_are_not_kept(counted: Callable[[str], Judge]) -> None:
    """Memory is bounded by what is kept, not by what agents send."""
    judge = counted(LOOKS_AT_AMOUNT)
    act = Act(
        "execute_tool",
        "refund",
        arguments=json_text({"amount": 1, "order": "x" * MAX_ARGUMENTS}),
    )
    judge.judge(act, Identity())
    judge.judge(act, Identity())
    assert len(asked) == 2


def test_new_policies_forget_the_answers_of_the_old_ones(tmp_path: Path) -> None:
    """What was allowed a moment ago is denied as soon as the new version is read."""
    folder = registry(tmp_path / "r", LOOKS_AT_NOTHING)
    judge = judge_of(folder, lambda: BASE)
    act = Act("execute_tool", "read")
    first = judge.judge(act, Identity())
    registry(folder, '@id("no") forbid (principal, action, resource);')
    judge._policies._look_at = 0.0
    second = judge.judge(act, Identity())
    assert first is not None
    assert second is not None
    assert [first.outcome, second.outcome] == ["allow", "deny"]
