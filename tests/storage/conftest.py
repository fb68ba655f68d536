"""Engines and spool segments for the tests of storage."""

import re
import shutil
import socket
import subprocess
import threading
import zlib
from collections.abc import Awaitable, Callable, Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path

import pyarrow as pa
import pytest
import uvicorn
from chdb import ChdbError
from chdb.state.sqlitelike import Connection
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from auditspan.storage.engine import Engine, open_embedded, open_memory, open_server
from auditspan.storage.migrations import migrate
from auditspan.storage.scalars import TIME
from tests.migrated import copy_migrated, migrated_store

RECEIVED_AT = 1_795_000_000_123_456_789
PRINCIPAL = '{"id":"agent:booking","kind":"agent"}'

TEXTS = pa.map_(pa.string(), pa.string())

SegmentOf = Callable[[Sequence[ExportTraceServiceRequest | bytes | str]], Path]


@pytest.fixture(scope="module")
def memory() -> Iterator[Engine]:
    """An engine without a store; one for a module, as a process holds one engine at a time."""
    engine = open_memory()
    yield engine
    engine.close()


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Engine]:
    """An empty embedded store."""
    engine = open_embedded(tmp_path / "store")
    yield engine
    engine.close()


@pytest.fixture
def segment(tmp_path: Path) -> SegmentOf:
    """Writes a segment: requests, raw request bytes, or the text of control records."""

    def write(contents: Sequence[ExportTraceServiceRequest | bytes | str]) -> Path:
        path = tmp_path / "i-1795000000000-00000001.seg"
        path.write_bytes(b"".join(map(frame, contents)))
        return path

    return write


def frame(content: ExportTraceServiceRequest | bytes | str) -> bytes:
    """One frame, written by hand so that a fault of the spool's writer cannot hide here."""
    if isinstance(content, str):
        body, field, kind = content.encode(), 17, 2
    else:
        body = content if isinstance(content, bytes) else content.SerializeToString()
        field, kind = 16, 1
    message = b"\x08\x01\x10" + bytes([kind]) + b"\x19" + RECEIVED_AT.to_bytes(8, "little")
    message += _bytes(4, b"sha256:" + b"0" * 64) + _bytes(5, PRINCIPAL.encode())
    message += b"\x35" + zlib.crc32(body).to_bytes(4, "little") + _bytes(field, body)
    return _varint(len(message)) + message


def _bytes(field: int, value: bytes) -> bytes:
    return _varint(field << 3 | 2) + _varint(len(value)) + value


def _varint(number: int) -> bytes:
    out = bytearray()
    while number > 0x7F:
        out.append(number & 0x7F | 0x80)
        number >>= 7
    return bytes([*out, number])


@pytest.fixture
def migrated(tmp_path: Path) -> Iterator[Engine]:
    """An embedded store with the schema."""
    engine = migrated_store(tmp_path / "store")
    yield engine
    engine.close()


@pytest.fixture
def batch() -> Callable[..., pa.Table]:
    """Makes rows of `audit_records` as the last stage would, for what a test is about."""

    def make(rows: int, batch_id: str, **columns: list[object]) -> pa.Table:
        moment = datetime.fromtimestamp(RECEIVED_AT / 1e9, UTC)
        values: dict[str, list[object]] = {
            "RecordId": [f"{batch_id}-{row}" for row in range(rows)],
            "RecordKind": ["action"] * rows,
            "Timestamp": [moment] * rows,
            "ReceivedAt": [moment] * rows,
            "BatchId": [batch_id] * rows,
            "TraceId": ["0af7651916cd43dd8448eb211c80319c"] * rows,
            "SpanId": [f"{row:016x}" for row in range(rows)],
            "RetentionClass": ["default"] * rows,
            **columns,
        }
        types = {
            "Timestamp": TIME,
            "ReceivedAt": TIME,
            "SpanAttributes": TEXTS,
            "OtlpExtras": TEXTS,
        }
        return pa.table(
            {name: pa.array(value, types.get(name, pa.string())) for name, value in values.items()}
        )

    return make


@pytest.fixture(params=["shim", pytest.param("clickhouse", marks=pytest.mark.server)])
def server(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Engine]:
    """A server over HTTP: always the embedded engine behind an endpoint that may write, which is
    in the tests only; and a real ClickHouse where a Docker engine can run one."""
    running = _shim(tmp_path) if request.param == "shim" else _clickhouse()
    with running as url:
        engine = open_server(url)
        yield engine
        engine.close()


@pytest.fixture(params=["shim", pytest.param("clickhouse", marks=pytest.mark.server)])
def migrated_server(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Engine]:
    """The same with the schema, which that of the embedded engine is born with."""
    if request.param == "shim":
        copy_migrated(tmp_path / "server")
    running = _shim(tmp_path) if request.param == "shim" else _clickhouse()
    with running as url:
        engine = open_server(url)
        migrate(engine)
        yield engine
        engine.close()


@contextmanager
def _clickhouse() -> Iterator[str]:
    # By its command: the client library leaves a socket open where nobody listens.
    found = shutil.which("docker")
    if not found or subprocess.run([found, "info"], capture_output=True, timeout=20).returncode:
        pytest.skip("no Docker engine here: the tests against a real ClickHouse server did not run")
    from testcontainers.core.container import DockerContainer
    from testcontainers.core.waiting_utils import wait_for_logs

    image = DockerContainer("clickhouse/clickhouse-server:26.9").with_exposed_ports(8123)
    with image.with_env("CLICKHOUSE_SKIP_USER_SETUP", "1") as container:
        wait_for_logs(container, "Ready for connections|Logging trace", timeout=120)
        yield f"http://{container.get_container_host_ip()}:{container.get_exposed_port(8123)}"


@contextmanager
def _shim(tmp_path: Path) -> Iterator[str]:
    held = Connection(str(tmp_path / "server"))
    app = Starlette(routes=[Route("/", _write_enabled(held), methods=["GET", "POST"])])
    listener = socket.create_server(("127.0.0.1", 0))
    uvi = uvicorn.Server(uvicorn.Config(app, log_level="error", lifespan="off", ws="none"))
    thread = threading.Thread(target=uvi.run, kwargs={"sockets": [listener]}, daemon=True)
    thread.start()
    try:
        # Until it accepts, connections wait in the listener's queue.
        yield f"http://127.0.0.1:{listener.getsockname()[1]}"
    finally:
        uvi.should_exit = True
        thread.join(10)
        listener.close()
        held.close()


_TRANSPORT = {
    *("database", "query", "query_id", "client_protocol_version", "session_id"),
    *("wait_end_of_query", "enable_http_compression", "send_progress_in_http_headers"),
    "http_headers_progress_interval_ms",
}
_INSERT = re.compile(rb"(INSERT INTO .*?) FORMAT (\w+)\s*\n", re.S | re.I)


def _write_enabled(held: Connection) -> Callable[[Request], Awaitable[Response]]:
    """ClickHouse's HTTP interface as far as clickhouse-connect uses it, writes included."""

    def run(params: dict[str, str], body: bytes) -> bytes:
        handle = held
        text = params.get("query", "").encode()
        statement = text + b"\n" + body if text else body
        for name, value in params.items():
            if name not in _TRANSPORT and not name.startswith("param_"):
                handle.query(f"SET {name} = '{value}'", "TabSeparated")
        if params.get("database"):
            handle.query(f"USE {params['database']}", "TabSeparated")
        insert = _INSERT.match(statement)
        if insert:
            with handle.send_insert(insert[1].decode(), insert[2].decode()) as stream:
                stream.append(statement[insert.end() :])
                stream.finish()
            return b""
        values = {name[6:]: value for name, value in params.items() if name.startswith("param_")}
        result = handle.query(statement.decode(), "TabSeparated", params=values)
        return b"" if result is None else bytes(result.bytes())

    lock = threading.Lock()

    async def answer(request: Request) -> Response:
        params, body = dict(request.query_params), await request.body()
        with lock:
            try:
                return Response(run(params, body), headers={"X-ClickHouse-Timezone": "UTC"})
            except (RuntimeError, ChdbError) as error:
                held.query("SELECT 1", "TabSeparated")
                code = re.search(r"Code: (\d+)", str(error))
                headers = {"X-ClickHouse-Exception-Code": code[1] if code else "1"}
                return Response(str(error).encode(), 500, headers)

    return answer
