"""Conversations through the agent loop, in a process of its own."""

import gzip
import json
import subprocess
import sys
from collections import Counter
from pathlib import Path

from auditspan.instrumentation.replay.conversations import Conversation
from auditspan.instrumentation.replay.playback_server import PlaybackServer
from tests.instrumentation.agents import BIN, environment
from tests.instrumentation.replay.test_conversations import GOOD, changed, file
from tests.instrumentation.sink import Sink
from tests.instrumentation.test_guard import registry

AIRLINE = Path(__file__).parents[2] / "vectors" / "airline" / "conversations.jsonl.gz"


def replay(
    folder: Path, url: str, path: Path, /, *options: str, **further: str
) -> subprocess.CompletedProcess[str]:
    """Run a replay as the command line does."""
    return subprocess.run(
        [
            str(BIN / "opentelemetry-instrument"),
            sys.executable,
            "-m",
            "auditspan.instrumentation.replay",
            str(path),
            *options,
        ],
        env=environment(folder / "spool", url, further),
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )


def lines(done: subprocess.CompletedProcess[str]) -> list[dict[str, object]]:
    """What it says."""
    return [json.loads(line) for line in done.stdout.splitlines()]


def test_each_answer_call_and_conversation_is_a_record(tmp_path: Path, sink: Sink) -> None:
    """Linked to their conversation and parent, with agent, user and requested calls."""
    second = changed(conversation_id="c-2", user="alice", purpose="refunds")
    done = replay(tmp_path, sink.url, file(tmp_path, GOOD, second), "--agent", "airline")
    assert (done.returncode, done.stderr) == (0, "")
    *_, end = lines(done)
    assert (end["model_calls"], end["tool_calls"], end["delivered"]) == (4, 2, True)
    operation = "gen_ai.operation.name"
    spans = [span for span in sink.spans if operation in span.attributes]
    assert Counter(span.text(operation) for span in spans) == {
        "chat": 4,
        "execute_tool": 2,
        "invoke_agent": 2,
    }
    roots = {span.trace: span for span in spans if not span.parent}
    assert len(roots) == 2
    for span in spans:
        root = roots[span.trace]
        assert span.parent == (root.id if span is not root else "")
        assert span.text("gen_ai.conversation.id") == root.text("gen_ai.conversation.id")
        assert span.text("gen_ai.agent.id") == "airline"
        assert span.text("user.id") in ("user-of-c-1", "alice")
        assert span.text("audit.purpose") in ("replay", "refunds")
    call = next(span for span in spans if span.text(operation) == "execute_tool")
    assert call.text("gen_ai.tool.call.result") == '"result"'
    assert call.text("gen_ai.tool.call.id") == "call-1"
    requested = [s.text("gen_ai.output.messages") for s in spans if s.text(operation) == "chat"]
    assert sum('"name":"t"' in text for text in requested) == 2
    assert "hello" not in "".join(requested)


def test_progress_is_told_line_by_line(tmp_path: Path, sink: Sink) -> None:
    """For a progress bar: how many there are, and each that is done."""
    many = [changed(conversation_id=f"c-{n}") for n in range(9)]
    done = replay(tmp_path, sink.url, file(tmp_path, *many), "--limit", "5", "--concurrency", "3")
    start, *middle, end = lines(done)
    assert start == {"event": "start", "conversations": 5}
    assert [line["done"] for line in middle] == [1, 2, 3, 4, 5]
    assert {line["id"] for line in middle} == {f"c-{n}" for n in range(5)}
    assert (end["event"], end["conversations"], end["tool_calls"]) == ("end", 5, 5)


def test_a_mistake_is_told_before_anything_runs(tmp_path: Path, sink: Sink) -> None:
    """Exit code 2, and no record of half a file."""
    done = replay(tmp_path, sink.url, file(tmp_path, GOOD, b"{"))
    assert done.returncode == 2
    [line] = lines(done)
    assert line["event"] == "error"
    assert "c.jsonl:2: column 2: is not JSON" in str(line["message"])
    assert sink.requests == []


def test_a_denied_call_does_not_end_the_conversation(tmp_path: Path, sink: Sink) -> None:
    """The model is told and goes on, as with any agent."""
    cedar = (
        '@id("not-t") @reason("no") forbid (principal, action, resource == Tool::"delete_order");'
    )
    text = json.dumps(GOOD).replace('"name": "t"', '"name": "delete_order"').encode()
    rest = '@id("rest") permit (principal, action, resource);'
    environ = registry(tmp_path, f"{cedar}\n{rest}")
    done = replay(tmp_path, sink.url, file(tmp_path, text), **environ)
    assert done.returncode == 0, done.stderr
    end = lines(done)[-1]
    assert (end["model_calls"], end["tool_calls"], end["denied"]) == (2, 1, 1)
    assert sink.one("execute_tool delete_order").text("audit.guard.enforcement") == "block"


def test_records_that_are_not_delivered_are_told(tmp_path: Path) -> None:
    """Without a collector the replay says so and keeps them."""
    path = file(tmp_path, GOOD)
    code = (
        "import sys; from auditspan.instrumentation.replay import __main__ as main; "
        "main.DELIVERY_SECONDS = 0.0; sys.exit(main.main(sys.argv[1:]))"
    )
    done = subprocess.run(
        [str(BIN / "opentelemetry-instrument"), sys.executable, "-c", code, str(path)],
        env=environment(tmp_path / "spool", "http://127.0.0.1:9"),
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert (done.returncode, lines(done)[-1]["delivered"]) == (1, False)
    assert list((tmp_path / "spool").glob("*/*.seg"))


def test_without_instrumentation_it_says_how_to_start(tmp_path: Path) -> None:
    """A replay that would leave no model calls is refused."""
    done = subprocess.run(
        [sys.executable, "-m", "auditspan.instrumentation.replay", str(file(tmp_path, GOOD))],
        env=environment(tmp_path / "spool", "http://127.0.0.1:9"),
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 2
    assert "opentelemetry-instrument python -m" in done.stdout


def test_the_scripted_model_plays_nothing_but_the_recording() -> None:
    """It names itself, and refuses what it has no recording for."""
    server = PlaybackServer()
    try:
        conversation = Conversation.model_validate(GOOD)
        server.add(conversation)

        def ask(id_: str, *roles: str) -> tuple[int, str]:
            body = json.dumps({"messages": [{"role": role} for role in roles]}).encode()
            status, answer = server.answer(id_, body)
            return status, json.dumps(answer)

        status, text = ask("c-1", "user")
        assert status == 200
        assert '"model": "scripted-playback"' in text
        assert ask("c-1", "user", "assistant", "assistant")[0] == 400
        assert ask("c-9")[0] == 404
        assert server.answer("c-1", b"{")[0] == 400
        server.remove(conversation)
        assert ask("c-1", "user")[0] == 404
    finally:
        server.close()


def test_all_airline_conversations_arrive(tmp_path: Path, sink: Sink) -> None:
    """Exactly as many model calls, tool calls and runs as are recorded, none lost, none twice."""
    path = tmp_path / "airline.jsonl"
    path.write_bytes(gzip.decompress(AIRLINE.read_bytes()))
    done = replay(tmp_path, sink.url, path, "--agent", "airline-agent", "--concurrency", "2")
    assert done.returncode == 0, done.stderr
    spans = sink.spans
    assert len({span.id for span in spans}) == len(spans)
    assert Counter(span.text("gen_ai.operation.name") for span in spans) == {
        "chat": 2_454,
        "execute_tool": 1_164,
        "invoke_agent": 200,
        "": 1,  # auditspan.close
    }
    tools = Counter(span.text("gen_ai.tool.name") for span in spans if span.name.startswith("exec"))
    assert (tools["get_reservation_details"], tools["search_direct_flight"]) == (377, 141)
    assert [span.attributes["audit.sequence.number"] for span in spans] == [*range(1, 3_820)]
