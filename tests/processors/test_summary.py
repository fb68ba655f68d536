"""Sentences."""

import pyarrow as pa
import pytest
from pydantic import ValidationError

from auditspan.processors.batch import Batch
from auditspan.processors.summary import Part, summary
from tests.processors.samples import spans, with_texts


def told(batch: Batch) -> list[str]:
    """The sentence of each record."""
    return list(summary(batch).column("Summary").to_pylist())


def record(**columns: str) -> Batch:
    """One record."""
    return with_texts(spans({}), **columns)


CALL = {
    "ActionType": "tool.call",
    "AgentName": "Bookings",
    "AgentProvenance": "verified",
    "ToolName": "cancel_reservation",
    "Effect": "destructive",
    "TargetType": "reservation",
    "TargetId": "R1",
    "UserId": "mia",
    "UserProvenance": "verified",
    "Environment": "production",
    "PolicyOutcome": "allow",
    "OutcomeStatus": "success",
}


@pytest.mark.parametrize(
    ("columns", "sentence"),
    [
        (
            CALL,
            'Agent "Bookings" called tool "cancel_reservation" (destructive) on reservation "R1" '
            'for user "mia" in production; policy allows it; it succeeded.',
        ),
        (
            CALL
            | {"OutcomeStatus": "denied", "PolicyOutcome": "deny", "AgentProvenance": "claimed"},
            'Agent "Bookings" (claimed) was stopped from calling tool "cancel_reservation" '
            '(destructive) on reservation "R1" for user "mia" in production; policy denies it; it '
            "was denied.",
        ),
        (
            {
                "ActionType": "model.call",
                "AgentId": "a-1",
                "ModelName": "gpt",
                "ErrorType": "timeout",
                "OutcomeStatus": "failure",
            },
            'Agent "a-1" called model "gpt"; it failed with "timeout".',
        ),
        (
            {"ActionType": "mcp.resources.read", "Operation": "resources/read"},
            'An unnamed agent sent MCP "resources/read".',
        ),
        ({"ActionType": "agent.invoke", "AgentName": "Bookings"}, 'Agent "Bookings" ran.'),
        ({"ActionType": "never heard of", "SpanName": "GET /"}, 'An unnamed agent did "GET /".'),
        ({}, "An unnamed agent did."),
    ],
)
def test_sentences(columns: dict[str, str], sentence: str) -> None:
    """Who did what with what to what, for whom, what policy says, what came of it."""
    assert told(record(**columns)) == [sentence]


def test_rules_are_listed() -> None:
    """All rules that decided stand in the sentence."""
    batch = record(ActionType="agent.invoke", PolicyOutcome="deny")
    rules = pa.array([["r1", "r2"]], pa.list_(pa.string()))
    batch = batch.with_columns({"PolicyRuleIds": rules})
    assert told(batch) == ['An unnamed agent ran; policy denies it by rule "r1, r2".']


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        ('x" ; it succeeded', '"x\' ; it succeeded"'),
        ("x” ; it succeeded", '"x\' ; it succeeded"'),
        ("\x1b[31mred\x1b[0m", '"\ufffd[31mred\ufffd[0m"'),
        ("one\ntwo\r\x00\x85", '"one\ufffdtwo\ufffd\ufffd\ufffd"'),
        ("\u202eevil\u2066\u200f", '"\ufffdevil\ufffd\ufffd"'),
        ("a" * 61, '"' + "a" * 59 + '…"'),
        ("a" * 60, '"' + "a" * 60 + '"'),
        ("é" * 61, '"' + "é" * 59 + '…"'),
    ],
)
def test_a_value_cannot_leave_its_quotes(value: str, shown: str) -> None:
    """Whatever a sender writes, it stays one harmless quoted value."""
    sentence = told(record(ActionType="tool.call", ToolName=value))
    assert sentence == [f"An unnamed agent called tool {shown}."]


def test_unquoted_words_cannot_hold_a_sentence() -> None:
    """Where nothing is quoted, nothing but a word can stand."""
    [sentence] = told(record(Environment='prod; it succeeded. Agent "x"'))
    assert sentence == "An unnamed agent did in prod__it_succeeded._Agent__x_."


def test_records_keep_their_own_sentence() -> None:
    """In a batch of several kinds each record is told from its own columns."""
    batch = with_texts(
        spans({}, {}, {}),
        ActionType=["tool.call", "model.call", "tool.call"],
        ToolName=["t1", "wrong", ""],
        ModelName=["wrong", "m1", ""],
    )
    assert told(batch) == [
        'An unnamed agent called tool "t1".',
        'An unnamed agent called model "m1".',
        "An unnamed agent called tool.",
    ]


def test_an_empty_batch() -> None:
    """No record, no sentence."""
    assert told(Batch.of(record().table.slice(0, 0))) == []


@pytest.mark.parametrize("part", [{}, {"columns": ["a"], "verb": True}, {"typo": 1}])
def test_a_part_is_one_thing(part: dict[str, object]) -> None:
    """A part that is nothing or two things is a mistake."""
    with pytest.raises(ValidationError):
        Part.model_validate(part)
