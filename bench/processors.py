"""CPU time of every processor on a batch of 20,000 spans, per span, median of 7 runs.

    .venv-dev/bin/python bench/processors.py

The spans have 17 attributes and 1.2 kB; three dialects, 50 tools, and either 600 distinct texts of
arguments or one for each call. Policy and identity are measured where their inputs are.
"""

import json
import os
import statistics
import time
from collections.abc import Callable
from functools import partial

import pyarrow as pa

from auditspan.processors.batch import Batch, Processor
from auditspan.processors.claims import claims
from auditspan.processors.finish import RANDOM_BYTES, finish
from auditspan.processors.normalize import NormalizeConfig, normalize
from auditspan.processors.privacy import PrivacyConfig, privacy
from auditspan.processors.retention import RetentionConfig, retention
from auditspan.processors.severity import SeverityConfig, severity
from auditspan.processors.summary import SummaryConfig, summary
from auditspan.registry.history import History, Version
from auditspan.registry.models import Effect, Registry, Target, Tool
from auditspan.semconv.dialects import load

ROWS, TOOLS, RUNS = 20_000, 50, 7
START = 1_800_000_000_000_000_000
KEY = b"k" * 32
_TEXTS = pa.map_(pa.string(), pa.string())
_TIME = pa.timestamp("ns", tz="UTC")
_EVENTS = pa.list_(pa.struct([("Timestamp", _TIME), ("Name", pa.string()), ("Attributes", _TEXTS)]))
_LINKS = pa.list_(
    pa.struct(
        [
            ("TraceId", pa.string()),
            ("SpanId", pa.string()),
            ("TraceState", pa.string()),
            ("Attributes", _TEXTS),
        ]
    )
)
_EFFECTS: tuple[Effect, ...] = ("read", "write", "destructive", "external")


def tool(number: int) -> Tool:
    """One of the registered tools."""
    return Tool(
        name=f"tool_{number}",
        effect=_EFFECTS[number % 4],
        target=Target(type="reservation", id="$.reservation_id"),
        data_subjects=("$.email",) if number % 3 == 0 else (),
        server="booking",
        data_class="customer",
    )


def registry() -> History:
    """All tools but the last two are registered."""
    tools = {each.name: each for each in map(tool, range(TOOLS - 2))}
    return History((Version(0, Registry({}, tools, (), {}, (), "sha256:1", "sha256:2")),))


def arguments(number: int) -> str:
    """Arguments of a call."""
    return json.dumps(
        {
            "reservation_id": f"R{number:07}",
            "email": f"customer{number % 97}@example.com",
            "flights": [{"flight": f"HAT{number % 900:03}", "date": "2027-05-11"}],
            "note": "changed on request of the customer, who was informed about the fee",
        }
    )


def attributes(row: int, distinct: int) -> dict[str, str]:
    """Attributes of one span: two of five are tool calls, some of them in OpenInference."""
    common = {
        "gen_ai.conversation.id": f"conversation-{row // 20:05}",
        "session.id": f"session-{row // 40:05}",
        "user.id": f"user-{row % 211}",
        "gen_ai.agent.name": f"agent-{row % 7}",
        "audit.agent.instance.id": f"instance-{row % 7}",
        "audit.sequence.number": str(row),
        "audit.purpose": "customer service",
        "server.address": "api.example.com",
        "server.port": "443",
    }
    number = (row * 7919) % distinct
    kind = row % 5
    if kind == 0:
        return common | {
            "openinference.span.kind": "TOOL",
            "tool.name": f"tool_{number % TOOLS}",
            "input.value": arguments(number),
            "output.value": json.dumps({"status": "ok", "detail": "x" * 300, "n": number}),
            "input.mime_type": "application/json",
            "output.mime_type": "application/json",
            "metadata": '{"build": "2027.5"}',
            "tag.tags": '["a"]',
        }
    if kind == 1:
        return common | {
            "gen_ai.operation.name": "execute_tool",
            "gen_ai.tool.name": f"tool_{number % TOOLS}",
            "gen_ai.tool.call.id": f"call_{row:024}",
            "gen_ai.tool.type": "function",
            "gen_ai.tool.call.arguments": arguments(number),
            "gen_ai.tool.call.result": json.dumps({"status": "ok", "d": "x" * 300, "n": number}),
            "audit.guard.outcome": "allow",
            "audit.guard.enforcement": "allow",
        }
    model = {
        "gen_ai.request.model": "gpt-5",
        "gen_ai.response.model": "gpt-5-2026-08-07",
        "gen_ai.response.id": f"chatcmpl-{row:024}",
        "gen_ai.response.finish_reasons": '["stop"]',
        "gen_ai.usage.input_tokens": str(500 + row % 1000),
        "gen_ai.usage.output_tokens": str(50 + row % 100),
        "gen_ai.input.messages": '[{"role":"user","parts":[{"type":"text","content":"'
        + f"message {number} "
        + "y" * 380
        + '"}]}]',
    }
    if kind == 2:
        return common | {"gen_ai.system": "openai", "llm.request.type": "chat"} | model
    return common | {"gen_ai.operation.name": "chat", "gen_ai.provider.name": "openai"} | model


def table(distinct: int) -> pa.Table:
    """A decoded batch."""
    resource = [
        ("service.name", "booking-agent"),
        ("deployment.environment.name", "production"),
        ("telemetry.sdk.language", "python"),
    ]
    spans = [attributes(row, distinct) for row in range(ROWS)]
    whole = {"audit.sequence.number", "gen_ai.usage.input_tokens", "gen_ai.usage.output_tokens"}
    types = [[(key, "int") for key in span if key in whole] for span in spans]
    text = {
        "RequestDigest": "sha256:" + "0" * 64,
        "Principal": '{"id":"agent:a","kind":"agent"}',
        "ParentSpanId": "b7ad6b7169203331",
        "TraceState": "",
        "SpanKind": "Internal",
        "StatusMessage": "",
        "ServiceName": "booking-agent",
        "ScopeName": "agent",
        "ScopeVersion": "1",
    }
    rows = range(ROWS)
    return pa.table(
        {
            "ReceivedAt": pa.array([START + row // 100 * 5_000_000 for row in rows], _TIME),
            "Timestamp": pa.array([START + row * 1000 for row in rows], _TIME),
            "Duration": pa.array(rows, pa.uint64()),
            "TraceId": [f"{row // 10:032x}" for row in rows],
            "SpanId": [f"{row:016x}" for row in rows],
            "SpanName": [f"span {row % 60}" for row in rows],
            "StatusCode": ["Error" if row % 50 == 0 else "Unset" for row in rows],
            **{name: pa.repeat(value, ROWS) for name, value in text.items()},
            "ResourceAttributes": pa.array([resource] * ROWS, _TEXTS),
            "SpanAttributes": pa.array([list(span.items()) for span in spans], _TEXTS),
            "AttributeTypes": pa.array(types, _TEXTS),
            "OtlpExtras": pa.array([[]] * ROWS, _TEXTS),
            "Events": pa.array([[]] * ROWS, _EVENTS),
            "Links": pa.array([[]] * ROWS, _LINKS),
            "Duplicates": pa.repeat(False, ROWS),
            "Undecodable": pa.repeat(False, ROWS),
        }
    )


def stages() -> dict[str, Processor]:
    """The stages with their inputs bound, in order."""
    history, dialects = registry(), load()
    rules, kept, kinds = NormalizeConfig(), PrivacyConfig(), SeverityConfig()
    words, days = SummaryConfig(), RetentionConfig()
    return {
        "claims": claims,
        "normalize": lambda batch: normalize(batch, dialects, history, KEY, rules),
        "privacy": lambda batch: privacy(batch, history, KEY, kept),
        "retention": lambda batch: retention(batch, history, days),
        "severity": lambda batch: severity(batch, kinds),
        "summary": lambda batch: summary(batch, words),
    }


def median(run: Callable[[], object]) -> float:
    """Median CPU microseconds a span."""
    taken = []
    for _ in range(RUNS):
        start = time.process_time()
        run()
        taken.append(time.process_time() - start)
    return statistics.median(taken) * 1e6 / ROWS


def report(title: str, distinct: int) -> None:
    """Measure every stage on what the one before gave, and print it."""
    decoded = table(distinct)
    batch = Batch.of(decoded)
    random = os.urandom(RANDOM_BYTES * ROWS)
    size = len(batch.column("SpanAttributes").items.buffers()[2]) // ROWS
    print(f"{title}: {ROWS} spans, {size} bytes of attribute values each")
    total = 0.0
    for name, stage in stages().items():
        taken = median(partial(stage, batch))
        batch, total = stage(batch), total + taken
        print(f"  {name:<10}{taken:8.2f} µs")
    taken = median(lambda: finish(batch, "bench-1-00000001", random))
    print(f"  {'finish':<10}{taken:8.2f} µs\n  {'together':<10}{total + taken:8.2f} µs")


if __name__ == "__main__":
    report("600 distinct arguments", 600)
    report("all arguments distinct", ROWS)
