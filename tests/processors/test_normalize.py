"""Kind, effect, outcome and the rest, from attributes in our own words."""

import numpy as np
import pytest

from auditspan.processors.batch import Batch
from auditspan.processors.normalize import normalize
from auditspan.registry.history import History
from auditspan.registry.models import Effect, Tool
from auditspan.semconv.dialects import load
from tests.processors.samples import NOW, batch, history, spans

KEY = b"k" * 32


def normalized(records: Batch, registry: History | None = None) -> Batch:
    """The batch after the stage."""
    return normalize(records, load(), registry or history(), KEY)


def column(records: Batch, name: str) -> list[object]:
    """A column after the stage."""
    return list(normalized(records).column(name).to_pylist())


@pytest.mark.parametrize(
    ("attributes", "operation", "action_type", "effect"),
    [
        ({"gen_ai.operation.name": "chat"}, "chat", "model.call", ""),
        ({"gen_ai.operation.name": "invoke_agent"}, "invoke_agent", "agent.invoke", ""),
        ({"gen_ai.operation.name": "agent.delegate"}, "agent.delegate", "agent.delegate", ""),
        ({"gen_ai.operation.name": "retrieval"}, "retrieval", "retrieval", "read"),
        ({"gen_ai.operation.name": "search_memory"}, "search_memory", "memory.read", "read"),
        ({"gen_ai.operation.name": "upsert_memory"}, "upsert_memory", "memory.write", "write"),
        (
            {"gen_ai.operation.name": "delete_memory"},
            "delete_memory",
            "memory.write",
            "destructive",
        ),
        ({"gen_ai.operation.name": "approval"}, "approval", "approval", ""),
        ({"audit.approval.id": "a-1"}, "approval", "approval", ""),
        ({"gen_ai.tool.name": "t"}, "execute_tool", "tool.call", "unknown"),
        ({"mcp.method.name": "resources/read"}, "resources/read", "mcp.resources.read", "read"),
        (
            {"mcp.method.name": "tools/call", "gen_ai.tool.name": "t"},
            "execute_tool",
            "mcp.tools.call",
            "unknown",
        ),
        ({"mcp.method.name": "never/heard"}, "never/heard", "mcp.never.heard", "unknown"),
        ({"http.request.method": "GET"}, "other", "other", "read"),
        ({"http.request.method": "DELETE"}, "other", "other", "destructive"),
        ({"db.operation.name": "INSERT"}, "other", "other", "write"),
        ({"gen_ai.operation.name": "never_heard"}, "never_heard", "other", "unknown"),
        ({}, "other", "other", "unknown"),
    ],
)
def test_kind_and_effect(
    attributes: dict[str, str], operation: str, action_type: str, effect: str
) -> None:
    """What an act is shows in its operation, else in the attributes it has."""
    result = normalized(spans(attributes))
    told = [result.column(name)[0].as_py() for name in ("Operation", "ActionType", "Effect")]
    assert told == [operation, action_type, effect]


@pytest.mark.parametrize("effect", ["read", "write", "destructive", "external", "unknown"])
def test_a_tools_effect_stands_in_the_catalogue(effect: Effect) -> None:
    """What the sender says of it counts for nothing."""
    claimed = {"gen_ai.tool.name": "t", "audit.tool.effect": "read", "http.request.method": "GET"}
    result = normalized(spans(claimed), history(Tool(name="t", effect=effect)))
    assert result.column("Effect").to_pylist() == [effect]
    assert result.has("effect.unknown").tolist() == [effect == "unknown"]
    assert not result.has("tool.unregistered").any()


def test_an_unregistered_tool_is_unknown_and_flagged() -> None:
    """Never `read`; and what is no act of an agent is not flagged."""
    records = spans({"gen_ai.tool.name": "x"}, {"gen_ai.operation.name": "chat"}, {})
    result = normalized(records)
    assert result.column("Effect").to_pylist() == ["unknown", "", "unknown"]
    assert result.has("effect.unknown").tolist() == [True, False, False]
    assert result.has("tool.unregistered").tolist() == [True, False, False]


def test_what_the_catalogue_knows_is_attached() -> None:
    """Server, version, class of data and schema of a registered tool."""
    tool = Tool(
        name="t", server="s", version="2", data_class="health", arguments={"type": "object"}
    )
    result = normalized(spans({"gen_ai.tool.name": "t"}, {}), history(tool))
    assert result.derived["audit.data.classification"].to_pylist() == ["health", None]
    assert result.derived["audit.tool.server"].to_pylist() == ["s", None]
    assert result.derived["audit.tool.version"].to_pylist() == ["2", None]
    assert result.derived["audit.tool.schema.hash"].to_pylist() == [tool.schema_hash, None]


@pytest.mark.parametrize(
    ("row", "outcome", "error"),
    [
        ({}, "success", ""),
        ({"StatusCode": "Ok"}, "success", ""),
        ({"StatusCode": "Error"}, "failure", "_OTHER"),
        ({"SpanAttributes": {"error.type": "timeout"}}, "failure", "timeout"),
        (
            {"SpanAttributes": {"audit.outcome": "success"}, "StatusCode": "Error"},
            "failure",
            "_OTHER",
        ),
        (
            {"SpanAttributes": {"audit.outcome": "partial"}, "StatusCode": "Error"},
            "partial",
            "_OTHER",
        ),
        ({"SpanAttributes": {"audit.outcome": "pending"}}, "pending", ""),
        ({"SpanAttributes": {"audit.outcome": "denied"}}, "denied", ""),
        (
            {"SpanAttributes": {"audit.outcome": "denied", "audit.guard.enforcement": "monitor"}},
            "success",
            "",
        ),
        (
            {"SpanAttributes": {"audit.guard.enforcement": "block"}, "StatusCode": "Error"},
            "denied",
            "_OTHER",
        ),
        ({"SpanAttributes": {"gen_ai.response.status": "incomplete"}}, "partial", ""),
        ({"SpanAttributes": {"pydantic_ai.tool.deferral.name": "ApprovalRequired"}}, "pending", ""),
        ({"SpanAttributes": {"audit.outcome": "splendid"}}, "success", ""),
        ({"StatusCode": ""}, "unknown", ""),
        (
            {
                "StatusCode": "Error",
                "Events": [
                    {"Name": "exception", "Timestamp": NOW, "Attributes": {"exception.type": "A"}},
                    {"Name": "exception", "Timestamp": NOW, "Attributes": {"exception.type": "B"}},
                ],
            },
            "failure",
            "B",
        ),
    ],
)
def test_outcome(row: dict[str, object], outcome: str, error: str) -> None:
    """A failure that the span shows goes before a success that it claims; denied is blocked."""
    result = normalized(batch(row))
    assert result.column("OutcomeStatus").to_pylist() == [outcome]
    assert result.column("ErrorType").to_pylist() == [error]


def test_model_and_tokens() -> None:
    """The model that answered goes before the one that was asked; a count is a number or 0."""
    records = spans(
        {
            "gen_ai.request.model": "m",
            "gen_ai.response.model": "m-2",
            "gen_ai.usage.input_tokens": "5",
        },
        {"gen_ai.request.model": "m", "gen_ai.usage.output_tokens": "many"},
        {"gen_ai.usage.input_tokens": "9" * 30, "gen_ai.usage.output_tokens": "-1"},
    )
    result = normalized(records)
    assert result.column("ModelName").to_pylist() == ["m-2", "m", ""]
    assert result.column("InputTokens").to_pylist() == [5, 0, 0]
    assert result.column("OutputTokens").to_pylist() == [0, 0, 0]


def test_what_a_span_says_goes_before_its_resource() -> None:
    """In one batch some spans say it, of others only the resource does."""
    name = "deployment.environment.name"
    records = batch(
        {"SpanAttributes": {name: "staging"}, "ResourceAttributes": {name: "production"}},
        {"ResourceAttributes": {name: "production"}},
        {},
    )
    assert column(records, "Environment") == ["staging", "production", ""]


def test_our_words_go_before_those_of_a_dialect() -> None:
    """A dialect fills what is empty, and changes nothing else."""
    records = spans(
        {"openinference.span.kind": "TOOL", "tool.name": "theirs", "gen_ai.tool.name": "ours"},
        {"openinference.span.kind": "TOOL", "tool.name": "theirs"},
    )
    assert column(records, "ToolName") == ["ours", "theirs"]


def test_the_raw_attributes_stay() -> None:
    """A mistake in a mapping can be repaired."""
    records = spans({"openinference.span.kind": "LLM", "llm.model_name": "m"})
    assert normalized(records).column("SpanAttributes").equals(records.column("SpanAttributes"))


def test_an_empty_batch() -> None:
    """No record, no reason to fail."""
    assert len(normalized(batch())) == 0


def test_order_makes_no_difference() -> None:
    """Each record comes out the same alone and among others."""
    rows = [
        {"openinference.span.kind": "TOOL", "tool.name": "a", "input.value": '{"x": 1}'},
        {"gen_ai.operation.name": "chat", "gen_ai.request.model": "m"},
        {"traceloop.span.kind": "tool", "traceloop.entity.name": "b"},
        {"mcp.method.name": "tools/list"},
        {},
    ]
    order = np.random.default_rng(1).permutation(len(rows) * 4) % len(rows)
    together = normalized(spans(*(rows[n] for n in order))).table.to_pylist()
    alone = [normalized(spans(row)).table.to_pylist()[0] for row in rows]
    assert together == [alone[n] for n in order]
