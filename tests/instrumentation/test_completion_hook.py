"""Content of model calls, from the real openai client under the official instrumentation."""

import json
from pathlib import Path

import pytest

from tests.instrumentation.agents import run
from tests.instrumentation.sink import Received, Sink

CHAT = """
    from openai import OpenAI
    from auditspan.instrumentation.replay.conversations import Conversation
    from auditspan.instrumentation.replay.playback_server import PlaybackServer

    call = {"id": "call-1", "type": "function",
            "function": {"name": "refund", "arguments": '{"order":"o-1"}'}}
    server = PlaybackServer()
    server.add(Conversation.model_validate({
        "conversation_id": "c-1",
        "messages": [{"role": "assistant", "content": "secret words", "tool_calls": [call]}],
    }))
    client = OpenAI(base_url=server.base_url, api_key="k")
    client.chat.completions.create(
        model="m", messages=[{"role": "user", "content": "my words"}],
        extra_headers={"x-replay-conversation": "c-1"},
    )
    server.close()
"""


def chat(folder: Path, sink: Sink, capture: str) -> Received:
    """One call of a model."""
    environ = {"AUDITSPAN_CAPTURE": capture} if capture else {}
    done = run(folder, sink.url, CHAT, **environ)
    assert (done.returncode, done.stderr) == (0, "")
    return sink.one("chat m")


def test_requested_calls_are_kept_and_words_are_not(tmp_path: Path, sink: Sink) -> None:
    """By default a completion is recorded as what it asks to be done."""
    span = chat(tmp_path, sink, "")
    [message] = json.loads(span.text("gen_ai.output.messages"))
    assert message["parts"] == [
        {"type": "tool_call", "id": "call-1", "name": "refund", "arguments": {"order": "o-1"}}
    ]
    assert "words" not in str(span.attributes)
    assert span.attributes["gen_ai.usage.output_tokens"]


@pytest.mark.parametrize("capture", ["none", "arguments,results"])
def test_nothing_is_kept_unless_asked(tmp_path: Path, sink: Sink, capture: str) -> None:
    """The settings decide."""
    assert "gen_ai.output.messages" not in chat(tmp_path, sink, capture).attributes


def test_messages_are_kept_when_asked(tmp_path: Path, sink: Sink) -> None:
    """With everything that was said."""
    span = chat(tmp_path, sink, "messages")
    assert "my words" in span.text("gen_ai.input.messages")
    assert "secret words" in span.text("gen_ai.output.messages")
