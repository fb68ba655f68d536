"""What an agent may do and who may use a tool, gathered from the demo's registry."""

import pytest

from auditspan.collector.control.errors import NotFound
from auditspan.collector.control.overview import of_the_agent, of_the_tool, rules
from auditspan.registry import Bundle
from tests.collector.control.bundles import DEMO

REGISTRY = Bundle.read(DEMO).registry()
MARCH_2026 = 1772323200 * 10**9


def test_an_agent_with_its_grants_and_policies() -> None:
    """Grants by their end with their state; policies that name it apart from common ones."""
    view = of_the_agent(REGISTRY, "analyst-agent", MARCH_2026)
    assert [(state.grant.id, state.state) for state in view.grants] == [
        ("analyst-ledger-2024", "expired"),
        ("analyst-reports", "in force"),
        ("model-calls-analyst", "in force"),
    ]
    assert [tool.name for tool in view.grants[1].tools] == ["export_customers", "run_report"]
    assert [rule.id for rule in view.rules] == ["export-by-analysts"]
    assert "grant-required" in {rule.id for rule in view.common}
    assert "refund-up-to-500" not in {rule.id for rule in view.common}


def test_a_role_of_the_agent_counts() -> None:
    """A policy for `Role::"customer-facing"` concerns the agents of that role."""
    view = of_the_agent(REGISTRY, "support-agent", MARCH_2026)
    assert "mail-to-customers" in {rule.id for rule in view.rules}


def test_a_grant_not_yet_in_force() -> None:
    """Before its first day a grant permits nothing."""
    view = of_the_agent(REGISTRY, "support-agent", 0)
    assert {state.state for state in view.grants} == {"not yet"}


def test_a_tool_with_who_may_use_it() -> None:
    """Grants that cover it, and policies that name it or its server."""
    view = of_the_tool(REGISTRY, "purge_drafts", MARCH_2026)
    assert [state.grant.id for state in view.grants] == ["finance-invoices"]
    assert [rule.id for rule in view.rules] == ["finance-writes", "purge-drafts-in-business-hours"]


def test_policies_with_their_place() -> None:
    """Every policy has its id, effect, file, line and whole text."""
    found = {rule.id: rule for rule in rules(REGISTRY)}
    rule = found["never-delete-customers"]
    assert (rule.effect, rule.outcome, rule.file) == ("forbid", "deny", "policies/support.cedar")
    assert found["refund-over-500"].outcome == "require_approval"
    assert found["mail-outside"].outcome == "review"
    assert found["read-with-grant"].outcome == "allow"
    lines = REGISTRY.policies[rule.file].splitlines()
    assert lines[rule.line - 1] == '@id("never-delete-customers")'
    assert rule.text.endswith('Tool::"delete_customer");')
    assert ("Tool", "delete_customer") in rule.refs


def test_an_unknown_name_gets_the_nearest() -> None:
    """A typing error is answered with what was meant."""
    with pytest.raises(NotFound, match="did you mean 'support-agent'"):
        of_the_agent(REGISTRY, "suport-agent", 0)
    with pytest.raises(NotFound, match="did you mean 'send_email'"):
        of_the_tool(REGISTRY, "send_mail", 0)
