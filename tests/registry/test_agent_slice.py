"""What of a registry goes to one agent."""

from auditspan.policy import PolicySet
from auditspan.registry.agent_slice import slice_for
from auditspan.registry.bundle import Bundle

POLICY = '@id("a") permit (principal, action, resource == Tool::"pay");'
WHOLE = Bundle(
    {
        "agents/all.yaml": """
id: payer
name: Payer
owner: team
purpose: pays
risk_tier: high
environments: [production]
roles: [clerk]
credentials: {spiffe: ["spiffe://example.org/payer"]}
---
id: other
name: Other
owner: team
purpose: does else
risk_tier: low
""",
        "tools/all.yaml": """
name: pay
description: Moves money.
effect: write
target: {type: account, id: $.to}
arguments: {type: object, properties: {to: {type: string}, amount: {type: number}}}
---
name: look
effect: read
""",
        "grants/all.yaml": """
id: g-1
grantor: boss
agent: payer
users: [ada]
granted_at: 2026-01-01T00:00:00Z
expires_at: 2027-01-01T00:00:00.5Z
---
id: g-2
grantor: boss
agent: other
granted_at: 2026-01-01T00:00:00Z
expires_at: 2027-01-01T00:00:00Z
""",
        "principals/p.yaml": "{id: 'person:ada', name: Ada, email: ada@example.org}",
        "policies/p.cedar": POLICY,
        "disabled.yaml": "agents: [payer]",
    }
).registry()


def test_it_says_the_same_of_the_agent_its_grants_the_tools_and_policies() -> None:
    """A guard asks the question that the collector asks, of policies with the same version."""
    found = slice_for(WHOLE, "payer").registry()
    assert found.policy_version == WHOLE.policy_version
    assert found.grants == WHOLE.grants[:1]
    agent = found.agents["payer"]
    assert agent.disabled
    assert (
        agent.model_copy(update={"credentials": WHOLE.agents["payer"].credentials})
        == (WHOLE.agents["payer"])
    )
    kept = {name: tool.model_dump(exclude=NOTES) for name, tool in found.tools.items()}
    assert kept == {name: tool.model_dump(exclude=NOTES) for name, tool in WHOLE.tools.items()}
    PolicySet.load(found.policies, found.tools)


NOTES = {"description", "description_hash"}


def test_nobody_else_is_in_it() -> None:
    """Other agents, people and credentials are none of an agent's business."""
    text = slice_for(WHOLE, "payer").to_json()
    for word in ("other", "g-2", "example.org", "Moves money"):
        assert word not in text


def test_an_agent_that_is_not_registered_gets_the_policies_alone() -> None:
    """It is unregistered to its guard as it is to the collector."""
    found = slice_for(WHOLE, "stranger").registry()
    assert not found.agents
    assert not found.grants
    assert found.policy_version == WHOLE.policy_version
