"""Files of conversations, right and wrong."""

import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from auditspan.instrumentation.errors import ConversationsInvalid
from auditspan.instrumentation.replay import conversations
from auditspan.instrumentation.replay.conversations import Conversation, Function, read
from auditspan.instrumentation.replay.turns import turns

CALL = {"id": "call-1", "type": "function", "function": {"name": "t", "arguments": "{}"}}
GOOD = {
    "conversation_id": "c-1",
    "reward": 1.0,
    "messages": [
        {"role": "system", "content": "be kind"},
        {"role": "user", "content": "hello"},
        {"role": "assistant", "content": None, "tool_calls": [CALL]},
        {"role": "tool", "tool_call_id": "call-1", "name": "t", "content": "result"},
        {"role": "assistant", "content": "done"},
        {"role": "user", "content": "bye"},
    ],
}


def file(folder: Path, *lines: object) -> Path:
    """A file of lines, objects as JSON."""
    path = folder / "c.jsonl"
    texts = [line if isinstance(line, bytes) else json.dumps(line).encode() for line in lines]
    path.write_bytes(b"\n".join(texts))
    return path


def test_a_file_is_read(tmp_path: Path) -> None:
    """Conversation by conversation, without empty lines."""
    [first, second] = read(file(tmp_path, GOOD, b"", {**GOOD, "conversation_id": "c-2"}))
    assert (first.conversation_id, second.conversation_id) == ("c-1", "c-2")
    assert [message.content for message in first.answers] == [None, "done"]


def changed(**fields: object) -> dict[str, object]:
    """A conversation with something else in it."""
    return {**GOOD, **fields}


@pytest.mark.parametrize(
    ("line", "said"),
    [
        (b"{", ":1: column 2: is not JSON"),
        (b"\xff", ":1: is not UTF-8"),
        (b"[" * 100_000, ":1: is nested too deeply"),
        ([], ":1: line: input should be"),
        (changed(messages=[]), ":1: messages: tuple should have at least 1 item"),
        (changed(conversation_id=""), ":1: conversation_id: string should have at least 1"),
        ({"messages": []}, ":1: conversation_id: field required (and 1 more)"),
        (changed(messages=[{"role": "robot"}]), ":1: messages[0].role: input should be 'system'"),
        (
            changed(messages=[{"role": "user", "tool_calls": [CALL]}]),
            ":1: messages[0]: tool_calls in a message of role user, expected assistant",
        ),
        (
            changed(messages=[{"role": "tool", "content": "x"}]),
            ":1: messages[0]: a tool message without tool_call_id",
        ),
        (
            changed(messages=[{"role": "user"}, {"role": "tool", "tool_call_id": "x"}]),
            ":1: line: a tool message (x) that does not follow a request of the assistant",
        ),
        (
            changed(messages=[{"role": "assistant", "tool_calls": [{"id": "x"}]}]),
            ":1: messages[0].tool_calls[0].function: field required",
        ),
    ],
)
def test_what_is_wrong_is_told_with_its_place(tmp_path: Path, line: object, said: str) -> None:
    """Line, path and expectation, and never the words of a conversation."""
    with pytest.raises(ConversationsInvalid) as invalid:
        list(read(file(tmp_path, line)))
    assert f"{tmp_path}/c.jsonl{said}" in str(invalid.value)


def test_hostile_sizes_are_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Long lines, many lines, many messages, identifiers that come again, files that are none."""
    monkeypatch.setattr(conversations, "MAX_LINE", 2000)
    with pytest.raises(ConversationsInvalid, match="longer than 2000 bytes"):
        list(read(file(tmp_path, b" " * 5000)))
    monkeypatch.setattr(conversations, "MAX_CONVERSATIONS", 1)
    with pytest.raises(ConversationsInvalid, match="more than 1 lines"):
        list(read(file(tmp_path, GOOD, changed(conversation_id="c-2"))))
    with pytest.raises(ConversationsInvalid, match="at most 10000 items"):
        Conversation_ = changed(messages=[{"role": "user"}] * 10_001)
        monkeypatch.setattr(conversations, "MAX_LINE", 1 << 20)
        list(read(file(tmp_path, Conversation_)))


def test_identifiers_are_unique(tmp_path: Path) -> None:
    """Two conversations cannot be told apart otherwise."""
    with pytest.raises(ConversationsInvalid, match=":2: conversation_id: 'c-1' stands"):
        list(read(file(tmp_path, GOOD, GOOD)))


def test_an_empty_or_missing_file_is_told(tmp_path: Path) -> None:
    """Nothing is not a success."""
    with pytest.raises(ConversationsInvalid, match="holds no conversation"):
        list(read(file(tmp_path)))
    with pytest.raises(ConversationsInvalid, match="No such file"):
        list(read(tmp_path / "missing"))


@pytest.mark.parametrize(
    ("text", "values"),
    [
        ('{"a":1}', {"a": 1}),
        ("", {}),
        ("[1]", {"arguments": "[1]"}),
        ("{", {"arguments": "{"}),
    ],
)
def test_arguments_that_are_none_are_kept_as_text(text: str, values: object) -> None:
    """A model may write anything."""
    assert Function(name="t", arguments=text).values() == values


REQUEST = {"role": "assistant", "tool_calls": [CALL]}
ANSWERED = st.integers(0, 3).map(
    lambda n: [REQUEST, *[{"role": "tool", "content": "r", "tool_call_id": "x"}] * n]
)
WORDS = st.sampled_from(["system", "user", "assistant"]).map(lambda r: [{"role": r}])


@given(st.lists(ANSWERED | WORDS, min_size=1, max_size=12))
def test_every_answer_is_one_turn(parts: list[list[dict[str, object]]]) -> None:
    """Whatever the order of messages, none is lost and answers are as many as recorded."""
    messages = [message for part in parts for message in part]
    roles = [message["role"] for message in messages]
    found = Conversation.model_validate({"conversation_id": "c", "messages": messages})
    split = list(turns(found.messages))
    assert sum(turn.answered for turn in split) == roles.count("assistant")
    assert sum(len(turn.said) for turn in split) == roles.count("system") + roles.count("user")
    assert sum(len(turn.results) for turn in split) == roles.count("tool")


def test_results_are_found_by_id_else_by_place() -> None:
    """A recording that ends before a result has none."""
    [first, second, last] = turns(Conversation.model_validate(GOOD).messages)
    assert (first.result(0, "call-1"), first.result(0, "other")) == ("result", "result")
    assert first.result(1, "other") is None
    assert (second.answered, last.answered) == (True, False)
