"""Tools, arguments and exceptions that mean no good: the host is served, the record is there."""

import asyncio
import os
import sys
import time
from collections.abc import AsyncGenerator, Awaitable, Generator
from pathlib import Path

import pytest
from opentelemetry.trace import get_current_span

from auditspan.instrumentation import action, tool
from auditspan.instrumentation.act import Act
from auditspan.instrumentation.call import begin
from tests.instrumentation.recorded import running, written

OUTCOME = "audit.outcome"


class Rude(Exception):
    """An exception that cannot even be told."""

    def __str__(self) -> str:
        raise RuntimeError("no words")


@tool
def rude() -> None:
    """Raises it."""
    raise Rude


def test_an_exception_without_words_is_recorded(tmp_path: Path) -> None:
    """It passes as it is, and the record has its name."""
    with running(tmp_path), pytest.raises(Rude):
        rude()
    [record] = written(tmp_path)
    assert record.text(OUTCOME) == "failure"
    assert record.text("error.type").endswith("Rude")


@tool
def lost_file() -> None:
    """As `open` does for a name that is not UTF-8."""
    raise FileNotFoundError("caf\udce9")


def test_words_that_are_no_unicode_are_recorded(tmp_path: Path) -> None:
    """Of an exception, in its message."""
    with running(tmp_path), pytest.raises(FileNotFoundError):
        lost_file()
    [record] = written(tmp_path)
    assert record.text(OUTCOME) == "failure"


def test_long_words_are_cut(tmp_path: Path) -> None:
    """Of an exception that holds a whole answer: the collector would refuse so large a record."""

    @tool
    def answers() -> None:
        raise ValueError("ü" * 10_000_000)

    with running(tmp_path) as found, pytest.raises(ValueError):
        answers()
    [record] = written(tmp_path)
    assert record.text(OUTCOME) == "failure"
    assert found.durable.dropped == 0
    assert sum(path.stat().st_size for path in (tmp_path / "spool").glob("*/*.*")) < 500_000


@pytest.mark.parametrize("name", ["caf\udce9", "x" * 10_000, 'Tool::"x"', "a\nb", "\x00", "工具"])
def test_names_of_odd_shape_are_recorded(tmp_path: Path, name: str) -> None:
    """Of tools and of what they act on."""
    with running(tmp_path), action(tool=name, target=(name, name), arguments={name: name}):
        pass
    [record] = written(tmp_path)
    assert record.text(OUTCOME) == "success"
    assert record.text("gen_ai.tool.name") == name.encode("utf-8", "replace").decode()


@pytest.mark.parametrize("value", [object(), 2**70, {"a": object()}, [1, "a"], "\ud800", b"\xff"])
def test_what_a_program_writes_on_the_span_does_not_lose_it(tmp_path: Path, value: object) -> None:
    """Attributes and events that cannot be sent are left out or told in part."""
    with running(tmp_path), action(tool="t"):
        get_current_span().set_attribute("odd", value)  # type: ignore[arg-type]
        get_current_span().add_event("odd", {"odd": value})  # type: ignore[dict-item]
    [record] = written(tmp_path)
    assert record.text(OUTCOME) == "success"


def test_a_tool_that_calls_itself_is_recorded_each_time(tmp_path: Path) -> None:
    """With the same arguments, as one that tries again does."""
    tries = []

    @tool
    def again(n: int) -> int:
        tries.append(n)
        return again(n) if len(tries) < 3 else n

    with running(tmp_path):
        assert again(1) == 1
    assert len(written(tmp_path)) == 3


def test_calls_with_other_identifiers_are_others(tmp_path: Path) -> None:
    """A model inside of a tool may ask for the same."""
    with running(tmp_path):
        outer = begin(Act("execute_tool", "look", "{}", framework="small", call_id="1"))
        with outer.active():
            begin(Act("execute_tool", "look", "{}", framework="small", call_id="2")).succeeded()
        outer.succeeded()
    assert len(written(tmp_path)) == 2


def test_what_goes_on_after_a_call_is_not_inside_it(tmp_path: Path) -> None:
    """A task that a call has started keeps its context."""

    async def main() -> None:
        gate = asyncio.Event()

        async def later() -> None:
            await gate.wait()
            begin(Act("execute_tool", "look", "{}", framework="small")).succeeded()

        call = begin(Act("execute_tool", "look", "{}", framework="small"))
        with call.active():
            task = asyncio.create_task(later())
        call.succeeded()
        gate.set()
        await task

    with running(tmp_path):
        asyncio.run(main())
    assert len(written(tmp_path)) == 2


def test_a_fork_inside_a_call_leaves_it_to_the_parent(tmp_path: Path) -> None:
    """The child unwinds through the call, too; there was one."""

    @tool
    def forks() -> int:
        pid = os.fork()
        if pid == 0:
            sys.exit(3)
        return os.waitpid(pid, 0)[1]

    with running(tmp_path):
        try:
            forks()
        except SystemExit:
            os._exit(0)
    found = [span for span in written(tmp_path) if span.name == "execute_tool forks"]
    assert [span.text(OUTCOME) for span in found] == ["success"]


@tool
def echo() -> Generator[object, object, str]:
    """Gives back what it is given, and survives what is thrown at it."""
    given: object = "first"
    for _ in range(3):
        try:
            given = yield given
        except KeyError as error:
            given = f"caught {error.args[0]}"
    return "end"


def test_a_generator_is_sent_to_and_thrown_at(tmp_path: Path) -> None:
    """As if there were no guard."""
    with running(tmp_path):
        steps = echo()
        assert next(steps) == "first"
        assert steps.send(2) == 2
        assert steps.throw(KeyError("k")) == "caught k"
        with pytest.raises(StopIteration) as end:
            next(steps)
        assert end.value.value == "end"
    [record] = written(tmp_path)
    assert record.text(OUTCOME) == "success"


@tool
async def echo_async() -> AsyncGenerator[object, object]:
    """The same."""
    given: object = "first"
    for _ in range(3):
        try:
            given = yield given
        except KeyError as error:
            given = f"caught {error.args[0]}"


def test_an_async_generator_is_sent_to_and_thrown_at(tmp_path: Path) -> None:
    """As if there were no guard."""

    async def main() -> None:
        steps = echo_async()
        assert await anext(steps) == "first"
        assert await steps.asend(2) == 2
        assert await steps.athrow(KeyError("k")) == "caught k"
        with pytest.raises(StopAsyncIteration):
            await anext(steps)

    with running(tmp_path):
        asyncio.run(main())
    [record] = written(tmp_path)
    assert record.text(OUTCOME) == "success"


def test_a_function_that_gives_back_something_to_wait_for_has_not_succeeded(
    tmp_path: Path,
) -> None:
    """Nobody tells us what comes of it."""

    async def fails() -> None:
        raise ValueError

    @tool
    def starts() -> Awaitable[None]:
        return fails()

    with running(tmp_path), pytest.raises(ValueError):
        asyncio.run(starts())  # type: ignore[arg-type]
    [record] = written(tmp_path)
    assert record.text(OUTCOME) == "unknown"


def test_an_object_with_an_async_call_is_awaited(tmp_path: Path) -> None:
    """It is a coroutine function, too."""

    class Looks:
        async def __call__(self, n: int) -> int:
            raise ValueError(n)

    with running(tmp_path), pytest.raises(ValueError):
        asyncio.run(tool(Looks(), name="looks")(1))  # type: ignore[call-overload]
    [record] = written(tmp_path)
    assert record.text(OUTCOME) == "failure"


@pytest.mark.parametrize("error", [KeyboardInterrupt, SystemExit, asyncio.CancelledError])
def test_what_is_no_exception_passes_and_is_recorded(
    tmp_path: Path, error: type[BaseException]
) -> None:
    """The program ends, or the task."""

    @tool
    def stops() -> None:
        raise error

    with running(tmp_path), pytest.raises(error):
        stops()
    [record] = written(tmp_path)
    assert (record.text(OUTCOME), record.text("error.type")[-9:]) == (
        "failure",
        error.__name__[-9:],
    )


def test_arguments_that_hold_themselves_take_no_time(tmp_path: Path) -> None:
    """Twice each time, so that everything that can be reached is endless."""
    ring: list[object] = []
    ring += [ring, ring, {"ring": ring}]

    @tool
    def takes(value: object) -> object:
        return value

    start = time.monotonic()
    with running(tmp_path):
        assert takes(ring) is ring
    assert time.monotonic() - start < 5
    assert len(written(tmp_path)) == 1
