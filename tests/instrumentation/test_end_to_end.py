"""An agent under `opentelemetry-instrument`, and what arrives."""

from pathlib import Path

from tests.instrumentation.agents import run
from tests.instrumentation.sink import Sink

AGENT = """
    from auditspan.instrumentation import agent, identify, tool

    @tool
    def refund(order, amount=1, *, reason="none"):
        return {"refunded": amount}

    with identify(user="alice", session="s-1", purpose="support", ticket="T-1", trigger="user"):
        with agent("helper", id="agent-1", conversation="c-1"):
            print(refund("o-7", 5))
"""


def test_tool_call_is_recorded_with_environment_variables_alone(tmp_path: Path, sink: Sink) -> None:
    """A program that knows only `tool` and `identify` gives whole records."""
    done = run(tmp_path, sink.url, AGENT)
    assert (done.returncode, done.stdout) == (0, "{'refunded': 5}\n"), done.stderr
    assert done.stderr == ""
    call, invocation = sink.one("execute_tool refund"), sink.one("invoke_agent helper")
    instance = call.attributes.pop("audit.agent.instance.id")
    assert call.attributes == {
        "gen_ai.operation.name": "execute_tool",
        "gen_ai.tool.name": "refund",
        "gen_ai.tool.type": "function",
        "gen_ai.tool.call.arguments": '{"order":"o-7","amount":5,"reason":"none"}',
        "gen_ai.tool.call.result": '{"refunded":5}',
        "audit.outcome": "success",
        "user.id": "alice",
        "session.id": "s-1",
        "audit.purpose": "support",
        "audit.ticket.id": "T-1",
        "audit.trigger.type": "user",
        "gen_ai.agent.id": "agent-1",
        "gen_ai.agent.name": "helper",
        "gen_ai.conversation.id": "c-1",
        "audit.sequence.number": 1,
        "audit.sequence.mark": "start",
    }
    assert (call.parent, call.trace) == (invocation.id, invocation.trace)
    assert call.resource["service.name"] == "test-agent"
    closing = sink.one("auditspan.close")
    assert closing.attributes["audit.sequence.mark"] == "close"
    assert closing.attributes["audit.agent.instance.id"] == instance
    assert [span.attributes["audit.sequence.number"] for span in sink.spans] == [1, 2, 3]


def test_nothing_is_left_behind(tmp_path: Path, sink: Sink) -> None:
    """What the collector has is removed from the disk."""
    run(tmp_path, sink.url, AGENT)
    assert list((tmp_path / "spool").iterdir()) == []
