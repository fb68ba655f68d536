"""Clients that send until they are acknowledged, and remember what was.

Raw OTLP over HTTP and gRPC, and the exporters of the OpenTelemetry SDK. A request that was not
acknowledged is sent again with the same bytes, as OTLP has it, or given up: then its spans may be
stored or not, but all of them or none, and once.
"""

import logging
import random
import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

import grpc
import httpx
from opentelemetry.exporter.otlp.proto.grpc.trace_exporter import OTLPSpanExporter as GrpcExporter
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter as HttpExporter
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import ReadableSpan
from opentelemetry.sdk.trace.export import SpanExporter, SpanExportResult
from opentelemetry.trace import SpanContext, TraceFlags

_METHOD: Final = "/opentelemetry.proto.collector.trace.v1.TraceService/Export"
_PROTOBUF: Final = {"content-type": "application/x-protobuf"}
_QUICK: Final = (
    ("grpc.initial_reconnect_backoff_ms", 50),
    ("grpc.min_reconnect_backoff_ms", 50),
    ("grpc.max_reconnect_backoff_ms", 200),
    ("grpc.enable_http_proxy", 0),
)
_BEGAN: Final = 1_760_000_000_000_000_000
_AGAIN_SECONDS: Final = (0.03, 0.03, 0.3, 3.0)
"""Before a request is sent again; the longest is more than one life of a collector."""
_GIVEN_UP: Final = 0.02
"""Part of the failed requests that is not sent again."""


@dataclass(frozen=True)
class Sender:
    """One way to send spans."""

    send: Callable[[Sequence[int]], bool]
    """Whether they were acknowledged."""
    close: Callable[[], None]


@dataclass
class Ledger:
    """What one client knows of what it sent; ids of spans say the request."""

    number: int
    """Of the client; the first byte of its span ids."""
    acknowledged: list[list[int]] = field(default_factory=list)
    given_up: list[list[int]] = field(default_factory=list)
    tries: int = 0


@dataclass
class Client:
    """One thread that sends."""

    ledger: Ledger
    sender: Sender
    rng: random.Random
    pause: float
    """Seconds between two requests."""
    stop: threading.Event = field(default_factory=threading.Event)
    thread: threading.Thread | None = None
    sent: int = 0

    def start(self) -> None:
        """Begin."""
        self.stop.clear()
        self.thread = threading.Thread(target=self._run, daemon=True)
        self.thread.start()

    def end(self) -> None:
        """Stop behind the request under way; what has no answer is given up."""
        self.stop.set()
        if self.thread is not None:
            self.thread.join()

    def close(self) -> None:
        """Stop for good."""
        self.end()
        self.sender.close()

    def _run(self) -> None:
        while not self.stop.is_set():
            spans = self._next()
            acknowledged = self._until_acknowledged(spans)
            (self.ledger.acknowledged if acknowledged else self.ledger.given_up).append(spans)
            self.stop.wait(self.rng.uniform(0, 2 * self.pause))

    def _next(self) -> list[int]:
        first = (self.ledger.number << 48) + self.sent + 1
        self.sent += self.rng.randint(1, 6)
        return list(range(first, (self.ledger.number << 48) + self.sent + 1))

    def _until_acknowledged(self, spans: list[int]) -> bool:
        while True:
            self.ledger.tries += 1
            if self.sender.send(spans):
                return True
            if self.stop.is_set() or self.rng.random() < _GIVEN_UP:
                return False
            self.stop.wait(self.rng.choice(_AGAIN_SECONDS))


def over_http(port: int) -> Sender:
    """Raw requests over HTTP."""
    client = httpx.Client(timeout=5, trust_env=False)
    url = f"http://127.0.0.1:{port}/v1/traces"

    def send(spans: Sequence[int]) -> bool:
        try:
            return client.post(url, content=body(spans), headers=_PROTOBUF).status_code == 200
        except httpx.HTTPError:
            return False

    return Sender(send, client.close)


def over_grpc(port: int) -> Sender:
    """Raw requests over gRPC."""
    channel = grpc.insecure_channel(f"127.0.0.1:{port}", list(_QUICK))
    call = channel.unary_unary(_METHOD)

    def send(spans: Sequence[int]) -> bool:
        try:
            call(body(spans), timeout=5)
        except grpc.RpcError:
            return False
        return True

    return Sender(send, channel.close)


def exporting(exporter: SpanExporter) -> Sender:
    """Through an exporter of the SDK, with its own tries again."""

    def send(spans: Sequence[int]) -> bool:
        return exporter.export([_span(number) for number in spans]) is SpanExportResult.SUCCESS

    return Sender(send, exporter.shutdown)


def http_exporter(port: int) -> Sender:
    """The SDK's exporter over HTTP."""
    return exporting(HttpExporter(f"http://127.0.0.1:{port}/v1/traces", timeout=2))


def grpc_exporter(port: int) -> Sender:
    """The SDK's exporter over gRPC."""
    # Its type says texts; gRPC takes these as numbers only.
    options: Any = _QUICK
    exporter = GrpcExporter(f"127.0.0.1:{port}", insecure=True, timeout=2, channel_options=options)
    return exporting(exporter)


KINDS: Final[tuple[tuple[Callable[[int], Sender], str], ...]] = (
    (over_http, "http"),
    (over_grpc, "grpc"),
    (http_exporter, "http"),
    (grpc_exporter, "grpc"),
)


def clients(ports: dict[str, int], rng: random.Random, pause: float = 0.1) -> list[Client]:
    """One of each kind."""
    # They say at each kill that they try again.
    logging.getLogger("opentelemetry").setLevel(logging.CRITICAL)
    return [
        Client(Ledger(number), kind(ports[port]), random.Random(rng.random()), pause)
        for number, (kind, port) in enumerate(KINDS, start=1)
    ]


def trace_of(number: int) -> int:
    """The trace id of a span: its client's."""
    return (number >> 48) + 0xC0FFEE0000


def body(spans: Sequence[int]) -> bytes:
    made = ExportTraceServiceRequest()
    scope = made.resource_spans.add().scope_spans.add()
    for number in spans:
        span = scope.spans.add(
            trace_id=trace_of(number).to_bytes(16),
            span_id=number.to_bytes(8),
            name="execute_tool book",
            start_time_unix_nano=_BEGAN,
            end_time_unix_nano=_BEGAN + 1,
        )
        span.attributes.add(key="gen_ai.operation.name").value.string_value = "execute_tool"
        span.attributes.add(key="gen_ai.tool.name").value.string_value = "book"
    return made.SerializeToString()


def _span(number: int) -> ReadableSpan:
    context = SpanContext(trace_of(number), number, False, TraceFlags(1))
    return ReadableSpan(
        "execute_tool book",
        context,
        resource=Resource({"service.name": "crash"}),
        attributes={"gen_ai.operation.name": "execute_tool", "gen_ai.tool.name": "book"},
        start_time=_BEGAN,
        end_time=_BEGAN + 1,
    )
