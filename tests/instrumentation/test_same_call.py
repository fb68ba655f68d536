"""Spans of other libraries that tell of a guarded call are tied to its record."""

from pathlib import Path

from opentelemetry import trace
from opentelemetry.sdk.trace import ReadableSpan, TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

from auditspan.instrumentation.act import Act
from auditspan.instrumentation.call import begin
from auditspan.instrumentation.runtime import Runtime
from tests.instrumentation.recorded import running, written

LOOK = Act("execute_tool", "look", "{}", framework="small")


def application(found: Runtime) -> tuple[trace.Tracer, InMemorySpanExporter]:
    """A tracer of the agent's own, with our processor on it."""
    exporter = InMemorySpanExporter()
    provider = TracerProvider(shutdown_on_exit=False)
    provider.add_span_processor(found.durable)
    provider.add_span_processor(SimpleSpanProcessor(exporter))
    return provider.get_tracer("other"), exporter


def tied(spans: tuple[ReadableSpan, ...]) -> dict[str, object]:
    return {span.name: (span.attributes or {}).get("audit.call.span.id") for span in spans}


def test_spans_of_the_same_tool_are_tied(tmp_path: Path) -> None:
    """Those inside and around, by their name or attribute; others of the same trace are not."""
    with running(tmp_path) as found:
        tracer, exporter = application(found)
        with tracer.start_as_current_span("run"), tracer.start_as_current_span("execute_tool look"):
            call = begin(LOOK)
            with call.active():
                tracer.start_span("tool", attributes={"gen_ai.tool.name": "look"}).end()
                tracer.start_span("MCP send tools/call look").end()
                tracer.start_span("execute_tool look_up").end()
            call.succeeded()
            tracer.start_span("execute_tool look", attributes={"n": 2}).end()
    [ours] = [span for span in written(tmp_path) if span.scope == "auditspan"]
    spans = exporter.get_finished_spans()
    assert tied(spans[:3] + spans[4:]) == {
        "tool": ours.id,
        "MCP send tools/call look": ours.id,
        "execute_tool look_up": None,
        "execute_tool look": ours.id,
        "run": None,
    }
    assert tied(spans[3:4]) == {"execute_tool look": None}
