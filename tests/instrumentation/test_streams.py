"""What comes in pieces has one record, however it ends: whole, failed, closed early, dropped."""

import asyncio
import gc
import json
import textwrap
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest

from auditspan.instrumentation import tool
from tests.instrumentation.agents import run
from tests.instrumentation.recorded import running, written
from tests.instrumentation.sink import Sink

OUTCOME, RESULT = "audit.outcome", "gen_ai.tool.call.result"


@tool
def count(n: int, fault: str = "") -> Iterator[int]:
    """A tool that gives numbers, and may fail while it cleans up."""
    try:
        yield from range(n)
    finally:
        if fault:
            raise ValueError(fault)


@tool
async def count_async(n: int, fault: str = "") -> AsyncIterator[int]:
    """The same."""
    try:
        for i in range(n):
            yield i
    finally:
        if fault:
            raise ValueError(fault)


def test_a_dropped_generator_is_recorded_when_it_is_collected(tmp_path: Path) -> None:
    """With the pieces that were taken; one that nobody began is no call."""
    with running(tmp_path):
        steps = count(3)
        next(steps)
        del steps
        count(3)
        gc.collect()
    [record] = written(tmp_path)
    assert (record.text(OUTCOME), record.text(RESULT)) == ("success", "[0]")


def test_a_generator_that_fails_when_it_is_closed_has_failed(tmp_path: Path) -> None:
    """The caller gets the exception, the record has it."""
    with running(tmp_path):
        steps = count(3, "no")
        next(steps)
        with pytest.raises(ValueError, match="no"):
            steps.close()  # type: ignore[attr-defined]
        with pytest.raises(StopIteration):
            next(steps)
    [record] = written(tmp_path)
    assert (record.text(OUTCOME), record.text("error.type")) == ("failure", "ValueError")


def test_async_generators_end_once_too(tmp_path: Path) -> None:
    """Whole, closed, failed while closing, and left to the event loop."""

    async def use() -> None:
        assert [i async for i in count_async(2)] == [0, 1]
        closed = count_async(3)
        await anext(closed)
        await closed.aclose()  # type: ignore[attr-defined]
        failing = count_async(3, "no")
        await anext(failing)
        with pytest.raises(ValueError, match="no"):
            await failing.aclose()  # type: ignore[attr-defined]
        dropped = count_async(9)
        await anext(dropped)
        await anext(dropped)
        del dropped
        gc.collect()
        await asyncio.sleep(0.01)  # the loop closes it

    with running(tmp_path):
        asyncio.run(use())
    assert [(record.text(OUTCOME), record.text(RESULT)) for record in written(tmp_path)] == [
        ("success", "[0,1]"),
        ("success", "[0]"),
        ("failure", ""),
        ("success", "[0,1]"),
    ]


CHAT = """
    import gc, json, threading
    from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
    from openai import OpenAI

    class Model(BaseHTTPRequestHandler):
        def do_POST(self):
            self.rfile.read(int(self.headers["Content-Length"]))
            self.send_response(200)
            self.send_header("Content-Type", "text/event-stream")
            if END == "failed":
                self.send_header("Content-Length", "100000")
            self.end_headers()
            call = {"index": 0, "id": "call-1", "type": "function",
                    "function": {"name": "refund", "arguments": '{"order":"o-1"}'}}
            self.give([{"index": 0, "finish_reason": None,
                        "delta": {"role": "assistant", "tool_calls": [call]}}])
            if END == "whole":
                self.give([{"index": 0, "delta": {}, "finish_reason": "tool_calls"}])
                self.wfile.write(b"data: [DONE]\\n\\n")
            elif END != "failed":
                goon.wait(20)

        def give(self, choices):
            chunk = {"id": "c", "object": "chat.completion.chunk", "created": 0, "model": "m",
                     "choices": choices}
            self.wfile.write(b"data: " + json.dumps(chunk).encode() + b"\\n\\n")
            self.wfile.flush()

        def log_message(self, *said):
            pass

    goon = threading.Event()
    server = ThreadingHTTPServer(("127.0.0.1", 0), Model)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    client = OpenAI(base_url=f"http://127.0.0.1:{server.server_port}/v1", api_key="k",
                    max_retries=0)
    stream = client.chat.completions.create(
        model="m", messages=[{"role": "user", "content": "hello"}], stream=True
    )
    next(stream)
    try:
        if END in ("whole", "failed"):
            list(stream)
            list(stream)
        elif END == "closed":
            stream.close()
            stream.close()
        else:
            del stream
            gc.collect()
    except Exception as error:
        print(type(error).__name__)
    goon.set()
    client.close()
    server.shutdown()
"""


@pytest.mark.parametrize(
    ("end", "said", "error"),
    [
        ("whole", "", ""),
        ("closed", "", ""),
        ("failed", "APIConnectionError|RemoteProtocolError", "openai.|httpx."),
        ("dropped", "", "_OTHER"),
    ],
)
def test_a_streamed_answer_of_a_model_is_one_record(
    tmp_path: Path, sink: Sink, end: str, said: str, error: str
) -> None:
    """With the real client: the call that the model asked for is in it, unless it was cut off."""
    done = run(tmp_path, sink.url, f"END = {end!r}\n" + textwrap.dedent(CHAT))
    assert done.returncode == 0, done.stderr
    assert done.stdout.strip() in said.split("|")
    span = sink.one("chat m")
    assert span.text("error.type").startswith(tuple(error.split("|")))
    assert bool(span.text("error.type")) == bool(error)
    if end in ("whole", "closed"):
        [message] = json.loads(span.text("gen_ai.output.messages"))
        assert message["parts"][0]["name"] == "refund"


LEFT_OPEN = """
    from auditspan.instrumentation import tool

    @tool
    def count(n):
        yield from range(n)

    kept = count(3)
    next(kept)
"""


def test_a_generator_that_is_open_at_the_end_does_not_hold_the_process(
    tmp_path: Path, sink: Sink
) -> None:
    """Python closes it when our part is over; it ends, and what is recorded is on disk."""
    done = run(tmp_path, sink.url, LEFT_OPEN)
    assert (done.returncode, done.stderr) == (0, "")
    run(tmp_path, sink.url, "from auditspan.instrumentation import tool\ntool(lambda: 0)()")
    assert sink.one("execute_tool count").text(RESULT) == "[0]"
