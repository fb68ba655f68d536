"""How much content is kept."""

import itertools
import json

import pyarrow as pa
import pytest

from auditspan.processors.batch import Batch
from auditspan.processors.hashes import content_hash
from auditspan.processors.privacy import PrivacyConfig, privacy
from auditspan.registry.history import History
from auditspan.registry.models import Capture, CaptureMode, Tool
from tests.processors.samples import NOW, batch, history, spans, with_texts

KEY = b"k" * 32
SECRET = "AKIA" + "IOSFODNN7EXAMPLE"
ARGUMENTS = json.dumps({"id": 1, "password": "hunter2", "note": SECRET})
RESULT = f"done {SECRET}"
MODES: tuple[CaptureMode, ...] = ("none", "hash", "redacted", "full")


def call(**more: object) -> Batch:
    """One call of the tool `t`, said in our words and in others'."""
    row = {
        "SpanAttributes": {
            "gen_ai.tool.call.arguments": ARGUMENTS,
            "input.value": ARGUMENTS,
            "gen_ai.tool.call.result": RESULT,
            "output.value": RESULT,
        },
        "Events": [
            {"Name": "gen_ai.tool.message", "Timestamp": NOW, "Attributes": {"content": ARGUMENTS}},
            {"Name": "gen_ai.choice", "Timestamp": NOW, "Attributes": {"message": RESULT}},
            {"Name": "other", "Timestamp": NOW, "Attributes": {"message": "stays"}},
        ],
        **more,
    }
    return with_texts(
        batch(row),
        Operation="execute_tool",
        ToolName="t",
        ToolArguments=ARGUMENTS,
        ToolResult=RESULT,
    )


def captured(arguments: CaptureMode, result: CaptureMode) -> History:
    """A registry in which the tool is captured so."""
    return history(Tool(name="t", capture=Capture(arguments=arguments, result=result)))


def one(records: Batch) -> dict[str, object]:
    """The only record, its attributes as dict and its events as text."""
    [row] = records.table.to_pylist()
    told: dict[str, object] = {**row, "SpanAttributes": dict(row["SpanAttributes"])}
    return told | {"Events": str(row["Events"])}


@pytest.mark.parametrize(("arguments", "result"), list(itertools.product(MODES, MODES)))
def test_modes(arguments: CaptureMode, result: CaptureMode) -> None:
    """Each mode holds for column, hash and raw attributes, whoever named them, and in events."""
    row = one(privacy(call(), captured(arguments, result), KEY))
    attributes = row["SpanAttributes"]
    assert isinstance(attributes, dict)
    for mode, column, hash_column, raw, plain in (
        (
            arguments,
            "ToolArguments",
            "ArgumentsHash",
            ("gen_ai.tool.call.arguments", "input.value"),
            ARGUMENTS,
        ),
        (result, "ToolResult", "ResultHash", ("gen_ai.tool.call.result", "output.value"), RESULT),
    ):
        kept = {attributes[name] for name in raw}
        assert bool(row[hash_column]) == (mode != "none")
        if mode in ("none", "hash"):
            assert (row[column], kept) == ("", {"[removed]"})
        elif mode == "full":
            assert (row[column], kept) == (plain, {plain})
        else:
            assert {row[column]} == kept
            assert SECRET not in str(row[column])
            assert "hunter2" not in str(row[column])
    assert "stays" in str(row["Events"])
    assert SECRET not in str(row["Events"])
    assert ("done" in str(row["Events"])) == (result in ("redacted", "full"))
    assert ("hunter2" in str(row["Events"])) is False


def test_hashes_are_of_what_was_sent() -> None:
    """Before anything is removed, with the key; equal arguments in another spelling are equal."""
    row = one(privacy(call(), history(), KEY))
    assert row["ArgumentsHash"] == content_hash(ARGUMENTS, KEY)
    spelled = with_texts(call(), ToolArguments=json.dumps(json.loads(ARGUMENTS), indent=3))
    assert one(privacy(spelled, history(), KEY))["ArgumentsHash"] == row["ArgumentsHash"]
    assert one(privacy(call(), history(), b"o" * 32))["ArgumentsHash"] != row["ArgumentsHash"]
    assert str(row["ResultHash"]).startswith("hmac-sha256:")


def test_a_hash_of_the_sender_stands_where_it_sent_no_content() -> None:
    """With content, ours stands."""
    told = with_texts(call(), ArgumentsHash="sha256:told", ResultHash="sha256:told")
    assert one(privacy(told, history(), KEY))["ArgumentsHash"] != "sha256:told"
    silent = with_texts(told, ToolArguments="", ToolResult="")
    assert one(privacy(silent, history(), KEY))["ArgumentsHash"] == "sha256:told"
    assert one(privacy(silent, history(), KEY))["ResultHash"] == "sha256:told"


def test_the_default_for_tools_that_are_not_registered() -> None:
    """Arguments redacted, results as hash; the configuration changes it."""
    row = one(privacy(call(), history(), KEY))
    assert json.loads(str(row["ToolArguments"]))["password"] == "[redacted]"
    assert row["ToolResult"] == ""
    config = PrivacyConfig(unregistered=Capture(arguments="none", result="full"))
    row = one(privacy(call(), history(), KEY, config))
    assert (row["ToolArguments"], row["ToolResult"]) == ("", RESULT)


@pytest.mark.parametrize("mode", MODES)
def test_messages_of_models(mode: CaptureMode) -> None:
    """In our words, indexed, and in events; arguments of a model call are a message."""
    event = {
        "Name": "gen_ai.user.message",
        "Timestamp": NOW,
        "Attributes": {"content": f"hi {SECRET}"},
    }
    names = ("gen_ai.input.messages", "gen_ai.prompt.0.content", "input.value")
    rows = {"SpanAttributes": dict.fromkeys(names, f"hi {SECRET}"), "Events": [event]}
    records = with_texts(batch(rows), Operation="chat")
    records = records.with_derived({"gen_ai.input.messages": pa.array([f"hi {SECRET}"])})
    result = privacy(records, history(), KEY, PrivacyConfig(messages=mode))
    assert ("gen_ai.input.messages" in result.derived) == (mode in ("redacted", "full"))
    row = one(result)
    attributes = row["SpanAttributes"]
    assert isinstance(attributes, dict)
    expected = {"full": f"hi {SECRET}", "redacted": "hi [redacted:aws]"}.get(mode, "[removed]")
    assert set(attributes.values()) == {expected}
    assert ("hi" in str(row["Events"])) == (mode in ("redacted", "full"))
    assert SECRET not in str(row["Events"])


def test_a_secret_is_counted_once_where_it_came() -> None:
    """Columns that are copies of attributes do not count again."""
    records = with_texts(
        spans({"gen_ai.tool.call.arguments": ARGUMENTS}),
        Operation="execute_tool",
        ToolName="t",
        ToolArguments=ARGUMENTS,
    )
    result = privacy(records, history(), KEY)
    assert result.derived["audit.content.redaction.count"].to_pylist() == ["2"]
    assert result.derived["audit.content.redaction.fields"].to_pylist() == [
        '["gen_ai.tool.call.arguments"]'
    ]
    assert result.has("content.secret").all()


def test_an_empty_batch() -> None:
    """No record, no reason to fail."""
    assert len(privacy(with_texts(batch(), ToolName=[]), history(), KEY)) == 0
