"""A receiver of OTLP over HTTP and gRPC that keeps what it gets, and a stub of `/v1/identities`."""

import gzip
import json
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import grpc
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import (
    ExportTraceServiceRequest,
    ExportTraceServiceResponse,
)
from opentelemetry.proto.common.v1.common_pb2 import AnyValue

Value = str | int | bool | float | list["Value"]


@dataclass(frozen=True)
class Received:
    """One span, with its attributes as Python values."""

    name: str
    scope: str
    trace: str
    id: str
    parent: str
    status: int
    events: tuple[str, ...]
    attributes: dict[str, Value]
    resource: dict[str, Value]

    def text(self, name: str) -> str:
        """An attribute, "" if it is missing."""
        return str(self.attributes.get(name, ""))


@dataclass
class Sink:
    """What was received, and how to answer."""

    requests: list[bytes] = field(default_factory=list)
    headers: list[dict[str, str]] = field(default_factory=list)
    answers: list[tuple[int, dict[str, str]]] = field(default_factory=list)
    """Answers to give before 200, first one first."""
    identities: list[dict[str, str]] = field(default_factory=list)
    identity_answer: tuple[int, dict[str, object]] = (404, {})
    refuse: str = ""
    """Name of the gRPC status to answer with, as long as it is set."""
    url: str = ""
    grpc_url: str = ""

    @property
    def spans(self) -> list[Received]:
        """All spans in the order in which they came."""
        return [span for request in list(self.requests) for span in spans_of(request)]

    def named(self, name: str) -> list[Received]:
        """The spans of a name."""
        return [span for span in self.spans if span.name == name]

    def one(self, name: str) -> Received:
        """The only span of a name."""
        [span] = self.named(name)
        return span


def spans_of(request: bytes) -> Iterator[Received]:
    """The spans of a request."""
    for resource in ExportTraceServiceRequest.FromString(request).resource_spans:
        for scope in resource.scope_spans:
            for span in scope.spans:
                keys = [pair.key for pair in span.attributes]
                assert len(keys) == len(set(keys)), f"{span.name} has an attribute twice: {keys}"
                yield Received(
                    name=span.name,
                    scope=scope.scope.name,
                    trace=span.trace_id.hex(),
                    id=span.span_id.hex(),
                    parent=span.parent_span_id.hex(),
                    status=span.status.code,
                    events=tuple(event.name for event in span.events),
                    attributes={pair.key: value_of(pair.value) for pair in span.attributes},
                    resource={p.key: value_of(p.value) for p in resource.resource.attributes},
                )


def value_of(value: AnyValue) -> Value:
    """An attribute's value."""
    kind = value.WhichOneof("value")
    if kind == "array_value":
        return [value_of(item) for item in value.array_value.values]
    found: Value = getattr(value, str(kind)) if kind else ""
    return found


@contextmanager
def running_sink(*, with_grpc: bool = False) -> Iterator[Sink]:
    """A receiver on free ports."""
    sink = Sink()
    server = ThreadingHTTPServer(("127.0.0.1", 0), _handler(sink))
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    sink.url = f"http://127.0.0.1:{server.server_port}"
    grpc_server = _grpc_server(sink) if with_grpc else None
    try:
        yield sink
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
        if grpc_server is not None:
            grpc_server.stop(None).wait()


def _handler(sink: Sink) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            headers = {key.lower(): value for key, value in self.headers.items()}
            if headers.get("content-encoding") == "gzip":
                body = gzip.decompress(body)
            if self.path == "/v1/identities":
                sink.identities.append({**json.loads(body), **headers})
                status, answer = sink.identity_answer
                self._answer(status, json.dumps(answer).encode(), {})
            elif sink.answers:
                status, further = sink.answers.pop(0)
                self._answer(status, b"", further)
            else:
                sink.headers.append({**headers, ":path": self.path})
                sink.requests.append(body)
                self._answer(200, b"", {})

        def _answer(self, status: int, body: bytes, headers: dict[str, str]) -> None:
            self.send_response(status)
            for name, value in headers.items():
                self.send_header(name, value)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, format: str, *args: object) -> None:
            """Nothing."""

    return Handler


def _grpc_server(sink: Sink) -> grpc.Server:
    def export(request: bytes, context: grpc.ServicerContext) -> bytes:
        if sink.refuse:
            context.abort(grpc.StatusCode[sink.refuse], "refused")
        sink.headers.append({str(k): str(v) for k, v in context.invocation_metadata()})
        sink.requests.append(request)
        return ExportTraceServiceResponse().SerializeToString()

    handler = grpc.method_handlers_generic_handler(
        "opentelemetry.proto.collector.trace.v1.TraceService",
        {"Export": grpc.unary_unary_rpc_method_handler(export)},
    )
    server = grpc.server(ThreadPoolExecutor(2))
    server.add_generic_rpc_handlers((handler,))
    sink.grpc_url = f"http://127.0.0.1:{server.add_insecure_port('127.0.0.1:0')}"
    server.start()
    return server
