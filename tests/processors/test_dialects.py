"""Spans of the real libraries, through the real decode: each comes out in our words."""

import base64
import json
from collections.abc import Iterator
from pathlib import Path

import pyarrow as pa
import pytest
from google.protobuf.json_format import ParseDict
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

from auditspan.processors.batch import Batch
from auditspan.processors.claims import claims
from auditspan.processors.normalize import normalize
from auditspan.processors.privacy import privacy
from auditspan.registry.models import Target, Tool
from auditspan.semconv.dialects import load
from auditspan.storage.decode import decode
from auditspan.storage.engine import Engine, open_memory
from tests.processors.samples import history
from tests.storage.conftest import frame

VECTORS = Path(__file__).parents[1] / "vectors" / "dialects"
KEY = b"k" * 32
CANCEL = Tool(
    name="cancel_reservation",
    effect="destructive",
    target=Target(type="reservation", id="$.reservation_id"),
)
CALL: dict[str, object] = {
    "Operation": "execute_tool",
    "ActionType": "tool.call",
    "ToolName": "cancel_reservation",
    "Effect": "destructive",
    "TargetType": "reservation",
    "TargetId": "R1",
    "OutcomeStatus": "success",
}
ARGUMENTS = {"reservation_id": "R1", "reason": "weather"}
CHAT: dict[str, object] = {
    "Operation": "chat",
    "ActionType": "model.call",
    "InputTokens": 42,
    "OutputTokens": 7,
}
OPENAI = CHAT | {"Provider": "openai", "ModelName": "gpt-4o-2024-08-06"}
CLAUDE = CHAT | {"Provider": "anthropic", "ModelName": "claude-sonnet-5-5-20260901"}
MCP: dict[str, object] = {
    "Operation": "execute_tool",
    "ActionType": "mcp.tools.call",
    "ToolName": CANCEL.name,
}

EXPECTED: dict[str, dict[str, dict[str, object]]] = {
    "genai-openai": {"chat gpt-4o": OPENAI, "execute_tool cancel_reservation": CALL},
    "openinference-openai": {"ChatCompletion": OPENAI, "cancel_reservation": CALL},
    "openinference-anthropic": {"messages.create": CLAUDE},
    "openllmetry-openai": {"openai.chat": OPENAI},
    "traceloop-sdk": {
        "openai.chat": OPENAI | {"UserId": "mia", "SessionId": "s-1"},
        "cancel_reservation.tool": CALL | {"UserId": "mia", "SessionId": "s-1"},
        "booking.workflow": {"Operation": "invoke_workflow", "ActionType": "agent.invoke"},
    },
    "anthropic-native": {
        "anthropic.messages.create": CLAUDE,
        "anthropic.custom_tool_use cancel_reservation": CALL,
        "anthropic.messages.tool_runner": {
            "Operation": "invoke_agent",
            "ActionType": "agent.invoke",
            "Provider": "anthropic",
        },
    },
    "mcp-native": {
        "MCP send tools/call cancel_reservation": MCP,
        "tools/call cancel_reservation": MCP,
        "tools/list": {"Operation": "tools/list", "ActionType": "mcp.tools.list", "Effect": "read"},
        "MCP send resources/read": {
            "Operation": "resources/read",
            "ActionType": "mcp.resources.read",
            "Effect": "read",
        },
    },
    "strands": {
        "chat": CHAT | {"ModelName": "gpt-4o", "Provider": "strands-agents"},
        "execute_tool cancel_reservation": CALL,
        "invoke_agent Bookings": {
            "Operation": "invoke_agent",
            "ActionType": "agent.invoke",
            "AgentName": "Bookings",
        },
    },
}
"""For each recording what its spans, by name, must say."""


@pytest.fixture(scope="module")
def engine() -> Iterator[Engine]:
    """An engine to decode with."""
    opened = open_memory()
    yield opened
    opened.close()


def request(name: str) -> ExportTraceServiceRequest:
    """A recording as the request that it was; OTLP JSON has hex where protobuf JSON has base64."""
    document = json.loads((VECTORS / f"{name}.json").read_text("utf-8"))
    for resource in document["resourceSpans"]:
        for scope in resource["scopeSpans"]:
            for span in scope["spans"]:
                for item in (span, *span.get("links", [])):
                    for key in {"traceId", "spanId", "parentSpanId"} & item.keys():
                        item[key] = base64.b64encode(bytes.fromhex(item[key])).decode()
    return ParseDict(document, ExportTraceServiceRequest())


def normalized(engine: Engine, name: str, folder: Path) -> Batch:
    """A recording after the stage under test."""
    segment = folder / "i-1795000000000-00000001.seg"
    segment.write_bytes(frame(request(name)))
    return normalize(claims(Batch.of(decode(engine, segment))), load(), history(CANCEL), KEY)


def records(batch: Batch) -> list[dict[str, object]]:
    """The records with the provider, which has no column of its own."""
    attributes = batch.column("SpanAttributes").to_pylist()
    derived = batch.derived.get("gen_ai.provider.name", pa.nulls(len(batch))).to_pylist()
    said = [dict(each).get("gen_ai.provider.name", "") for each in attributes]
    return [
        row | {"Provider": provider or own}
        for row, provider, own in zip(batch.table.to_pylist(), derived, said, strict=True)
    ]


@pytest.mark.parametrize("name", EXPECTED)
def test_a_dialect_fills_the_same_columns(engine: Engine, tmp_path: Path, name: str) -> None:
    """Whoever made the span, the columns say the same."""
    rows = records(normalized(engine, name, tmp_path))
    for span_name, columns in EXPECTED[name].items():
        found = [row for row in rows if row["SpanName"] == span_name]
        assert found, span_name
        for row in found:
            assert {key: row[key] for key in columns if key != "OutcomeStatus"} == {
                key: value for key, value in columns.items() if key != "OutcomeStatus"
            }
            assert row["Dialect"]
        assert columns.get("OutcomeStatus") in (None, found[0]["OutcomeStatus"])


@pytest.mark.parametrize("name", [n for n in EXPECTED if n not in ("mcp-native",)])
def test_arguments_and_result_of_tool_calls(engine: Engine, tmp_path: Path, name: str) -> None:
    """Arguments are JSON of the arguments alone; results are there until privacy takes them."""
    rows = [r for r in records(normalized(engine, name, tmp_path)) if r["ToolName"]]
    for row in rows:
        assert json.loads(str(row["ToolArguments"])) == ARGUMENTS
        assert "cancelled" in str(row["ToolResult"])


@pytest.mark.parametrize("name", EXPECTED)
def test_results_are_hashed_in_every_dialect(engine: Engine, tmp_path: Path, name: str) -> None:
    """By default no result stays on a record of a tool call, under no name and in no event."""
    batch = privacy(normalized(engine, name, tmp_path), history(CANCEL), KEY)
    rows = [row for row in batch.table.to_pylist() if row["Operation"] == "execute_tool"]
    for row in rows:
        assert row["ToolResult"] == ""
        assert row["ResultHash"].startswith("hmac-sha256:") or name == "mcp-native"
        held = str({key: row[key] for key in ("SpanAttributes", "Events", "ToolArguments")})
        assert "cancelled" not in held


@pytest.mark.parametrize("name", EXPECTED)
def test_nothing_harmless_is_taken_for_a_secret(engine: Engine, tmp_path: Path, name: str) -> None:
    """No recording holds a secret."""
    batch = privacy(normalized(engine, name, tmp_path), history(CANCEL), KEY)
    assert not batch.has("content.secret").any()


def test_every_recording_is_looked_at() -> None:
    """A recording without expectations would prove nothing."""
    assert {path.stem for path in VECTORS.glob("*.json")} == set(EXPECTED)


def test_an_error_of_an_mcp_tool_is_a_failure(engine: Engine, tmp_path: Path) -> None:
    """`isError` in the result of a call that went through is a failure of the tool."""
    rows = records(normalized(engine, "mcp-native", tmp_path))
    calls = [row for row in rows if row["SpanName"] == "tools/call cancel_reservation"]
    assert [(row["OutcomeStatus"], row["ErrorType"]) for row in calls] == [
        ("success", ""),
        ("failure", "tool_error"),
    ]


def test_folded_messages_are_json(engine: Engine, tmp_path: Path) -> None:
    """Indexed families become one list, in order."""
    for name in ("traceloop-sdk", "openinference-openai"):
        batch = normalized(engine, name, tmp_path)
        texts = [t for t in batch.derived["gen_ai.input.messages"].to_pylist() if t]
        roles = [[v for k, v in m.items() if k.endswith("role")] for m in json.loads(texts[-1])]
        assert roles == [["user"], ["assistant"], ["tool"]]
