"""What the bench of frameworks does not reach: hooks beside ours, sub-agents, unended calls."""

import asyncio
from pathlib import Path
from typing import Any

import pytest

from auditspan.instrumentation.adapters import claude_agent_sdk as adapter
from tests.instrumentation.recorded import running, written
from tests.instrumentation.test_guard import registry

TOLD = {
    "hook_event_name": "PreToolUse",
    "session_id": "s-1",
    "tool_name": "mcp__shop__delete_order",
    "tool_input": {"order": "o-1"},
    "tool_use_id": "toolu_1",
}


def before(told: dict[str, Any]) -> dict[str, Any]:
    """What our hook answers."""
    return asyncio.run(adapter.before(told, told.get("tool_use_id"), None))


def registered(**kwargs: Any) -> dict[str, Any]:
    """The hooks that a query is made with."""
    made: dict[str, Any] = adapter.hook(lambda **given: given, None, (), kwargs)
    return made


def test_a_tool_of_a_server_is_judged_by_its_own_name(tmp_path: Path) -> None:
    """The server stands apart, the reason goes to the model."""
    with running(tmp_path, **registry(tmp_path)):
        answer = before(TOLD)["hookSpecificOutput"]
    assert answer["permissionDecision"] == "deny"
    assert "orders are never deleted" in answer["permissionDecisionReason"]
    [span] = written(tmp_path)
    assert span.text("gen_ai.tool.name") == "delete_order"
    assert span.text("audit.tool.server") == "shop"
    assert span.text("session.id") == "s-1"


def test_a_sub_agent_is_named(tmp_path: Path) -> None:
    """The main agent is not: its type says nothing about who it is."""
    with running(tmp_path):
        before(TOLD | {"agent_type": "reviewer"})
        before(TOLD | {"agent_type": "reviewer", "agent_id": "a-1", "tool_use_id": "toolu_2"})
        adapter._pairs.close()
    main, sub = written(tmp_path)
    assert "gen_ai.agent.name" not in main.attributes
    assert sub.text("gen_ai.agent.name") == "reviewer"


@pytest.mark.parametrize(
    ("told", "outcome"),
    [
        ({"hook_event_name": "PostToolUse", "tool_response": "deleted"}, "success"),
        ({"hook_event_name": "PostToolUseFailure", "error": "no such order"}, "failure"),
        (None, "unknown"),
    ],
)
def test_a_call_ends_once(tmp_path: Path, told: dict[str, Any] | None, outcome: str) -> None:
    """As Claude Code tells; one that it says nothing of ends as unknown."""
    with running(tmp_path):
        assert before(TOLD) == {}
        if told is not None:
            asyncio.run(adapter.after(TOLD | told, "toolu_1", None))
        adapter._pairs.close()
    [span] = written(tmp_path)
    assert span.text("audit.outcome") == outcome


def test_what_cannot_be_read_is_held_to_the_fail_mode(tmp_path: Path) -> None:
    """Claude Code says something else than we know."""
    told = {"hook_event_name": "PreToolUse", "tool_use_id": "toolu_1"}
    with running(tmp_path, **registry(tmp_path)):
        assert before(told)["hookSpecificOutput"]["permissionDecision"] == "deny"
    with running(tmp_path / "open", AUDITSPAN_FAIL_MODE="open", **registry(tmp_path)):
        assert before(told) == {}
        adapter._pairs.close()


def test_hooks_of_the_program_come_after_ours() -> None:
    """They are kept, and what the program passed is not changed."""
    theirs: dict[str, list[Any]] = {
        "PreToolUse": [{"matcher": "Bash", "hooks": [print]}],
        "Stop": [{"hooks": [print]}],
    }
    given = {event: list(matchers) for event, matchers in theirs.items()}
    hooks = registered(hooks=given)["hooks"]
    assert given == theirs
    assert [matcher["matcher"] for matcher in hooks["PreToolUse"]] == [None, "Bash"]
    assert hooks["Stop"] == theirs["Stop"]
    assert set(hooks) == {"PreToolUse", "PostToolUse", "PostToolUseFailure", "Stop"}


def test_a_hook_that_fails_blocks_where_the_guard_fails_closed(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """And only there."""
    assert "on_failure" not in registered()["hooks"]["PreToolUse"][0]
    monkeypatch.setenv("AUDITSPAN_GUARD_MODE", "enforce")
    assert registered()["hooks"]["PreToolUse"][0]["on_failure"] == "block"
    monkeypatch.setenv("AUDITSPAN_FAIL_MODE", "open")
    assert "on_failure" not in registered()["hooks"]["PreToolUse"][0]
