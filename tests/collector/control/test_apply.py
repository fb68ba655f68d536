"""A bundle is checked completely before anything changes."""

import pytest

from auditspan.collector.control.apply import plan
from auditspan.collector.control.errors import ControlInvalid, ControlRefused
from auditspan.collector.control.records import REGISTRY_APPLIED, ControlRecord, Why
from auditspan.collector.control.versions import bundle_of, version_of
from auditspan.policy import Calendar
from auditspan.registry import Bundle
from tests.collector.control.bundles import (
    AIRLINE,
    BROKEN,
    DEMO,
    STRICTER,
    WRONG,
    bundle,
    two_persons,
)

WHY = Why(requested_by="ann", ticket="T-1", reason="first")


@pytest.mark.parametrize("folder", [DEMO, AIRLINE])
def test_the_shipped_registries_pass_their_own_examples(folder: object) -> None:
    """What a new user tries first is valid, and every example decides as it says."""
    made = plan(Bundle.read(DEMO if folder is DEMO else AIRLINE), None)
    assert len(made.results) > 10
    assert all(result.passed for result in made.results)


def test_the_demo_shows_every_outcome_and_effect() -> None:
    """Allow, deny, approval and review; every effect; an ended grant and a disabled agent."""
    made = plan(Bundle.read(DEMO), None)
    outcomes = {example.expect.outcome for example in made.registry.examples}
    assert outcomes == {"allow", "deny", "require_approval"}
    assert any(example.expect.review for example in made.registry.examples)
    effects = {tool.effect for tool in made.registry.tools.values()}
    assert effects == {"read", "write", "external", "destructive"}
    assert any(grant.expires_at.year == 2024 for grant in made.registry.grants)
    assert any(agent.disabled for agent in made.registry.agents.values())


def test_a_plan_says_what_would_change() -> None:
    """Against nothing all is new; against itself nothing is; a policy change keeps the old text."""
    first = plan(bundle(), None)
    assert first.is_new
    assert [change.kind for change in first.changes] == [
        "agent", "tool", "grant", "policy", "example", "controls",
    ]  # fmt: skip
    assert not plan(bundle(), bundle()).is_new
    changed = plan(bundle(policies__p=STRICTER), bundle())
    assert changed.previous == bundle().version
    assert [(c.kind, c.before) for c in changed.changes] == [
        ("policy", bundle().files["policies/p.cedar"])
    ]


def test_a_comment_alone_is_a_new_version() -> None:
    """Texts are what an auditor reads, so a change without effect is a version too."""
    commented = bundle(policies__p="// note\n" + bundle().files["policies/p.cedar"])
    assert plan(commented, bundle()).is_new


def test_a_wrong_example_refuses_the_change() -> None:
    """The answer has expected and actual decision of every example."""
    with pytest.raises(ControlRefused) as caught:
        plan(bundle(policies__p=WRONG), None)
    assert "1 of 1 examples" in str(caught.value)
    [result] = caught.value.details
    assert result["expected"] == "allow by small"
    assert result["actual"] == "deny by default-deny"
    assert result["reason"] == "no policy permits this"
    assert not result["passed"]


def test_another_rule_than_expected_is_wrong() -> None:
    """The right outcome for the wrong reason refuses the change."""
    other = bundle().files["policies/p.cedar"].replace('"small"', '"other"')
    with pytest.raises(ControlRefused) as caught:
        plan(bundle(policies__p=other), None)
    assert caught.value.details[0]["actual"] == "allow by other"


def test_a_missing_review_is_wrong() -> None:
    """An example may demand that a person looks at it."""
    wanted = bundle().files["examples/e.yaml"].replace("rules: small", "rules: small, review: true")
    with pytest.raises(ControlRefused) as caught:
        plan(bundle(examples__e=wanted), None)
    assert caught.value.details[0]["expected"] == "allow by small, with review"


def test_a_broken_policy_has_its_place() -> None:
    """File, line and column of the fault, as text and as fields."""
    with pytest.raises(ControlInvalid) as caught:
        plan(bundle(policies__p=BROKEN), None)
    assert str(caught.value).startswith("policies/p.cedar:2:19: ")
    assert caught.value.details[0]["line"] == 2


def test_a_broken_registry_has_all_its_problems() -> None:
    """Every problem of the bundle is a detail."""
    with pytest.raises(ControlInvalid) as caught:
        plan(bundle(agents__a="{idd: x}", grants__g="[]]"), None)
    assert len(caught.value.details) >= 3


def test_examples_without_any_policy_are_wrong() -> None:
    """Without policies nothing is decided, and nothing is ever silently allowed."""
    files = {k: v for k, v in bundle().files.items() if not k.endswith(".cedar")}
    with pytest.raises(ControlRefused) as caught:
        plan(Bundle(files), None)
    assert caught.value.details[0]["actual"] == "not_evaluated"
    del files["examples/e.yaml"]
    assert plan(Bundle(files), None).registry.policy_version == ""


def test_a_disabled_agent_counts_as_unregistered() -> None:
    """A policy that asks for a registered agent denies a disabled one."""
    disabled = bundle().files["agents/a.yaml"].replace("risk_tier", "disabled: true, risk_tier")
    policy = bundle().files["policies/p.cedar"].replace("when {", "when { principal.registered &&")
    assert plan(bundle(policies__p=policy), None).results[0].passed
    with pytest.raises(ControlRefused):
        plan(bundle(policies__p=policy, agents__a=disabled), None)


def test_a_record_holds_the_version_whole() -> None:
    """The registry can be read back from its record, which fits one spool frame."""
    made = plan(bundle(), None)
    record = ControlRecord(kind=REGISTRY_APPLIED, at_ns=42, why=WHY, body=made.body())
    assert bundle_of(record).files == bundle().files
    assert version_of(record).applied_at_ns == 42
    assert record.body["version"] == made.registry.version


def test_a_registry_must_leave_somebody_who_can_decide() -> None:
    """Two who may approve, or the word that one is enough; a disabled one does not count."""
    lonely = two_persons().files["principals/people.yaml"].replace("Bob, roles: policy", "Bob")
    with pytest.raises(ControlInvalid, match="there is person:alice; give the role to another"):
        plan(Bundle({**two_persons().files, "principals/people.yaml": lonely}), two_persons())
    assert plan(two_persons(), None).registry.approvers() == ("person:alice", "person:bob")
    nobody = {path: text for path, text in bundle().files.items() if path != "controls.yaml"}
    with pytest.raises(ControlInvalid, match=r"there is nobody.*single_operator: true"):
        plan(Bundle(nobody), None)


def test_an_agent_disabled_by_order_does_not_hold_up_a_change() -> None:
    """Its examples are about the policies, and are judged as if the order were not there."""
    policy = bundle().files["policies/p.cedar"].replace("when {", "when { principal.registered &&")
    files = {**bundle(policies__p=policy).files, "disabled.yaml": "agents: helper"}
    made = plan(Bundle(files), None)
    assert [result.passed for result in made.results] == [True]
    assert made.registry.agents["helper"].disabled


def test_examples_are_run_in_the_business_hours_of_the_collector() -> None:
    """What is a Tuesday morning in London is the evening in Tokyo."""
    assert plan(Bundle.read(DEMO), None, Calendar("Europe/London")).results
    with pytest.raises(ControlRefused) as caught:
        plan(Bundle.read(DEMO), None, Calendar("Asia/Tokyo"))
    wrong = [str(result["name"]) for result in caught.value.details if not result["passed"]]
    assert "carol exports on a Tuesday morning" in wrong
