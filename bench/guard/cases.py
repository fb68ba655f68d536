"""The calls that are measured. One more is one more entry: a name, and what makes the call.

They are made in a process whose environment guards it (`enforce`, the policies below). Those of
frameworks are in `adapters.py`.
"""

import itertools
from collections.abc import Callable, Mapping

from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.sampling import ALWAYS_ON
from opentelemetry.util.types import AttributeValue

from auditspan.instrumentation import PolicyDenied, action, tool

Call = Callable[[], object]

AGENT = """
id: support-agent
name: Support
owner: team-support
purpose: helps customers
risk_tier: limited
environments: [production]
roles: [support]
"""
TOOLS = """
name: get_order
effect: read
server: shop
---
name: refund_order
effect: write
server: shop
target: {type: order, id: $.order_id}
arguments:
  type: object
  properties: {order_id: {type: string}, amount: {type: integer}}
---
name: delete_order
effect: destructive
server: shop
"""
GRANT = """
id: support-2026
grantor: head@shop.example
agent: support-agent
granted_at: 2024-01-01T00:00:00Z
expires_at: 2099-01-01T00:00:00Z
"""
POLICIES = """
@id("reads")
permit (principal == Agent::"support-agent", action == Action::"execute_tool", resource)
when { resource.effect == "read" };

@id("refunds")
permit (principal, action == Action::"execute_tool", resource == Tool::"refund_order")
when { context has grant && context.arguments has amount && context.arguments.amount <= 500000000 };

@id("never-delete")
@reason("orders are never deleted")
forbid (principal, action == Action::"execute_tool", resource == Tool::"delete_order");
"""
"""One decision that depends on no argument, one on arguments and a grant, one that denies."""

_SAID: Mapping[str, AttributeValue] = {
    "gen_ai.operation.name": "execute_tool",
    "gen_ai.tool.name": "get_order",
    "gen_ai.tool.type": "function",
    "gen_ai.tool.call.arguments": '{"order_id":"W-4211"}',
    "audit.guard.outcome": "allow",
    "audit.guard.enforcement": "allow",
    "audit.guard.mode": "enforce",
    "audit.guard.rule.ids": ("reads",),
    "audit.guard.reason": "permitted by reads",
    "audit.guard.policy.version": "sha256:" + 64 * "0",
    "gen_ai.agent.id": "support-agent",
    "gen_ai.agent.name": "Support",
}
"""What the record of an allowed call says when it starts."""
_RESULT: Mapping[str, AttributeValue] = {
    "audit.outcome": "success",
    "gen_ai.tool.call.result": '{"order":"W-4211","status":"shipped"}',
}


def bare() -> Call:
    """The same span by the SDK alone: always sampled, with no span processor."""
    tracer = TracerProvider(sampler=ALWAYS_ON).get_tracer("bench")

    def call() -> None:
        span = tracer.start_span("execute_tool get_order", attributes=_SAID)
        span.set_attributes(_RESULT)
        span.end()

    return call


@tool
def get_order(order_id: str) -> dict[str, str]:
    """Read one."""
    return {"order": order_id, "status": "shipped"}


@tool
def refund_order(order_id: str, amount: int) -> str:
    """Move money."""
    return f"{amount} refunded for {order_id}"


@tool
def delete_order(order_id: str) -> None:
    """Never runs."""
    raise AssertionError(order_id)


def _allowed() -> Call:
    return lambda: get_order("W-4211")


def _allowed_by_arguments() -> Call:
    return lambda: refund_order("W-4211", 20)


def _missed() -> Call:
    amounts = itertools.count()
    return lambda: refund_order("W-4211", next(amounts))


def _action() -> Call:
    def call() -> None:
        with action("execute_tool", tool="get_order", arguments={"order_id": "W-4211"}) as act:
            act.result = {"order": "W-4211", "status": "shipped"}

    return call


def _denied() -> Call:
    def call() -> None:
        try:
            delete_order("W-4211")
        except PolicyDenied:
            return
        raise AssertionError("it was allowed")

    return call


CASES: Mapping[str, Callable[[], Call]] = {
    "bare": bare,
    "@tool, allowed": _allowed,
    "@tool, allowed, policies look at arguments and grant": _allowed_by_arguments,
    "@tool, allowed, a miss": _missed,
    "@tool, denied": _denied,
    "action, allowed": _action,
}
