"""Backends to forward to: real servers that answer as they are told."""

import gzip
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

import grpc
import grpc.aio
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import (
    ExportTraceServiceRequest,
    ExportTraceServiceResponse,
)
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from auditspan.collector.front.receiver_config import ListenConfig, TlsConfig
from auditspan.collector.front.status import Problem
from auditspan.collector.front.tls_reload import renewed_grpc_credentials
from auditspan.collector.front.web_server import WebServer

OK = Problem(200, "", "", "")


@dataclass
class Backend:
    """What came, and what to answer next; after the last answer all is well."""

    address: str = ""
    answers: list[Problem] = field(default_factory=list)
    bodies: list[bytes] = field(default_factory=list)
    headers: list[dict[str, str]] = field(default_factory=list)
    rejected: int = 0
    details: bytes = b""
    """What a problem says over gRPC, instead of what it should."""
    tls: TlsConfig | None = None

    def names(self) -> list[str]:
        """Names of the spans that arrived."""
        requests = map(ExportTraceServiceRequest.FromString, self.bodies)
        return [
            span.name
            for request in requests
            for resource in request.resource_spans
            for scope in resource.scope_spans
            for span in scope.spans
        ]

    def take(self, body: bytes, headers: dict[str, str]) -> Problem:
        """Keep a request if the answer is that all is well."""
        problem = self.answers.pop(0) if self.answers else OK
        self.headers.append(headers)
        if problem is OK:
            self.bodies.append(body)
        return problem

    def success(self) -> bytes:
        """The answer of success, perhaps a partial one."""
        answer = ExportTraceServiceResponse()
        if self.rejected:
            answer.partial_success.rejected_spans = self.rejected
        return answer.SerializeToString()


@asynccontextmanager
async def http_backend(backend: Backend) -> AsyncIterator[Backend]:
    """Over HTTP."""

    async def traces(request: Request) -> Response:
        body = await request.body()
        if request.headers.get("content-encoding") == "gzip":
            body = gzip.decompress(body)
        problem = backend.take(body, dict(request.headers))
        if problem is OK:
            return Response(backend.success(), media_type="application/x-protobuf")
        after = {"Retry-After": str(int(problem.retry_after))} if problem.retry_after else {}
        return Response(b"", problem.http, after)

    app = Starlette(routes=[Route("/v1/traces", traces, methods=["POST"])])
    server = WebServer(ListenConfig(endpoint="127.0.0.1:0", tls=backend.tls), app)
    await server.start()
    backend.address = server.url
    try:
        yield backend
    finally:
        await server.stop()


@asynccontextmanager
async def grpc_backend(backend: Backend) -> AsyncIterator[Backend]:
    """Over gRPC."""

    async def export(body: bytes, context: Any) -> bytes:
        problem = backend.take(body, dict(context.invocation_metadata()))
        if problem is not OK:
            details = backend.details or problem.status().SerializeToString()
            trailers = (("grpc-status-details-bin", details),)
            await context.abort(getattr(grpc.StatusCode, problem.grpc), "no", trailers)
        return backend.success()

    server = grpc.aio.server(options=[("grpc.max_receive_message_length", -1)])
    handler = grpc.unary_unary_rpc_method_handler(export)
    name = "opentelemetry.proto.collector.trace.v1.TraceService"
    server.add_generic_rpc_handlers(
        (grpc.method_handlers_generic_handler(name, {"Export": handler}),)
    )
    if backend.tls is None:
        backend.address = f"http://127.0.0.1:{server.add_insecure_port('127.0.0.1:0')}"
    else:
        port = server.add_secure_port("127.0.0.1:0", renewed_grpc_credentials(backend.tls))
        backend.address = f"https://127.0.0.1:{port}"
    await server.start()
    try:
        yield backend
    finally:
        await server.stop(None)


KINDS: dict[str, Callable[[Backend], Any]] = {"grpc": grpc_backend, "http/protobuf": http_backend}
