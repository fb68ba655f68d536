"""Spans made by the real SDK, and a runtime over a folder."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import ReadableSpan, TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

from auditspan.instrumentation import runtime as runtime_module
from auditspan.instrumentation.runtime import Runtime
from auditspan.instrumentation.settings import settings
from tests.instrumentation.sink import Received, spans_of


def spans(*names: str, **attributes: str) -> tuple[ReadableSpan, ...]:
    """Ended spans."""
    exporter = InMemorySpanExporter()
    provider = TracerProvider(
        resource=Resource({"service.name": "test"}, "https://schema.example/resource"),
        shutdown_on_exit=False,
    )
    provider.add_span_processor(SimpleSpanProcessor(exporter))
    tracer = provider.get_tracer("scope", "1.0", "https://schema.example/scope", {"a": "b"})
    for name in names:
        with tracer.start_as_current_span(name, attributes=attributes) as span:
            span.add_event("event", {"k": 1})
    return exporter.get_finished_spans()


@contextmanager
def running(folder: Path, **environ: str) -> Iterator[Runtime]:
    """A runtime in this process, over a spool that nobody empties."""
    values = {
        # Nothing listens there: what is recorded stays on disk.
        "OTEL_EXPORTER_OTLP_ENDPOINT": "http://127.0.0.1:9",
        "AUDITSPAN_SPOOL_DIR": str(folder / "spool"),
        "AUDITSPAN_EXIT_SECONDS": "0",
        **environ,
    }
    made = Runtime.make(settings(values))
    process = runtime_module._process
    assert process.made is None
    process.made = made
    try:
        yield made
    finally:
        process.made = None
        made.durable.close(0.0)


def written(folder: Path) -> list[Received]:
    """What stands in the spool, in order."""
    paths = sorted((folder / "spool").glob("*/*.*"))
    return [span for path in paths for span in spans_of(path.read_bytes())]
