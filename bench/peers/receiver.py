"""A ClickHouse for an exporter: takes `INSERT ... FORMAT RowBinary` over HTTP into chDB.

    python -m bench.peers.receiver FOLDER

The table is that of the exporter, on MergeTree with its indexes (reference: clickhouseexporter
v0.162, Rotel's DDL). A statement is checked word for word, because chDB would run any. Prints its
port, then serves until it is ended; `GET /rows` says how many rows came.
"""

import sys
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Lock
from urllib.parse import parse_qs, urlsplit

from auditspan.storage.config import StoreConfig
from auditspan.storage.embedded import EmbeddedEngine

_PIECE = 1 << 20
DDL = """
CREATE TABLE otel_traces (
    Timestamp DateTime64(9) CODEC(Delta(8), ZSTD(1)),
    TraceId String CODEC(ZSTD(1)),
    SpanId String CODEC(ZSTD(1)),
    ParentSpanId String CODEC(ZSTD(1)),
    TraceState String CODEC(ZSTD(1)),
    SpanName LowCardinality(String) CODEC(ZSTD(1)),
    SpanKind LowCardinality(String) CODEC(ZSTD(1)),
    ServiceName LowCardinality(String) CODEC(ZSTD(1)),
    ResourceAttributes Map(LowCardinality(String), String) CODEC(ZSTD(1)),
    ScopeName String CODEC(ZSTD(1)),
    ScopeVersion String CODEC(ZSTD(1)),
    SpanAttributes Map(LowCardinality(String), String) CODEC(ZSTD(1)),
    Duration Int64 CODEC(ZSTD(1)),
    StatusCode LowCardinality(String) CODEC(ZSTD(1)),
    StatusMessage String CODEC(ZSTD(1)),
    Events Nested (
        Timestamp DateTime64(9),
        Name LowCardinality(String),
        Attributes Map(LowCardinality(String), String)
    ) CODEC(ZSTD(1)),
    Links Nested (
        TraceId String,
        SpanId String,
        TraceState String,
        Attributes Map(LowCardinality(String), String)
    ) CODEC(ZSTD(1)),
    INDEX idx_trace_id TraceId TYPE bloom_filter(0.001) GRANULARITY 1,
    INDEX idx_res_attr_key mapKeys(ResourceAttributes) TYPE bloom_filter(0.01) GRANULARITY 1,
    INDEX idx_res_attr_value mapValues(ResourceAttributes) TYPE bloom_filter(0.01) GRANULARITY 1,
    INDEX idx_span_attr_key mapKeys(SpanAttributes) TYPE bloom_filter(0.01) GRANULARITY 1,
    INDEX idx_span_attr_value mapValues(SpanAttributes) TYPE bloom_filter(0.01) GRANULARITY 1,
    INDEX idx_duration Duration TYPE minmax GRANULARITY 1
)
ENGINE = MergeTree
PARTITION BY toDate(Timestamp)
ORDER BY (ServiceName, SpanName, toDateTime(Timestamp), TraceId)
SETTINGS index_granularity = 8192, ttl_only_drop_parts = 1
"""


def main() -> None:
    """Serve."""
    engine = EmbeddedEngine(StoreConfig(path=Path(sys.argv[1]), database="otel"))
    engine.command(DDL)
    lock = Lock()

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self) -> None:
            body = self._body()
            query = " ".join(parse_qs(urlsplit(self.path).query).get("query", [""])[0].split())
            if not (query.startswith("INSERT INTO") and "otel_traces" in query):
                self._answer(400, f"only inserts: {query[:200]}".encode())
                return
            target, _, fmt = query.rpartition("FORMAT ")
            try:
                with lock, engine._bulk.send_insert(target.strip(), fmt.strip()) as stream:
                    whole = memoryview(body)
                    for at in range(0, len(whole), _PIECE):
                        stream.append(whole[at : at + _PIECE])
                    stream.finish()
            except Exception as error:
                print(f"insert failed: {error}", file=sys.stderr, flush=True)
                self._answer(500, str(error).encode())
                return
            self._answer(200, b"")

        def do_GET(self) -> None:
            with lock:
                rows = engine.raw("SELECT count() FROM otel_traces")
            self._answer(200, rows.strip())

        def _body(self) -> bytes:
            if self.headers.get("transfer-encoding") != "chunked":
                return self.rfile.read(int(self.headers.get("content-length", 0)))
            parts = []
            while size := int(self.rfile.readline().split(b";")[0], 16):
                parts.append(self.rfile.read(size))
                self.rfile.readline()
            self.rfile.readline()
            return b"".join(parts)

        def _answer(self, code: int, body: bytes) -> None:
            self.send_response(code)
            self.send_header("content-length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            """Say nothing."""

    class Server(ThreadingHTTPServer):
        def handle_error(self, request: object, client_address: object) -> None:
            """A client that went away is none of ours to tell."""

    server = Server(("127.0.0.1", 0), Handler)
    print(server.server_port, flush=True)
    server.serve_forever()


if __name__ == "__main__":
    main()
