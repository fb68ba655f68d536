"""A service that sends is a relay to the pipeline: what is behind it is claimed until proved."""

from typing import Any

import pytest

from auditspan.identity.principal import Principal, named_principal
from auditspan.processors.identity import AGENT_STATEMENT, USER_STATEMENT
from auditspan.processors.texts import text
from tests.processors.test_identity import RELAY, attached, found, of, span, statement

SERVICE = named_principal("service:edge", "api_key", "k2", "10.0.0.8", 0)


def rows(sender: Principal) -> list[dict[str, str]]:
    """What a sender that passes on what others say can put on a span."""
    named = statement(kind="agent", subject="booking", issuer=sender.id, principal=sender.id)
    return [
        {},
        {AGENT_STATEMENT: named},
        {AGENT_STATEMENT: named, USER_STATEMENT: statement()},
        {AGENT_STATEMENT: named, USER_STATEMENT: statement(principal=sender.id)},
        {USER_STATEMENT: statement()},
        {AGENT_STATEMENT: statement(kind="agent", subject="booking", principal="relay:other")},
    ]


def judged(sender: Principal) -> dict[str, list[Any]]:
    """What becomes of those spans."""
    result = attached(*(span(sender, each, AgentId="booking") for each in rows(sender)))
    names = ("AgentId", "AgentProvenance", "UserId", "UserProvenance")
    return {**{name: text(result, name).to_pylist() for name in names}, "found": found(result)}


def test_a_service_is_judged_as_a_relay_is() -> None:
    """Every column the same; only its own id differs."""
    assert judged(SERVICE) == judged(RELAY)
    assert judged(SERVICE)["AgentProvenance"] == [
        "claimed",
        *["verified"] * 3,
        "claimed",
        "claimed",
    ]


@pytest.mark.parametrize("claimed", ["booking", "edge", "service:edge"])
def test_a_service_is_no_agent(claimed: str) -> None:
    """Whatever it says of itself, also its own name, stays a claim, and it is named as sender."""
    result = attached(span(SERVICE, AgentId=claimed))
    assert of(result, "PrincipalId", "AgentId", "AgentProvenance") == (
        "service:edge",
        claimed,
        "claimed",
    )
