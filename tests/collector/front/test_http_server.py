"""OTLP over HTTP; slow and foreign connections are in `test_connections.py`."""

import socket
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from tests.collector.front.receiving import Receiving, receiving
from tests.end_to_end.bodies import PROTOBUF

MIB = 1 << 20


@pytest.fixture
def ports(tmp_path: Path) -> Iterator[Receiving]:
    """Open ports with a small limit."""
    with receiving(tmp_path / "data", http={"max_request_mib": 1}) as running:
        yield running


def test_a_body_without_a_declared_size_is_refused_at_the_limit(ports: Receiving) -> None:
    """The sender is told so while it is still at it."""
    url = httpx.URL(ports.http)
    head = f"POST /v1/traces HTTP/1.1\r\nhost: x\r\ncontent-type: {PROTOBUF}\r\n"
    chunk = f"{MIB + 1:x}\r\n".encode() + bytes(MIB + 1)
    with socket.create_connection((url.host, url.port or 0), timeout=10) as connection:
        connection.sendall(f"{head}transfer-encoding: chunked\r\n\r\n".encode() + chunk)
        with connection.makefile("rb") as answer:
            assert b" 413 " in answer.readline()
    assert ports.principals() == []
    assert ports.admission.budget.used == 0


def test_the_answer_does_not_name_the_server(ports: Receiving) -> None:
    """Nor its version."""
    assert "server" not in httpx.get(ports.http).headers
