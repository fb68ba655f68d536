"""The 200 airline conversations as a real agent sends them: recorded, and stamped anew.

They run through `auditspan.instrumentation.replay` under `opentelemetry-instrument`, and a server
of ours keeps the bodies of the requests. Copies have trace ids and an instance of their own.
"""

import gzip
import hashlib
import os
import tempfile
import threading
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

from bench.lib.results import ROOT
from tests.end_to_end.replaying import replayed

_FILE = ROOT / "tests" / "vectors" / "airline" / "conversations.jsonl.gz"
Request = ExportTraceServiceRequest


def recorded() -> list[Request]:
    """The requests of one replay, in the order in which they came."""
    with tempfile.TemporaryDirectory() as folder, _keeping() as (url, bodies):
        file = Path(folder) / "conversations.jsonl"
        file.write_bytes(gzip.decompress(_FILE.read_bytes()))
        _replay(url, file)
    return [Request.FromString(body) for body in bodies]


def spans_of(requests: list[Request]) -> int:
    """How many spans they hold."""
    return sum(
        len(scope.spans)
        for request in requests
        for found in request.resource_spans
        for scope in found.scope_spans
    )


def copies(requests: list[Request], spans: int) -> Iterator[bytes]:
    """So many spans, whole requests, by copies of all requests one after the other."""
    left, number = spans, 0
    while left > 0:
        for request in requests:
            if left <= 0:
                return
            yield _copy(request, number)
            left -= spans_of([request])
        number += 1


def _copy(request: Request, number: int) -> bytes:
    fresh = hashlib.sha256(f"{os.getpid()} {os.urandom(8).hex()} {number}".encode()).digest()
    mask = int.from_bytes(hashlib.sha256(f"{os.getpid()} {number}".encode()).digest()[:16])
    made = Request()
    made.CopyFrom(request)
    for found in made.resource_spans:
        for scope in found.scope_spans:
            for span in scope.spans:
                span.trace_id = (int.from_bytes(span.trace_id) ^ mask).to_bytes(16)
                for each in span.attributes:
                    if each.key == "audit.agent.instance.id":
                        each.value.string_value = f"i-{mask:032x}"[:34]
    made.resource_spans[0].scope_spans[0].scope.version += fresh.hex()[:4]
    return made.SerializeToString()


@contextmanager
def _keeping() -> Iterator[tuple[str, list[bytes]]]:
    """A server that says yes to everything and keeps it."""
    bodies: list[bytes] = []

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["content-length"]))
            if self.headers.get("content-encoding") == "gzip":
                body = zlib.decompress(body, 31)
            bodies.append(body)
            self.send_response(200)
            self.send_header("content-type", "application/x-protobuf")
            self.send_header("content-length", "0")
            self.end_headers()

        def log_message(self, *_: object) -> None:
            """Say nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}", bodies
    finally:
        server.shutdown()
        server.server_close()


def _replay(url: str, file: Path) -> None:
    done = replayed(url, file)
    if done.returncode:
        raise RuntimeError(f"the replay ended with {done.returncode}: {done.stderr[-2000:]}")
