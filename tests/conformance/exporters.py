"""The exporters of OpenTelemetry for Python, with spans of its SDK, and what they did."""

import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from opentelemetry.exporter.otlp.proto.grpc.trace_exporter import OTLPSpanExporter as GrpcExporter
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter as HttpExporter
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import ReadableSpan, TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor, SpanExporter, SpanExportResult
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

from tests.end_to_end.running import Collector

Make = Callable[[Collector, float], SpanExporter]


def over_http(collector: Collector, timeout: float) -> SpanExporter:
    """HTTP/protobuf."""
    return HttpExporter(f"{collector.addresses['http']}/v1/traces", timeout=timeout)


def over_grpc(collector: Collector, timeout: float) -> SpanExporter:
    """gRPC."""
    return GrpcExporter(collector.addresses["grpc"], insecure=True, timeout=timeout)


EXPORTERS: dict[str, Make] = {"http": over_http, "grpc": over_grpc}


def spans(name: str, count: int = 3, size: int = 10) -> Sequence[ReadableSpan]:
    """Spans that have ended."""
    kept = InMemorySpanExporter()
    provider = TracerProvider(resource=Resource({"service.name": "retry"}), shutdown_on_exit=False)
    provider.add_span_processor(SimpleSpanProcessor(kept))
    for _ in range(count):
        with provider.get_tracer("retry").start_as_current_span(name) as span:
            span.set_attribute("note", "x" * size)
    return kept.get_finished_spans()


@dataclass
class Export:
    """One export, in a thread of its own."""

    exporter: SpanExporter
    batch: Sequence[ReadableSpan]
    result: SpanExportResult | None = None
    seconds: float = 0.0
    thread: threading.Thread = field(init=False)

    def __post_init__(self) -> None:
        self.thread = threading.Thread(target=self._run)
        self.thread.start()

    def _run(self) -> None:
        began = time.monotonic()
        self.result = self.exporter.export(self.batch)
        self.seconds = time.monotonic() - began

    def ended(self) -> SpanExportResult | None:
        """Wait for it, and close the exporter."""
        self.thread.join(60)
        self.exporter.shutdown()
        return self.result


def exported(collector: Collector, timeout: float, name: str, size: int = 10) -> dict[str, Export]:
    """Both exporters at once, with spans of their own."""
    return {
        way: Export(make(collector, timeout), spans(f"{name} {way}", size=size))
        for way, make in EXPORTERS.items()
    }
