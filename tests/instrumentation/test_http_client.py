"""What a collector that is none, or a bad one, may do to an agent: not hold it."""

import socket
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import pytest

from auditspan.instrumentation.http_client import HttpClient
from auditspan.instrumentation.settings import settings


@contextmanager
def dripping(start: bytes) -> Iterator[str]:
    """A server that begins an answer, and goes on with a byte now and then."""
    ended = threading.Event()

    def serve() -> None:
        connection, _ = server.accept()
        with connection, suppress(OSError):
            connection.recv(65_536)
            connection.sendall(start)
            while not ended.wait(0.05):
                connection.sendall(b"x")

    with socket.create_server(("127.0.0.1", 0)) as server:
        thread = threading.Thread(target=serve)
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.getsockname()[1]}/"
        finally:
            ended.set()
            thread.join()


@pytest.mark.parametrize(
    "start",
    [b"", b"HTTP/1.1 200 OK\r\nX-Long: ", b"HTTP/1.1 200 OK\r\nContent-Length: 60000\r\n\r\n"],
)
def test_an_answer_byte_by_byte_comes_to_an_end(tmp_path: Path, start: bytes) -> None:
    """Within the time for an answer, though no single byte is late."""
    values = {"AUDITSPAN_SPOOL_DIR": str(tmp_path), "OTEL_EXPORTER_OTLP_TIMEOUT": "0.5"}
    with dripping(start) as url:
        client = HttpClient(url, settings(values).transport)
        begun = time.monotonic()
        with suppress(OSError):
            assert len(client.get(65_536).body) < 60_000
        assert time.monotonic() - begun < 5
        client.close()
