"""A small bank for tests: two tools, one agent, one clerk."""

from collections.abc import Mapping

from pydantic import JsonValue

from auditspan.policy import (
    AgentFacts,
    PolicySet,
    Request,
    TargetFacts,
    ToolFacts,
    ToolSchema,
    UserFacts,
)

TOOLS = {
    "pay": ToolSchema(
        server="bank",
        effect="write",
        data_class="financial",
        arguments={
            "type": "object",
            "properties": {
                "amount": {"type": "number"},
                "count": {"type": "integer"},
                "to": {"type": "string"},
                "urgent": {"type": "boolean"},
                "labels": {"type": "array", "items": {"type": "string"}},
                "payer": {"type": "object", "properties": {"country": {"type": "string"}}},
            },
        },
    ),
    "look": ToolSchema(server="bank", effect="read"),
    "wipe": ToolSchema(server="vault", effect="destructive", review_required=True),
}
AGENT = AgentFacts("teller", name="Teller", risk_tier="low", roles=("front",))
CLERK = UserFacts("u-1", organisation="acme", roles=("clerk",), scopes=("pay:write",))

NOWHERE = TargetFacts()

ANYTHING = '@id("anything") permit(principal, action, resource);\n'


def policies(text: str) -> PolicySet:
    """Load one file."""
    return PolicySet.load({"bank.cedar": text}, TOOLS)


def call(
    tool: str = "pay",
    arguments: Mapping[str, JsonValue] | None = {},
    *,
    operation: str = "execute_tool",
    agent: AgentFacts = AGENT,
    user: UserFacts | None = CLERK,
    target: TargetFacts = NOWHERE,
    model: str = "",
    environment: str = "production",
    grant_id: str = "",
    purpose: str = "",
    at: int = 0,
) -> Request:
    """A tool call by the teller for the clerk."""
    return Request(
        operation,
        agent,
        user,
        ToolFacts(tool),
        target,
        model,
        environment,
        grant_id,
        purpose,
        at,
        arguments,
    )
