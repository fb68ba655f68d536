"""Record spans of the real libraries as OTLP JSON, against a model on the loopback.

    python -m venv V && V/bin/pip install -r requirements/NAME.txt
    V/bin/python record.py NAME

writes `NAME.json`. Each name is one function below and one file in `requirements/`. Nothing but the
loopback is contacted. Times and ids are made equal, so that recording again changes nothing but
what a library changed.
"""

import asyncio
import json
import os
import re
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from fake_models import ARGUMENTS, TOOL, serve
from google.protobuf.json_format import MessageToDict
from opentelemetry import trace
from opentelemetry.exporter.otlp.proto.common.trace_encoder import encode_spans
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from opentelemetry.sdk.trace.id_generator import IdGenerator

QUESTION = "Please cancel R1."
SCHEMA = {
    "type": "object",
    "properties": {"reservation_id": {"type": "string"}, "reason": {"type": "string"}},
    "required": ["reservation_id", "reason"],
}
RESULT = "cancelled"


class Counted(IdGenerator):
    """Ids that are the same in every run."""

    def __init__(self) -> None:
        self._last = 0

    def generate_span_id(self) -> int:
        """The next number."""
        self._last += 1
        return self._last

    generate_trace_id = generate_span_id


def ask_openai(run_tool: Callable[..., str]) -> None:
    """The loop that people write: ask, run the tool, ask again."""
    import openai

    client = openai.OpenAI(base_url=serve() + "/v1", api_key="none")
    tools: Any = [{"type": "function", "function": {"name": TOOL, "parameters": SCHEMA}}]
    messages: Any = [{"role": "user", "content": QUESTION}]
    reply = client.chat.completions.create(model="gpt-4o", messages=messages, tools=tools)
    [call] = reply.choices[0].message.tool_calls or []
    result = run_tool(**json.loads(call.function.arguments))
    messages += [
        reply.choices[0].message.model_dump(exclude_none=True),
        {"role": "tool", "tool_call_id": call.id, "content": result},
    ]
    client.chat.completions.create(model="gpt-4o", messages=messages, tools=tools)


def genai_openai() -> None:
    """Official OpenTelemetry GenAI."""
    os.environ["OTEL_INSTRUMENTATION_GENAI_CAPTURE_MESSAGE_CONTENT"] = "SPAN_ONLY"
    from opentelemetry.instrumentation.genai.openai import OpenAIInstrumentor
    from opentelemetry.util.genai.handler import TelemetryHandler

    OpenAIInstrumentor().instrument()
    handler = TelemetryHandler()

    def run_tool(**arguments: str) -> str:
        with handler.tool(TOOL, tool_type="function") as call:
            call.tool_call_id, call.arguments, call.tool_result = "call_1", arguments, RESULT
        return RESULT

    ask_openai(run_tool)


def openinference_openai() -> None:
    """OpenInference, with the tool decorated as its documentation shows."""
    from openinference.instrumentation import OITracer, TraceConfig
    from openinference.instrumentation.openai import OpenAIInstrumentor

    OpenAIInstrumentor().instrument()
    tracer = OITracer(trace.get_tracer("agent"), config=TraceConfig())

    @tracer.tool(name=TOOL)
    def run_tool(reservation_id: str, reason: str) -> str:
        return RESULT

    ask_openai(run_tool)


def openllmetry_openai() -> None:
    """OpenLLMetry as it is now: only the model calls."""
    from opentelemetry.instrumentation.openai import OpenAIInstrumentor

    OpenAIInstrumentor().instrument()
    ask_openai(lambda **_: RESULT)


def traceloop_sdk() -> None:
    """The Traceloop SDK of 2025: decorated workflow and tool, indexed prompts."""
    from traceloop.sdk import Traceloop
    from traceloop.sdk.decorators import tool, workflow
    from traceloop.sdk.instruments import Instruments

    Traceloop.init(
        app_name="booking-agent",
        processor=SimpleSpanProcessor(EXPORTER),
        instruments={Instruments.OPENAI},
        telemetry_enabled=False,
    )

    @tool(name=TOOL)
    def run_tool(reservation_id: str, reason: str) -> str:
        return RESULT

    @workflow(name="booking")
    def work() -> None:
        Traceloop.set_association_properties({"user_id": "mia", "session_id": "s-1"})
        ask_openai(run_tool)

    work()


def anthropic_native() -> None:
    """The anthropic SDK's own spans, model calls and tools."""
    os.environ["ANTHROPIC_OPEN_TELEMETRY_TRACES_CONTENT_MODE"] = "content"
    ask_anthropic()


def openinference_anthropic() -> None:
    """OpenInference over the anthropic SDK, whose own spans are off."""
    os.environ["ANTHROPIC_OPEN_TELEMETRY"] = "false"
    from openinference.instrumentation.anthropic import AnthropicInstrumentor

    AnthropicInstrumentor().instrument()
    import anthropic

    client = anthropic.Anthropic(base_url=serve(), api_key="none")
    tools: Any = [{"name": TOOL, "input_schema": SCHEMA}]
    messages: Any = [{"role": "user", "content": QUESTION}]
    client.messages.create(model="claude-sonnet-5-5", max_tokens=99, messages=messages, tools=tools)


def ask_anthropic() -> None:
    """The tool runner of the SDK."""
    import anthropic

    @anthropic.beta_tool(name=TOOL)
    def run_tool(reservation_id: str, reason: str) -> str:
        """Cancel a reservation."""
        return RESULT

    client = anthropic.Anthropic(base_url=serve(), api_key="none")
    runner = client.beta.messages.tool_runner(
        model="claude-sonnet-5-5",
        max_tokens=99,
        tools=[run_tool],
        messages=[{"role": "user", "content": QUESTION}],
    )
    runner.until_done()


def mcp_native() -> None:
    """Client and server of the MCP SDK in memory: a call that works, one that fails, a resource."""
    from mcp.client.client import Client
    from mcp.server.mcpserver import MCPServer

    server = MCPServer("booking")

    @server.tool(name=TOOL)
    def run_tool(reservation_id: str, reason: str) -> str:
        """Cancel a reservation."""
        if reservation_id != "R1":
            raise ValueError("no such reservation")
        return RESULT

    @server.resource("policy://cancellation")
    def policy() -> str:
        """The rules."""
        return "Free within a day."

    async def talk(mode: str) -> None:
        async with Client(server, mode=mode) as client:
            await client.list_tools()
            await client.call_tool(TOOL, ARGUMENTS)
            await client.call_tool(TOOL, {**ARGUMENTS, "reservation_id": "R2"})
            await client.read_resource("policy://cancellation")

    # The handshake of before 2026-07-28 goes through a transport, so that both ends make spans.
    asyncio.run(talk("legacy"))


def strands_agent() -> None:
    """Strands: the older form with gen_ai.system and span events."""
    from strands import Agent
    from strands import tool as strands_tool
    from strands.models.openai import OpenAIModel

    @strands_tool(name=TOOL)
    def run_tool(reservation_id: str, reason: str) -> str:
        """Cancel a reservation."""
        return RESULT

    model = OpenAIModel(
        client_args={"base_url": serve() + "/v1", "api_key": "none"}, model_id="gpt-4o"
    )
    agent = Agent(model=model, tools=[run_tool], name="Bookings", callback_handler=None)
    agent(QUESTION)


RECORDINGS: dict[str, Callable[[], None]] = {
    "genai-openai": genai_openai,
    "openinference-openai": openinference_openai,
    "openinference-anthropic": openinference_anthropic,
    "openllmetry-openai": openllmetry_openai,
    "traceloop-sdk": traceloop_sdk,
    "anthropic-native": anthropic_native,
    "mcp-native": mcp_native,
    "strands": strands_agent,
}
EXPORTER = InMemorySpanExporter()
SAME = {
    r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d+": "2026-09-21T14:13:20.000000",
    r"[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[0-9a-f]{4}-[0-9a-f]{12}": "0" * 8
    + "-0000-4000-8000-"
    + "0" * 12,
}
"""What differs from run to run, and what stands in its place."""


def as_json(spans: Sequence[Any]) -> dict[str, Any]:
    """OTLP JSON: ids as hex (OTLP specification, JSON encoding), times made equal."""
    request = MessageToDict(encode_spans(spans), use_integers_for_enums=True)
    number = 0
    for resource in request["resourceSpans"]:
        for scope in resource["scopeSpans"]:
            for span in scope["spans"]:
                number += 1
                start = 1_790_000_000_000_000_000 + number * 1_000_000
                span["startTimeUnixNano"], span["endTimeUnixNano"] = str(start), str(start + 1000)
                for event in span.get("events", []):
                    event["timeUnixNano"] = str(start)
                for item in (span, *span.get("links", [])):
                    for key in ("traceId", "spanId", "parentSpanId"):
                        if key in item:
                            item[key] = hexed(item[key])
    return request


def hexed(text: str) -> str:
    """Base64 as hex."""
    import base64

    return base64.b64decode(text).hex()


def main(name: str) -> None:
    """Record one."""
    provider = TracerProvider(
        resource=Resource({"service.name": "booking-agent"}), id_generator=Counted()
    )
    provider.add_span_processor(SimpleSpanProcessor(EXPORTER))
    if name != "traceloop-sdk":
        trace.set_tracer_provider(provider)
    RECORDINGS[name]()
    spans = EXPORTER.get_finished_spans()
    text = json.dumps(as_json(spans), indent=1, ensure_ascii=False, sort_keys=True)
    for pattern, same in SAME.items():
        text = re.sub(pattern, same, text)
    (Path(__file__).parent / f"{name}.json").write_text(text + "\n", encoding="utf-8")
    print(f"{name}: {len(spans)} spans: {', '.join(span.name for span in spans)}")


if __name__ == "__main__":
    main(sys.argv[1])
