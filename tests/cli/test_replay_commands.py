"""`auditspan replay`: a real agent process, its progress, and what is said at its end."""

import json
import stat
import sys
from pathlib import Path

import pytest

from auditspan.cli.replay_commands import environment, events
from tests.cli.conftest import Auditspan
from tests.instrumentation.sink import Sink, running_sink

CONVERSATION = {
    "conversation_id": "c-1",
    "messages": [
        {"role": "user", "content": "where is it?"},
        {
            "role": "assistant",
            "content": None,
            "tool_calls": [
                {
                    "id": "call-1",
                    "type": "function",
                    "function": {"name": "get_order", "arguments": '{"id":"o-1"}'},
                }
            ],
        },
        {"role": "tool", "tool_call_id": "call-1", "content": "on its way"},
        {"role": "assistant", "content": "On its way."},
    ],
}


@pytest.fixture
def file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Two conversations; the spool of the agent lies beside."""
    monkeypatch.setenv("AUDITSPAN_SPOOL_DIR", str(tmp_path / "spool"))
    path = tmp_path / "conversations.jsonl"
    other = {**CONVERSATION, "conversation_id": "c 2"}
    path.write_text(f"{json.dumps(CONVERSATION)}\n{json.dumps(other)}\n")
    return path


def test_conversations_are_replayed_with_the_key(auditspan: Auditspan, file: Path) -> None:
    """The collector gets the spans with the agent's key; the end says what to look at."""
    key = Path("key")
    key.write_text("as_secret-key\n")
    key.chmod(stat.S_IRUSR | stat.S_IWUSR)
    with running_sink() as sink:
        ran = auditspan(
            "replay", file, "--endpoint", sink.url, "--agent", "helper", "--key-file", key
        )
        assert ran.code == 0, ran.err
        _received(sink)
    assert "2 conversations: 4 model calls, 2 tool calls" in ran.out
    assert "auditspan trace --conversation 'c 2'" in ran.out
    assert "secret-key" not in ran.out + ran.err


def _received(sink: Sink) -> None:
    assert len(sink.named("execute_tool get_order")) == 2
    assert {span.text("gen_ai.agent.id") for span in sink.spans} == {"helper"}
    sent = [{name.lower(): value for name, value in headers.items()} for headers in sink.headers]
    assert {headers["authorization"] for headers in sent} == {"Bearer as_secret-key"}


def test_a_collector_that_is_away_is_code_3(
    auditspan: Auditspan, file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nothing is lost, and nothing is called delivered that is not."""
    # A process that speaks as the replay does: the real one waits a minute for the collector.
    end = {"event": "end", "conversations": 1, "seconds": 1, "delivered": False}
    command = [sys.executable, "-c", f"print({json.dumps(end)!r})"]
    monkeypatch.setattr("auditspan.cli.replay_commands._command", lambda: command)
    ran = auditspan("replay", file, "--endpoint", "http://127.0.0.1:9")
    assert (ran.code, "kept on this machine" in ran.err) == (3, True)


def test_a_file_that_is_none_is_code_2(auditspan: Auditspan, tmp_path: Path, file: Path) -> None:
    """What is wrong with which line is what the replay says; an absent file too."""
    file.write_text(json.dumps(CONVERSATION) + "\n{\n")
    ran = auditspan("replay", file, "--endpoint", "http://127.0.0.1:9")
    assert (ran.code, f"{file}:2" in ran.err) == (2, True)
    ran = auditspan("replay", "absent.jsonl", "--endpoint", "http://127.0.0.1:9")
    assert (ran.code, "absent.jsonl" in ran.err) == (2, True)


def test_records_for_a_stopped_collector_go_nowhere_else(
    auditspan: Auditspan, tmp_path: Path, file: Path
) -> None:
    """A folder that was named is the one that is meant, not the usual port of this machine."""
    ran = auditspan("replay", file, "--data", tmp_path / "stopped")
    assert (ran.code, "auditspan up --data" in ran.err) == (3, True)


def test_what_else_a_process_writes_is_no_progress() -> None:
    """An agent may print; only lines of progress count."""
    lines = ["hello\n", '{"a": 1}\n', "[1]\n", '{"event": "start", "conversations": 2}\n', "{"]
    assert [event["event"] for event in events(lines)] == ["start"]


def test_the_key_goes_into_the_header_alone(tmp_path: Path) -> None:
    """Percent-encoded as the OTLP specification has it; the trace-only header does not win."""
    key = tmp_path / "key"
    key.write_text("a,b=c\n")
    key.chmod(0o600)
    outer = {"OTEL_EXPORTER_OTLP_TRACES_HEADERS": "authorization=old", "PATH": "/bin"}
    environ = environment(outer, "http://localhost:1", "helper", key)
    assert environ["OTEL_EXPORTER_OTLP_HEADERS"] == "authorization=Bearer%20a%2Cb%3Dc"
    assert "OTEL_EXPORTER_OTLP_TRACES_HEADERS" not in environ
    assert (environ["AUDITSPAN_AGENT_ID"], environ["PATH"]) == ("helper", "/bin")
