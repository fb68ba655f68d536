"""Blocks as acts."""

import asyncio
from pathlib import Path

import pytest
from opentelemetry import trace

from auditspan.instrumentation import action, agent, tool
from tests.instrumentation.recorded import running, written


@tool
def work() -> None:
    """Something to record."""


def test_an_action_is_a_record(tmp_path: Path) -> None:
    """With what is said about it, and its result."""
    with (
        running(tmp_path),
        action(
            "execute_tool",
            tool="crm.delete",
            target=("customer", "42"),
            arguments={"id": 42},
            server="crm",
            call_id="call-1",
        ) as act,
    ):
        act.result = {"deleted": True}
    [span] = written(tmp_path)
    expected = {
        "gen_ai.operation.name": "execute_tool",
        "gen_ai.tool.name": "crm.delete",
        "gen_ai.tool.call.id": "call-1",
        "gen_ai.tool.call.arguments": '{"id":42}',
        "gen_ai.tool.call.result": '{"deleted":true}',
        "audit.tool.server": "crm",
        "audit.target.type": "customer",
        "audit.target.id": "42",
        "audit.outcome": "success",
    }
    assert expected.items() <= span.attributes.items()


def test_other_operations_are_named_so(tmp_path: Path) -> None:
    """What is no tool call is not called one."""
    with running(tmp_path), action("memory.read", target="m-1"):
        pass
    [span] = written(tmp_path)
    assert (span.name, span.text("gen_ai.operation.name")) == ("memory.read", "memory.read")
    assert span.text("audit.target.id") == "m-1"


def test_an_exception_passes_and_is_recorded(tmp_path: Path) -> None:
    """The block fails as it would without us."""
    with running(tmp_path), pytest.raises(KeyError), action(tool="t"):
        raise KeyError("x")
    assert written(tmp_path)[0].text("error.type") == "KeyError"


def test_an_agent_gives_its_name_to_what_happens_inside(tmp_path: Path) -> None:
    """Agent, conversation and parent; an agent within an agent is another one."""

    async def run() -> None:
        async with agent("outer", id="a-1", conversation="c-1"):
            work()
            with agent("inner", id="a-2"):
                work()

    with running(tmp_path):
        asyncio.run(run())
    first, second, inner, outer = written(tmp_path)
    assert (first.parent, second.parent, inner.parent) == (outer.id, inner.id, outer.id)
    assert [s.text("gen_ai.agent.id") for s in (first, second, inner, outer)] == [
        "a-1",
        "a-2",
        "a-2",
        "a-1",
    ]
    assert {s.text("gen_ai.conversation.id") for s in (first, second, inner, outer)} == {"c-1"}
    assert not trace.get_current_span().get_span_context().is_valid
