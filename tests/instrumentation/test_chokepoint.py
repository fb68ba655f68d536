"""A framework's call is guarded, told in its own way, and recorded once."""

import asyncio
import json
from pathlib import Path

import pytest

from auditspan.instrumentation.act import Act
from auditspan.instrumentation.call import begin
from auditspan.instrumentation.chokepoint import Chokepoint
from auditspan.instrumentation.errors import PolicyDenied
from auditspan.instrumentation.result import Result
from tests.instrumentation.adapters.library import POINT, describe
from tests.instrumentation.recorded import running, written
from tests.instrumentation.test_guard import registry


def body(tool: str, **arguments: object) -> dict[str, object]:
    """What the tool does."""
    if arguments.get("fail"):
        raise ValueError("no such order")
    return {"ran": tool, **arguments}


async def body_async(tool: str, **arguments: object) -> dict[str, object]:
    """The same, later."""
    return body(tool, **arguments)


def call(tool: str, **arguments: object) -> object:
    """Both ways must do the same."""
    plain = POINT.around(body, None, (tool,), arguments)
    later = asyncio.run(POINT.around_async(body_async, None, (tool,), arguments))
    assert plain == later
    return plain


def test_a_result_is_passed_on_and_recorded(tmp_path: Path) -> None:
    """Arguments, result, framework."""
    with running(tmp_path):
        assert call("look", x=1) == {"ran": "look", "x": 1}
    for span in written(tmp_path):
        assert span.attributes["gen_ai.tool.call.arguments"] == '{"x": 1}'
        assert span.attributes["gen_ai.tool.call.result"] == '{"ran":"look","x":1}'
        assert span.attributes["audit.agent.framework"] == "small"
        assert span.attributes["audit.outcome"] == "success"


def test_a_failure_that_is_a_value_is_a_failure(tmp_path: Path) -> None:
    """Frameworks that catch the exceptions of tools."""
    with running(tmp_path):
        call("look", wrong=True)
    assert [
        (span.attributes["audit.outcome"], span.attributes["error.type"], span.status)
        for span in written(tmp_path)
    ] == [("failure", "tool_error", 2)] * 2


def test_an_exception_passes_and_is_recorded(tmp_path: Path) -> None:
    """With its name."""
    with running(tmp_path):
        for _ in range(2):
            with pytest.raises(ValueError, match="no such order"):
                POINT.around(body, None, ("look",), {"fail": True})
    assert [span.attributes["error.type"] for span in written(tmp_path)] == ["ValueError"] * 2


def test_an_exception_that_tells_no_failure(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A call that waits is pending; an adapter that cannot tell leaves it a failure."""
    monkeypatch.delenv("AUDITSPAN_FAULTS", raising=False)

    def broken(error: BaseException) -> Result | None:
        raise LookupError("gone")

    with running(tmp_path):
        for raised in (lambda error: Result(unfinished="pending"), broken):
            point = Chokepoint("small", describe, raised=raised)
            with pytest.raises(ValueError, match="no such order"):
                point.around(body, None, ("look",), {"fail": True})
            with pytest.raises(ValueError, match="no such order"):
                asyncio.run(point.around_async(body_async, None, ("look",), {"fail": True}))
    assert [span.attributes["audit.outcome"] for span in written(tmp_path)] == [
        "pending",
        "pending",
        "failure",
        "failure",
    ]


def test_a_denial_is_told_in_the_framework_s_way(tmp_path: Path) -> None:
    """The body does not run; an adapter whose way fails denies all the same."""
    with running(tmp_path, **registry(tmp_path)):
        refused = call("delete_order")
        assert isinstance(refused, dict)
        assert refused["refused"].endswith("never-delete: orders are never deleted")
        broken = Chokepoint("small", describe, lambda *args: args[99])
        with pytest.raises(IndexError):
            broken.around(body, None, ("delete_order",), {})
        with pytest.raises(PolicyDenied):
            Chokepoint("small", describe).around(body, None, ("delete_order",), {})
    assert [span.attributes["audit.outcome"] for span in written(tmp_path)] == ["denied"] * 4


def test_a_call_that_cannot_be_read_is_held_to_the_fail_mode(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Closed: denied; open: it happens. Recorded in both."""
    monkeypatch.delenv("AUDITSPAN_FAULTS", raising=False)
    enforce = registry(tmp_path)
    with running(tmp_path / "closed", **enforce):
        assert "refused" in call("unreadable")  # type: ignore[operator]
    with running(tmp_path / "open", **enforce, AUDITSPAN_FAIL_MODE="open"):
        assert call("unreadable") == {"ran": "unreadable"}
    assert [span.attributes["audit.outcome"] for span in written(tmp_path / "closed")] == [
        "denied"
    ] * 2
    assert [span.attributes["audit.outcome"] for span in written(tmp_path / "open")] == [
        "success"
    ] * 2


def test_a_result_that_cannot_be_read_is_passed_on(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """And recorded as it is."""
    monkeypatch.delenv("AUDITSPAN_FAULTS", raising=False)
    point = Chokepoint("small", describe, read=lambda result: result.gone)
    with running(tmp_path):
        assert point.around(body, None, ("look",), {}) == {"ran": "look"}
    assert written(tmp_path)[0].attributes["gen_ai.tool.call.result"] == '{"ran":"look"}'


def act(framework: str, hop: bool = False, **arguments: object) -> Act:
    return Act("execute_tool", "look", json.dumps(arguments), framework=framework, hop=hop)


def test_one_call_seen_twice_is_one_record(tmp_path: Path) -> None:
    """Further in, arguments may be in another order, and without those that are null."""
    with running(tmp_path):
        outer = begin(act("a", x=1, y=2, z=None))
        with outer.active():
            inner = begin(act("b", y=2, x=1))
            inner.succeeded()
            other = begin(act("b", y=3, x=1))
            other.succeeded()
        outer.succeeded()
    assert [(s.text("audit.agent.framework"), s.name) for s in written(tmp_path)] == [
        ("b", "execute_tool look"),
        ("a", "execute_tool look"),
    ]


def test_what_leaves_the_process_is_a_nested_record(tmp_path: Path) -> None:
    """One decision, that of the outer call."""
    with running(tmp_path, **registry(tmp_path) | {"AUDITSPAN_GUARD_MODE": "observe"}):
        outer = begin(act("a", x=1))
        with outer.active():
            begin(act("mcp", hop=True, x=1)).succeeded()
            begin(act("a", hop=True, x=1)).succeeded()
        outer.succeeded()
    inner, whole = written(tmp_path)
    assert inner.attributes["audit.call.nested"] is True
    assert "audit.call.nested" not in whole.attributes
    assert inner.parent == whole.id
    assert inner.attributes["audit.guard.outcome"] == whole.attributes["audit.guard.outcome"]
