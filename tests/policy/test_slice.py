"""Which policies are asked, and what they look at."""

import pytest

from tests.policy.samples import call, policies

TEXT = """
@id("all") permit(principal, action, resource) when { context.environment == "production" };
@id("pay") forbid(principal, action, resource == Tool::"pay")
  when { context.arguments has payer.country && context.arguments.payer.country == "XX" };
@id("bank") forbid(principal, action == Action::"execute_tool", resource in Server::"bank")
  when { principal.risk_tier == "high" };
@id("vault") forbid(principal, action, resource is Tool in Server::"vault")
  when { context has user };
@id("models") forbid(principal, action in Action::"model.call", resource)
  when { context.hour < 6 };
@id("two") forbid(principal, action in [Action::"chat", Action::"execute_tool"], resource)
  when { context.purpose == "fun" };
@id("cond") forbid(principal, action, resource) when { resource == Tool::"look" };
"""


@pytest.mark.parametrize(
    ("tool", "operation", "rules"),
    [
        ("pay", "execute_tool", ["all", "pay", "bank", "two", "cond"]),
        ("look", "execute_tool", ["all", "bank", "two", "cond"]),
        ("wipe", "execute_tool", ["all", "vault", "two", "cond"]),
        ("unknown", "execute_tool", ["all", "bank", "vault", "two", "cond"]),
        ("", "chat", ["all", "models", "two", "cond"]),
        ("", "embeddings", ["all", "models", "cond"]),
        ("", "retrieval", ["all", "cond"]),
        ("", "made.up", ["all", "cond"]),
    ],
)
def test_scopes_slice_and_conditions_do_not(tool: str, operation: str, rules: list[str]) -> None:
    """A tool nobody knows may be on any server; a condition leaves nothing out."""
    found = policies(TEXT).slice(tool, operation)
    assert [rule.id for rule in found.handle.rules] == rules


def test_a_slice_names_what_its_policies_look_at() -> None:
    """Nothing else can change the decision."""
    policy_set = policies(TEXT)
    pay = policy_set.slice("pay")
    assert pay.attributes == {
        "context.environment",
        "context.purpose",
        "principal.risk_tier",
        "resource",
        "resource.server",
    }
    assert pay.arguments == {("payer", "country")}
    assert pay.types.cedar() == '{"payer"?: {"country"?: String}}'
    assert "context.user?" in policy_set.slice("wipe").attributes
    assert not pay.timed
    assert policy_set.slice("", "chat").timed


def test_senders_cannot_make_slices() -> None:
    """Tools and operations that no policy can tell apart share one."""
    policy_set = policies(TEXT)
    for number in range(50):
        policy_set.decide(call(f"tool-{number}", operation=f"operation-{number}"))
        policy_set.decide(call(f"tool-{number}"))
    assert len(policy_set._slices) == 2


def test_what_the_catalogue_says_goes_before_the_request() -> None:
    """A sender cannot talk a tool into another effect."""
    policy_set = policies(
        '@id("r") permit(principal, action, resource is Tool) when { resource.effect == "read" };'
    )
    assert policy_set.decide(call("look")).outcome == "allow"
    assert policy_set.decide(call("pay")).outcome == "deny"
