"""Precedence, rule ids, reasons, reviews and errors of decisions."""

from dataclasses import replace

import pytest

from auditspan.policy import AgentFacts, PolicySet, Request, TargetFacts
from auditspan.policy.calendar import Calendar
from auditspan.policy.rules import read_rule
from auditspan.policy.text import statements
from tests.policy.samples import ANYTHING, NOWHERE, TOOLS, call, policies

FORBID = '@id("no") @reason("not here") forbid(principal, action, resource);\n'
APPROVAL = (
    '@id("ask") @outcome("require_approval") @reason("ask a lead")'
    " forbid(principal, action, resource);\n"
)
REVIEW = '@id("look-at-it") @outcome("review") forbid(principal, action, resource);\n'


def test_a_permit_allows() -> None:
    """The matching permits are the rules, and the reason names them."""
    decision = policies(ANYTHING).decide(call())
    assert (decision.outcome, decision.rule_ids) == ("allow", ("anything",))
    assert decision.reason == "permitted by anything"
    assert not decision.review_required


def test_a_disabled_agent_may_do_nothing() -> None:
    """Whatever the policies permit, and before they are asked; a review that the tool demands
    stays demanded."""
    off = AgentFacts("teller", disabled=True)
    for sources in (ANYTHING, APPROVAL + ANYTHING, FORBID, ""):
        decision = policies(sources).decide(replace(call(), agent=off))
        assert (decision.outcome, decision.rule_ids) == ("deny", ("agent-disabled",))
        assert decision.reason == "the agent is disabled in the registry"
        assert (decision.errors, decision.version) == ((), policies(sources).version)


def test_nothing_that_permits_is_default_deny() -> None:
    """A set without a matching permit denies by default-deny."""
    decision = policies('@id("x") permit(principal, action == Action::"chat", resource);').decide(
        call()
    )
    assert (decision.outcome, decision.rule_ids) == ("deny", ("default-deny",))
    assert decision.reason == "no policy permits this"


@pytest.mark.parametrize("sources", [{}, {"a.cedar": ""}, {"a.cedar": "// nothing yet\n"}])
def test_an_empty_set_denies(sources: dict[str, str]) -> None:
    """No policies in force is the caller's None; an empty set answers default-deny."""
    decision = PolicySet.load(sources, TOOLS).decide(call())
    assert (decision.outcome, decision.rule_ids) == ("deny", ("default-deny",))


def test_a_forbid_goes_before_everything_that_permits() -> None:
    """Forbid over require_approval over permit, whatever the order of the text."""
    decision = policies(APPROVAL + FORBID + ANYTHING).decide(call())
    assert (decision.outcome, decision.rule_ids) == ("deny", ("no",))
    assert decision.reason == "not here"


def test_require_approval_goes_before_permit() -> None:
    """A forbid that asks for approval turns what is permitted into require_approval."""
    decision = policies(ANYTHING + APPROVAL).decide(call())
    assert (decision.outcome, decision.rule_ids) == ("require_approval", ("ask",))
    assert decision.reason == "ask a lead"


def test_asking_for_approval_permits_nothing() -> None:
    """A forbid that asks for approval, without a permit, is default-deny."""
    decision = policies(APPROVAL).decide(call())
    assert (decision.outcome, decision.rule_ids) == ("deny", ("default-deny",))


def test_a_permit_may_ask_for_approval() -> None:
    """A permit with require_approval permits once approved."""
    text = '@id("once") @outcome("require_approval") permit(principal, action, resource);'
    decision = policies(text + ANYTHING).decide(call())
    assert (decision.outcome, decision.rule_ids) == ("require_approval", ("once",))


def test_a_review_duty_stops_nothing() -> None:
    """@outcome("review") demands a review of what is permitted and is named as a rule."""
    decision = policies(ANYTHING + REVIEW).decide(call())
    assert decision.outcome == "allow"
    assert decision.review_required
    assert decision.rule_ids == ("anything", "look-at-it")


def test_a_review_duty_permits_nothing() -> None:
    """What nothing permits stays denied."""
    assert policies(REVIEW).decide(call()).rule_ids == ("default-deny",)


@pytest.mark.parametrize("effect", ["permit", "forbid"])
def test_a_deciding_policy_can_demand_a_review(effect: str) -> None:
    """@review("true") counts when the policy decides."""
    text = f'@id("r") @review("true") {effect}(principal, action, resource);'
    assert policies(text).decide(call()).review_required


def test_a_policy_that_does_not_decide_demands_no_review() -> None:
    """A permit that a forbid overrules adds no duty."""
    text = '@id("r") @review("true") permit(principal, action, resource);'
    assert not policies(text + FORBID).decide(call()).review_required


def test_the_tool_can_demand_a_review_of_every_call() -> None:
    """review_required of the catalogue counts for attempts too."""
    policy_set = policies(
        ANYTHING + '@id("w") forbid(principal, action, resource == Tool::"wipe");'
    )
    decision = policy_set.decide(call("wipe"))
    assert (decision.outcome, decision.review_required) == ("deny", True)
    assert not policy_set.decide(call("look")).review_required


def test_obligations_of_the_deciding_policies_are_named() -> None:
    """Duties in words are passed on, each once."""
    text = '@id("{}") @obligation("tell the DPO") permit(principal, action, resource);'
    decision = policies(text.format("a") + text.format("b")).decide(call())
    assert decision.obligations == ("tell the DPO",)
    assert decision.rule_ids == ("a", "b")


def test_a_forbid_that_reads_a_missing_attribute_denies() -> None:
    """Cedar alone would skip such a forbid and allow; validation refuses it, evaluation denies."""
    text = '@id("f") forbid(principal, action, resource) when { context.arguments.amount > 5 };\n'
    rules = [read_rule(statement) for statement in statements("x.cedar", ANYTHING + text)]
    unvalidated = PolicySet(tuple(rules), {}, {}, "", Calendar())  # type: ignore[arg-type]
    decision = unvalidated.decide(call())
    assert (decision.outcome, decision.rule_ids) == ("deny", ("evaluation-error",))
    assert decision.errors == ("f: record does not have the attribute `amount`",)
    assert "f: record does not have" in decision.reason


def test_an_overflow_denies() -> None:
    """An error that no validation foresees is a deny too."""
    text = """@id("sum") forbid(principal, action, resource == Tool::"pay")
        when { context.arguments has count && context.arguments.count + 1 < 0 };"""
    policy_set = policies(ANYTHING + text)
    assert policy_set.decide(call(arguments={"count": 5})).outcome == "allow"
    decision = policy_set.decide(call(arguments={"count": 2**63 - 1}))
    assert decision.rule_ids == ("evaluation-error",)
    assert decision.errors[0].startswith("sum: integer overflow")


def test_an_error_in_a_duty_denies() -> None:
    """A policy that only asks for approval fails like any other."""
    text = """@id("sum") @outcome("require_approval") forbid(principal, action, resource)
        when { context.arguments has count && context.arguments.count + 1 < 0 };"""
    decision = policies(ANYTHING + text).decide(call(arguments={"count": 2**63 - 1}))
    assert (decision.outcome, decision.rule_ids) == ("deny", ("evaluation-error",))


def test_decisions_carry_the_version() -> None:
    """The version is the hash of the sources, whatever their order."""
    one = PolicySet.load({"a": ANYTHING, "b": FORBID}, TOOLS)
    other = PolicySet.load({"b": FORBID, "a": ANYTHING}, TOOLS)
    assert one.version == other.version == one.decide(call()).version
    assert one.version.startswith("sha256:")
    assert one.version != PolicySet.load({"a": ANYTHING}, TOOLS).version


def test_every_part_of_a_request_can_decide() -> None:
    """Agent, user, tool, target, context, time: each is seen as it was given."""
    text = """@id("all") permit(
      principal == Agent::"teller", action, resource is Tool in Server::"bank")
    when {
      principal in Role::"front" && principal.risk_tier == "low" && principal.registered &&
      context has user && context.user == User::"u-1" && context.user in Role::"clerk" &&
      context.user in Organization::"acme" && context.scopes.contains("pay:write") &&
      context.roles.contains("clerk") && resource.data_class == "financial" &&
      context has target && context.target == Target::"account:7" &&
      context.environment == "production" && context.purpose == "payroll" &&
      context has grant && context.grant == "g-1" &&
      context.hour == 10 && context.weekday == "monday" && context.business_hours
    };"""
    policy_set = policies(text)
    given = {
        "target": TargetFacts("account", "7"),
        "grant_id": "g-1",
        "purpose": "payroll",
        "at": (4 * 86_400 + 10 * 3_600) * 10**9,
    }
    assert policy_set.decide(call(**given)).outcome == "allow"  # type: ignore[arg-type]
    others = [
        ("target", TargetFacts("account", "8")),
        ("target", TargetFacts()),
        ("grant_id", ""),
        ("purpose", "fun"),
        ("at", (4 * 86_400 + 18 * 3_600) * 10**9),
        ("environment", "staging"),
        ("agent", AgentFacts("teller", risk_tier="high", roles=("front",))),
        ("agent", AgentFacts("other", risk_tier="low", roles=("front",))),
        ("user", None),
    ]
    for name, value in others:
        decision = policy_set.decide(call(**(given | {name: value})))  # type: ignore[arg-type]
        assert decision.outcome == "deny", name


def test_models_agents_and_memory_are_resources_too() -> None:
    """Operations without a tool have a resource that policies can name."""
    text = """
    @id("model") permit(principal, action in Action::"model.call", resource == Model::"small");
    @id("self") permit(principal, action == Action::"invoke_agent", resource)
      when { resource == principal && resource.name == "Teller" };
    @id("notes") permit(principal, action in Action::"memory.write", resource)
      when { resource.type == "note" && resource.id like "n-*" };"""
    policy_set = policies(text)

    def outcome(operation: str, target: TargetFacts = NOWHERE, model: str = "") -> str:
        return policy_set.decide(call("", operation=operation, target=target, model=model)).outcome

    assert outcome("chat", model="small") == "allow"
    assert outcome("embeddings", model="small") == "allow"
    assert outcome("chat", model="large") == "deny"
    assert outcome("invoke_agent") == "allow"
    assert outcome("invoke_agent", TargetFacts("agent", "other")) == "deny"
    assert outcome("update_memory", TargetFacts("note", "n-1")) == "allow"
    assert outcome("search_memory", TargetFacts("note", "n-1")) == "deny"


def test_an_unknown_operation_is_judged_by_policies_without_an_action() -> None:
    """An operation of nobody's matches no named action and no group."""
    named = '@id("n") permit(principal, action in Action::"tool.call", resource);'
    request = call(operation="made.up")
    assert policies(named).decide(request).rule_ids == ("default-deny",)
    assert policies(ANYTHING).decide(request).outcome == "allow"


def test_cached_decisions_are_the_decisions() -> None:
    """Requests that differ in something that policies look at are never confused."""
    text = """@id("small") permit(principal, action, resource == Tool::"pay")
        when { context.arguments has amount && context.arguments.amount.lessThan(decimal("10.0")) };
        @id("look") permit(principal, action, resource == Tool::"look");"""
    policy_set, fresh = policies(text), [policies(text) for _ in range(8)]
    requests = [
        call(tool, {"amount": amount, "to": to})
        for tool in ("pay", "look")
        for amount in (5, 50)
        for to in ("a", "b")
    ]
    expected = [one.decide(request) for one, request in zip(fresh, requests, strict=True)]
    for _ in range(2):
        assert [policy_set.decide(request) for request in requests] == expected
    assert len(policy_set._decisions) == 3


@pytest.mark.parametrize("strange", ["", 'ü\n\t"\\', "a" * 100_000, "\ud800", "__entity", "\0"])
def test_strange_ids_are_just_ids(strange: str) -> None:
    """Whatever a sender puts into names, the answer is a decision."""
    request = Request(
        strange,
        AgentFacts(strange, roles=(strange,), tags=(strange,)),
        target=TargetFacts(strange, strange),
        environment=strange,
        grant_id=strange,
        purpose=strange,
        model=strange,
    )
    text = """@id("t") permit(principal, action, resource) when { principal in Role::"r" ||
        principal.tags.contains("t") || context has target && context.target.type == "t" ||
        context.environment == "e" || context.purpose == "p" || context has grant };"""
    decision = policies(text).decide(request)
    assert not decision.errors
    assert decision.outcome == ("allow" if strange else "deny")
