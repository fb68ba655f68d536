"""`@tool`: recorded whatever kind of function, and passed on unchanged."""

import asyncio
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest
from opentelemetry import trace

from auditspan.instrumentation import tool
from tests.instrumentation.recorded import running, written


def test_arguments_stand_under_their_names(tmp_path: Path) -> None:
    """However they are passed, with defaults, and without `self`."""

    class Desk:
        @tool(name="desk.book", server="desk", type="extension")
        def book(self, a: int, /, b: int = 2, *rest: int, c: int = 3, **more: int) -> int:
            return a + b + c + sum(rest) + sum(more.values())

    with running(tmp_path):
        assert Desk().book(1, 5, 6, c=7, d=8) == 27
        assert Desk().book(1) == 6
    first, second = written(tmp_path)
    assert first.name == "execute_tool desk.book"
    assert first.text("gen_ai.tool.call.arguments") == '{"a":1,"b":5,"rest":[6],"c":7,"d":8}'
    assert second.text("gen_ai.tool.call.arguments") == '{"a":1,"b":2,"rest":[],"c":3}'
    assert (first.text("audit.tool.server"), first.text("gen_ai.tool.type")) == (
        "desk",
        "extension",
    )


def test_an_exception_passes_and_is_recorded(tmp_path: Path) -> None:
    """The caller gets it, the record says which."""

    @tool
    def fail() -> None:
        raise LookupError("no such order")

    with running(tmp_path), pytest.raises(LookupError, match="no such order"):
        fail()
    [span] = written(tmp_path)
    assert (span.text("audit.outcome"), span.text("error.type")) == ("failure", "LookupError")
    assert (span.status, span.events) == (2, ("exception",))


def test_wrong_arguments_are_the_functions_business(tmp_path: Path) -> None:
    """A call that Python refuses is refused by Python."""

    @tool
    def narrow(a: int) -> int:
        return a

    with running(tmp_path), pytest.raises(TypeError, match="missing 1 required"):
        narrow()  # type: ignore[call-arg]
    assert written(tmp_path)[0].text("error.type") == "TypeError"


def test_coroutines_are_awaited(tmp_path: Path) -> None:
    """The record spans the wait, and a cancelled call is a failed one."""

    @tool
    async def slow(n: int) -> int:
        await asyncio.sleep(0 if n else 60)
        return n

    async def cancelled() -> None:
        task = asyncio.create_task(slow(0))
        await asyncio.sleep(0.01)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task

    with running(tmp_path):
        assert asyncio.run(slow(4)) == 4
        asyncio.run(cancelled())
    done, stopped = written(tmp_path)
    assert done.text("gen_ai.tool.call.result") == "4"
    assert stopped.text("error.type") == "asyncio.exceptions.CancelledError"


def test_generators_are_recorded_when_they_end(tmp_path: Path) -> None:
    """Exhausted, closed early or failed; never current while the caller works."""
    seen = []

    @tool
    def count(n: int) -> Iterator[int]:
        for i in range(n):
            seen.append(trace.get_current_span().get_span_context().span_id)
            yield i
        if n > 2:
            raise ValueError("too many")

    with running(tmp_path):
        for _ in count(2):
            assert not trace.get_current_span().get_span_context().is_valid
        steps = count(2)
        next(steps)
        steps.close()  # type: ignore[attr-defined]
        with pytest.raises(ValueError, match="too many"):
            list(count(3))
    whole, closed, failed = written(tmp_path)
    assert (whole.text("gen_ai.tool.call.result"), whole.text("audit.outcome")) == (
        "[0,1]",
        "success",
    )
    assert closed.text("gen_ai.tool.call.result") == "[0]"
    assert failed.text("audit.outcome") == "failure"
    assert f"{seen[0]:016x}" == whole.id


def test_async_generators_are_recorded_when_they_end(tmp_path: Path) -> None:
    """Like the others."""

    @tool
    async def count(n: int) -> AsyncIterator[int]:
        for i in range(n):
            await asyncio.sleep(0)
            yield i

    async def use() -> list[int]:
        return [i async for i in count(3)]

    with running(tmp_path):
        assert asyncio.run(use()) == [0, 1, 2]
    assert written(tmp_path)[0].text("gen_ai.tool.call.result") == "[0,1,2]"


def test_the_same_call_seen_twice_is_one_record(tmp_path: Path) -> None:
    """A wrapper around a wrapper records once; a call with other arguments is another call."""

    @tool
    def fall(n: int) -> int:
        return fall(n - 1) if n else 0

    outer = tool(name="fall")(lambda n: fall(n))
    with running(tmp_path):
        outer(1)
    arguments = [span.text("gen_ai.tool.call.arguments") for span in written(tmp_path)]
    assert arguments == ['{"n":0}', '{"n":1}']


def test_content_is_left_out_where_asked(tmp_path: Path) -> None:
    """By the settings, or for one tool."""

    @tool(capture=False)
    def secret(a: int) -> int:
        return a

    @tool
    def open_(a: int) -> int:
        return a

    with running(tmp_path, AUDITSPAN_CAPTURE="results"):
        secret(1)
        open_(1)
    hidden, partly = written(tmp_path)
    assert not [name for name in hidden.attributes if name.startswith("gen_ai.tool.call.")]
    assert "gen_ai.tool.call.arguments" not in partly.attributes
    assert partly.text("gen_ai.tool.call.result") == "1"


def test_hashes_need_a_key(tmp_path: Path) -> None:
    """With one, equal arguments have equal hashes whatever their spelling, captured or not."""
    key = tmp_path / "key"
    key.write_bytes(b"k" * 32)

    @tool(capture=False)
    def act(a: int, b: float) -> str:
        return "done"

    with running(tmp_path, AUDITSPAN_HASH_KEY_FILE=str(key)):
        act(1, 2.0)
        act(b=2, a=1)
    first, second = written(tmp_path)
    assert first.text("audit.arguments.hash").startswith("hmac-sha256:")
    assert first.text("audit.arguments.hash") == second.text("audit.arguments.hash")
    assert first.text("audit.result.hash") not in ("", first.text("audit.arguments.hash"))


def test_without_a_runtime_the_tool_works(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """Nothing can be recorded, nothing is to be enforced: the call goes on."""
    monkeypatch.setenv("AUDITSPAN_CAPTURE", "nonsense")

    @tool
    def work() -> int:
        return 1

    assert work() == 1
    assert "AUDITSPAN_CAPTURE" in caplog.text
