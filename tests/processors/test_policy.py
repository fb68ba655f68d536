"""Policies over a batch: outcomes, versions as of the moment, guards, findings, and the cost."""

import json
from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime

import numpy as np
import pyarrow as pa
import pytest

from auditspan.policy import Calendar, PolicySet
from auditspan.processors.batch import Batch, finding_lists
from auditspan.processors.policy import PolicyConfig, policy
from auditspan.processors.policy_sets import PolicySets
from auditspan.registry.bundle import texts_hash
from auditspan.registry.history import History, Version
from auditspan.registry.models import Agent, Approval, Grant, Registry, Tool
from tests.processors.samples import batch as decoded
from tests.processors.samples import with_texts

T0 = 1_800_000_000_000_000_000
"""A Friday, 08:00 UTC."""
TOOLS = (
    Tool.model_validate(
        {
            "name": "pay",
            "server": "bank",
            "effect": "write",
            "arguments": {"properties": {"amount": {"type": "number"}, "to": {"type": "string"}}},
        }
    ),
    Tool(name="look", effect="read"),
    Tool(name="wipe", effect="destructive", review_required=True),
)
AGENT = Agent(id="teller", name="Teller", owner="bank", purpose="tell", risk_tier="low")
BASE = """
@id("models") permit(principal, action in Action::"model.call", resource);
@id("reads") permit(principal, action == Action::"execute_tool", resource)
  when { resource.effect == "read" };
@id("pays") @reason("clerks may pay") @obligation("keep the receipt")
permit(principal == Agent::"teller", action == Action::"execute_tool", resource == Tool::"pay")
  when { principal.registered && context.roles.contains("clerk") };
@id("limit") @reason("more than 100")
forbid(principal, action, resource == Tool::"pay")
  when { context.arguments has amount && context.arguments.amount.greaterThan(decimal("100.0")) };
"""
STRICT = BASE + '@id("closed") forbid(principal, action, resource == Tool::"look");\n'


def registry(text: str | None, *grants: Grant) -> Registry:
    """A registry with one policy file, or with none."""
    policies = {} if text is None else {"policies/bank.cedar": text}
    return Registry(
        agents={AGENT.id: AGENT},
        tools={tool.name: tool for tool in TOOLS},
        grants=grants,
        policies=policies,
        examples=(),
        version="sha256:" + str(hash((text, grants))),
        policy_version=texts_hash(policies) if policies else "",
    )


def history(*texts: str | None) -> History:
    """Versions an hour apart, the first in force since the epoch."""
    return History(
        tuple(
            Version(T0 + 3_600 * 10**9 * index if index else 0, registry(text))
            for index, text in enumerate(texts)
        )
    )


def act(
    tool: str = "pay",
    arguments: object = None,
    *,
    at: int = T0,
    roles: str = '["clerk"]',
    attributes: Mapping[str, str] | None = None,
    **columns: str,
) -> dict[str, object]:
    """A tool call of the teller for a clerk."""
    return {
        "Operation": "execute_tool",
        "ActionType": "tool.call",
        "AgentId": "teller",
        "UserId": "u-1",
        "ToolName": tool,
        "ToolArguments": "" if arguments is None else json.dumps(arguments),
        "OutcomeStatus": "success",
        "at": at,
        "roles": roles,
        "attributes": attributes or {},
        **columns,
    }


def records(*acts: dict[str, object]) -> Batch:
    """A batch as the stage before hands it over."""
    empty = decoded(*({"SpanAttributes": each["attributes"]} for each in acts))
    names = sorted({name for each in acts for name in each} - {"at", "roles", "attributes"})
    batch = with_texts(empty, **{n: [str(each.get(n, "")) for each in acts] for n in names})
    moments = pa.array([each["at"] for each in acts], pa.timestamp("ns", tz="UTC"))
    roles = pa.array([each["roles"] for each in acts], pa.string())
    return batch.with_columns({"Moment": moments}).with_derived({"user.roles": roles})


def judged(*acts: dict[str, object], under: History | None = None, **config: object) -> Batch:
    """Run the stage, under the base policies if nothing else is said."""
    return policy(
        records(*acts),
        under or history(BASE),
        PolicySets(),
        PolicyConfig.model_validate(config),
    )


def column(batch: Batch, name: str) -> list[object]:
    """A column or derived value as Python values."""
    values: list[object] = (batch.derived.get(name) or batch.column(name)).to_pylist()
    return values


def findings(batch: Batch) -> list[list[str]]:
    """The findings per record."""
    names: list[list[str]] = finding_lists(batch.findings).to_pylist()
    return names


def guard(outcome: str, text: str = BASE, enforcement: str = "allow") -> dict[str, str]:
    """What a guard that has some policies says."""
    return {
        "audit.guard.outcome": outcome,
        "audit.guard.policy.version": texts_hash({"policies/bank.cedar": text}),
        "audit.guard.enforcement": enforcement,
    }


def test_outcome_rules_reason_and_version_are_attached() -> None:
    """An allowed call has everything that an auditor asks for."""
    batch = judged(act(arguments={"amount": 5}))
    assert column(batch, "PolicyOutcome") == ["allow"]
    assert column(batch, "PolicyRuleIds") == [["pays"]]
    assert column(batch, "PolicyReason") == ["clerks may pay"]
    assert column(batch, "PolicyVersion") == [texts_hash({"policies/bank.cedar": BASE})]
    assert column(batch, "Enforcement") == ["monitor"]
    assert column(batch, "audit.policy.decision_point") == ["collector"]
    assert column(batch, "audit.policy.obligations") == ['["keep the receipt"]']
    assert column(batch, "audit.policy.violations") == [None]
    assert findings(batch) == [[]]


def test_the_version_is_the_one_that_guards_stamp() -> None:
    """Registry and policy set hash the same texts to the same version."""
    sources = {"policies/ü.cedar": BASE, "policies/a.cedar": ""}
    loaded = PolicySet.load(sources, {tool.name: tool for tool in TOOLS})
    assert loaded.version == texts_hash(sources)


def test_a_deny_after_the_fact_is_a_violation() -> None:
    """It blocked nothing: enforcement monitor, a finding, the violated rule named."""
    batch = judged(act(arguments={"amount": 101}), act("wipe"))
    assert column(batch, "PolicyOutcome") == ["deny", "deny"]
    assert column(batch, "PolicyRuleIds") == [["limit"], ["default-deny"]]
    assert column(batch, "Enforcement") == ["monitor", "monitor"]
    assert column(batch, "audit.policy.violations") == ['["limit"]', '["default-deny"]']
    assert findings(batch) == [["policy.violation"], ["policy.violation"]]


def test_what_was_stopped_is_no_violation() -> None:
    """A guard's block is kept beside the same answer of ours."""
    stopped = guard("deny", enforcement="block")
    batch = judged(act(arguments={"amount": 101}, OutcomeStatus="denied", attributes=stopped))
    assert column(batch, "PolicyOutcome") == ["deny"]
    assert column(batch, "Enforcement") == ["block"]
    assert column(batch, "audit.policy.decision_point") == ["guard"]
    assert findings(batch) == [[]]


@pytest.mark.parametrize(
    "under", [History(), history(None), History((Version(T0 + 1, registry(BASE)),))]
)
def test_no_policy_in_force_is_not_evaluated(under: History) -> None:
    """Never allow: before the first version, and with a registry that has no policies."""
    batch = judged(act(), under=under)
    assert column(batch, "PolicyOutcome") == ["not_evaluated"]
    assert column(batch, "PolicyRuleIds") == [[]]
    assert column(batch, "PolicyVersion") == [""]
    assert column(batch, "Enforcement") == [""]
    assert column(batch, "audit.policy.decision_point") == [None]
    assert findings(batch) == [[]]


def test_an_empty_policy_file_is_default_deny() -> None:
    """Policies that permit nothing are not the absence of policies."""
    assert column(judged(act(), under=history("")), "PolicyRuleIds") == [["default-deny"]]


def test_the_version_in_force_at_the_moment_judges() -> None:
    """Each record under the policies of its own time."""
    hour = 3_600 * 10**9
    under = history(BASE, STRICT, BASE)
    batch = judged(*(act("look", at=T0 + at) for at in (0, hour - 1, hour, 2 * hour)), under=under)
    assert column(batch, "PolicyOutcome") == ["allow", "allow", "deny", "allow"]
    versions = column(batch, "PolicyVersion")
    assert versions[0] == versions[1] == versions[3] != versions[2]


@pytest.mark.parametrize(
    ("columns", "outcome"),
    [
        ({"Operation": "chat", "ActionType": "model.call", "ToolName": ""}, "allow"),
        ({"Operation": "invoke_agent", "ActionType": "agent.invoke", "ToolName": ""}, "deny"),
        ({"Operation": "search_memory", "ActionType": "memory.read", "ToolName": ""}, "deny"),
        ({"Operation": "other", "ActionType": "other", "ToolName": ""}, "not_evaluated"),
        (
            {"Operation": "tools/list", "ActionType": "mcp.tools.list", "ToolName": ""},
            "not_evaluated",
        ),
        ({"Operation": "approval", "ActionType": "approval"}, "not_evaluated"),
        ({"Operation": "disguise", "ActionType": "other"}, "deny"),
    ],
)
def test_which_records_are_judged(columns: dict[str, str], outcome: str) -> None:
    """Acts are; what names a tool is, whatever it calls itself; approvals and noise are not."""
    assert column(judged(act() | columns), "PolicyOutcome") == [outcome]


def test_what_policies_look_at_comes_from_the_record() -> None:
    """Each column reaches the attribute that it stands for."""
    text = """@id("x") permit(principal, action, resource) when {
      principal.name == "Teller" && principal.provenance == "verified" &&
      context has user && context.user == User::"u-1" && context.user.organisation == "acme" &&
      context.user.provenance == "verified" && context.scopes.contains("pay") &&
      context has target && context.target == Target::"account:7" && context has grant &&
      context.grant == "g" && context.environment == "production" &&
      context.purpose == "payroll" && context.business_hours && context.weekday == "friday" };"""
    full = {
        "AgentProvenance": "verified",
        "UserProvenance": "verified",
        "OrganizationId": "acme",
        "TargetType": "account",
        "TargetId": "7",
        "GrantId": "g",
        "Environment": "production",
        "Purpose": "payroll",
    }
    acts = [act(at=T0 + 2 * 3_600 * 10**9) | full | {name: "?"} for name in ["none", *full]]
    acts.append(act(at=T0) | full)
    batch = records(*acts)
    scopes = pa.array(['["pay"]'] * len(acts), pa.string())
    batch = batch.with_derived({"audit.oauth.scopes": scopes})
    outcomes = column(policy(batch, history(text), PolicySets()), "PolicyOutcome")
    assert datetime.fromtimestamp(T0 / 1e9, UTC).hour == 8
    assert outcomes == ["allow"] + ["deny"] * (len(acts) - 1)


def test_an_agent_that_is_not_registered_is_known_by_its_claims_only() -> None:
    """Its attributes are empty, and `registered` is false."""
    text = """@id("x") permit(principal, action, resource)
      when { !principal.registered && principal.name == "Ghost" && principal.risk_tier == "" };"""
    batch = judged(act(AgentId="ghost", AgentName="Ghost"), act(), under=history(text))
    assert column(batch, "PolicyOutcome") == ["allow", "deny"]


@pytest.mark.parametrize("text", ["", "{", "[]", '"x"', "null", "1" * 5000, "[" * 100_000])
def test_arguments_that_nobody_can_read_deny(text: str) -> None:
    """What the policies look at and the record lacks could hide anything."""
    batch = judged(act() | {"ToolArguments": text}, act("look") | {"ToolArguments": text})
    assert column(batch, "PolicyOutcome") == ["deny", "allow"]
    assert column(batch, "PolicyRuleIds")[0] == ["evaluation-error"]
    assert findings(batch) == [["policy.violation", "policy.evaluation_error"], []]


def test_arguments_of_the_wrong_type_deny() -> None:
    """The reason says which argument, and not its value."""
    batch = judged(act(arguments={"amount": "secret"}))
    [reason] = column(batch, "PolicyReason")
    assert "arguments.amount is str, its tool declares decimal" in str(reason)
    assert "secret" not in str(reason)


def test_policies_that_cannot_be_loaded_deny() -> None:
    """A version that an earlier release accepted is not silently skipped."""
    batch = judged(act(), under=history("permit(principal, action, resource);"))
    assert column(batch, "PolicyRuleIds") == [["evaluation-error"]]
    assert "policies/bank.cedar:1:1" in str(column(batch, "PolicyReason")[0])


def test_a_review_is_demanded_by_the_tool_and_by_policies() -> None:
    """The catalogue counts even where no policy is in force."""
    text = BASE + '@id("r") @outcome("review") forbid(principal, action, resource == Tool::"look");'
    batch = judged(act("look"), act("wipe"), act(arguments={}), under=history(text))
    assert column(batch, "audit.review.required") == ["true", "true", None]
    batch = judged(act("wipe"), act("look"), under=history(None))
    assert column(batch, "audit.review.required") == ["true", None]


ASK = (
    BASE
    + """@id("ask") @outcome("require_approval")
  forbid(principal, action, resource == Tool::"pay");"""
)


def test_an_act_that_needed_approval_and_had_none() -> None:
    """It ran, and nobody approved: a finding. Denied or waiting it did not run."""
    claimed = {"audit.approval.status": "approved", "audit.approval.approver.id": "lead"}
    batch = judged(
        act(arguments={}),
        act(arguments={}, OutcomeStatus="denied"),
        act(arguments={}, OutcomeStatus="pending"),
        act(arguments={}, attributes=claimed),
        act(arguments={}, attributes={"audit.approval.status": "approved"}),
        under=history(ASK),
    )
    assert set(column(batch, "PolicyOutcome")) == {"require_approval"}
    assert findings(batch) == [["approval.missing"], [], [], [], ["approval.missing"]]


def test_an_approved_grant_is_an_approval() -> None:
    """The grant that covers the act, with somebody's consent in the registry."""
    start, end = datetime(2026, 1, 1, tzinfo=UTC), datetime(2030, 1, 1, tzinfo=UTC)
    consent = Approval(approver="lead", at=start)
    grants = [
        Grant(
            id=id_,
            grantor="owner",
            agent="teller",
            granted_at=start,
            expires_at=end,
            approvals=approvals,
        )
        for id_, approvals in (("with", (consent,)), ("without", ()))
    ]
    under = History((Version(0, registry(ASK, *grants)),))
    batch = judged(
        *(act(arguments={}, GrantId=id_) for id_ in ("with", "without", "gone")), under=under
    )
    assert findings(batch) == [[], ["approval.missing"], ["approval.missing"]]


def test_what_a_disabled_agent_does_is_denied() -> None:
    """From the version on that disables it; others go on, also where policies look at no agent."""
    hour = 3_600 * 10**9
    off = AGENT.model_copy(update={"disabled": True})
    other = AGENT.model_copy(update={"id": "other"})
    first = registry(BASE)
    under = History(
        (
            Version(0, replace(first, agents={"teller": AGENT, "other": other})),
            Version(T0 + hour, replace(first, agents={"teller": off, "other": other})),
        )
    )
    allowed = guard("allow")
    batch = judged(
        act("look"),
        act("look", at=T0 + hour, attributes=allowed),
        act("look", at=T0 + hour, OutcomeStatus="denied"),
        act("look", at=T0 + hour, AgentId="other"),
        under=under,
    )
    assert column(batch, "PolicyOutcome") == ["allow", "deny", "deny", "allow"]
    assert column(batch, "PolicyRuleIds")[1] == ["agent-disabled"]
    assert column(batch, "PolicyReason")[1] == "the agent is disabled in the registry"
    assert findings(batch) == [[], ["policy.violation"], [], []]


def test_a_guard_that_says_something_else_than_its_policies_is_a_bypass() -> None:
    """Either way: an allow that should be a deny, and a deny that should be an allow."""
    batch = judged(
        act(arguments={"amount": 500}, attributes=guard("allow")),
        act(arguments={"amount": 5}, attributes=guard("deny", enforcement="monitor")),
        act(arguments={"amount": 5}, attributes=guard("allow")),
    )
    assert findings(batch) == [["policy.violation", "policy.bypass"], ["policy.bypass"], []]
    assert column(batch, "PolicyOutcome") == ["deny", "allow", "allow"]


def test_a_guard_with_policies_that_never_were_is_a_bypass() -> None:
    """What it decided by cannot be known."""
    forged = guard("allow") | {"audit.guard.policy.version": "sha256:made-up"}
    unnamed = {"audit.guard.outcome": "allow"}
    batch = judged(act("look", attributes=forged), act("look", attributes=unnamed))
    assert findings(batch) == [["policy.bypass"], ["policy.bypass"]]


def test_a_guard_with_older_policies_is_stale_and_judged_by_them() -> None:
    """It said what its policies say; ours of today say something else."""
    later = T0 + 2 * 3_600 * 10**9
    under = history(BASE, STRICT)
    batch = judged(
        act("look", at=later, attributes=guard("allow")),
        act("look", at=later, attributes=guard("deny")),
        act("look", at=T0, attributes=guard("deny", STRICT)),
        under=under,
    )
    assert column(batch, "PolicyOutcome") == ["deny", "deny", "allow"]
    assert findings(batch) == [
        ["policy.violation", "policy.stale"],
        ["policy.violation", "policy.bypass", "policy.stale"],
        [],
    ]


def test_a_guard_is_not_doubted_for_arguments_that_were_not_recorded() -> None:
    """It saw them, we cannot; the record is denied by us all the same."""
    batch = judged(act(attributes=guard("allow")))
    assert findings(batch) == [["policy.violation", "policy.evaluation_error"]]


def test_a_tool_call_without_the_guard_that_should_decide_it() -> None:
    """Only tool calls, only of the agents that are configured."""
    model = {"Operation": "chat", "ActionType": "model.call", "ToolName": ""}
    acts = (act("look"), act("look", attributes=guard("allow")), act() | model)
    assert findings(judged(*acts, enforced_agents=["teller"])) == [["policy.unguarded"], [], []]
    assert findings(judged(*acts, enforced_agents=["*"])) == [["policy.unguarded"], [], []]
    assert findings(judged(*acts, enforced_agents=["other"])) == [[], [], []]


def test_business_hours_are_those_of_the_calendar() -> None:
    """A collector in another zone judges by its own clock."""
    text = '@id("x") permit(principal, action, resource) when { context.business_hours };'
    for zone, outcome in (("UTC", "deny"), ("Asia/Dubai", "allow")):
        batch = policy(records(act()), history(text), PolicySets(Calendar(zone)))
        assert column(batch, "PolicyOutcome") == [outcome]


def test_an_empty_batch_passes() -> None:
    """No records, no decisions, the columns all the same."""
    one = records(act())
    empty = Batch(one.table.slice(0, 0), {}, np.zeros(0, dtype=np.uint64))
    batch = policy(empty, history(BASE), PolicySets())
    assert column(batch, "PolicyOutcome") == []


def test_records_share_decisions_where_policies_see_no_difference() -> None:
    """Many distinct calls, few questions: only what policies look at counts."""
    sets, under = PolicySets(), history(BASE)
    acts = [
        act(
            arguments={"amount": number % 3 * 100, "to": f"account-{number}"},
            UserId=f"u-{number}",
            TargetId=str(number),
        )
        for number in range(300)
    ]
    batch = policy(records(*acts), under, sets)
    assert column(batch, "PolicyOutcome") == ["allow", "allow", "deny"] * 100
    loaded = sets.of(under.versions[0].registry)
    assert isinstance(loaded, PolicySet)
    assert len(loaded._decisions) == 3


def test_more_questions_than_may_be_asked() -> None:
    """Those that came first are answered, however often; what is beyond is known to be unjudged."""
    amounts = [5, 7, 5, 9, 7, 11]
    batch = judged(*(act(arguments={"amount": each}) for each in amounts), max_inputs=2)
    assert column(batch, "PolicyOutcome") == [
        "allow", "allow", "allow", "not_evaluated", "allow", "not_evaluated",
    ]  # fmt: skip
    assert ["policy.too_many" in names for names in findings(batch)] == [
        False, False, False, True, False, True,
    ]  # fmt: skip
    assert column(batch, "Enforcement")[3] == ""
    whole = judged(*(act(arguments={"amount": each}) for each in amounts), max_inputs=4)
    assert not any("policy.too_many" in names for names in findings(whole))


def test_a_guard_is_not_accused_of_what_was_not_judged() -> None:
    """No answer is no other answer."""
    acts = [act(arguments={"amount": n}, attributes=guard("allow")) for n in (5, 7)]
    batch = judged(*acts, max_inputs=1)
    assert not any("policy.bypass" in names for names in findings(batch))
