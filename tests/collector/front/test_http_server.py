"""OTLP over HTTP: what its port does for itself. Clients and bad bodies are in `end_to_end`."""

import asyncio
import socket
from collections.abc import Callable, Iterator
from pathlib import Path

import httpx
import pytest

from auditspan.collector.front.http_server import http_app
from auditspan.collector.front.receiver_config import ListenConfig
from auditspan.collector.front.web_server import WebServer
from auditspan.identity.api_keys import ApiKeys
from tests.collector.front.receiving import FREE, Receiving, receiving
from tests.end_to_end.bodies import PROTOBUF, body, post

MIB = 1 << 20


@pytest.fixture
def ports(tmp_path: Path) -> Iterator[Receiving]:
    """Open ports with a small limit."""
    with receiving(tmp_path / "data", http={"max_request_mib": 1}) as running:
        yield running


def test_the_address_is_that_of_the_socket(ports: Receiving) -> None:
    """Whatever the headers of a proxy say."""
    address = "203.0.113.9"
    proxy = {"x_forwarded_for": address, "x_real_ip": address, "forwarded": f"for={address}"}
    assert post(ports.http, body("one"), content_type=PROTOBUF, **proxy).code == 200
    assert [principal.address for principal in ports.principals()] == ["127.0.0.1"]


def test_a_page_in_a_browser_needs_a_credential(ports: Receiving) -> None:
    """It would pass for an agent of this machine."""
    page = {"content_type": PROTOBUF, "origin": "https://page.example"}
    keys = ApiKeys(ports.service.data.secret("api_keys.json"))
    key, _ = keys.issue("agent:page", expires_at=4_000_000_000.0)
    refused = post(ports.http, body("one"), **page)
    assert (refused.code, refused.retry_after) == (403, None)
    assert post(ports.http, body("two"), authorization=f"Bearer {key}", **page).code == 200
    assert [principal.id for principal in ports.principals()] == ["agent:page"]


def test_the_sender_is_refused_before_its_body(ports: Receiving) -> None:
    """A stranger cannot make the collector read anything."""
    assert b" 401 " in _first_line(ports.http, "authorization: Bearer wrong")


def test_a_declared_size_is_refused_before_the_body(ports: Receiving) -> None:
    """The sender need not send it."""
    assert b" 413 " in _first_line(ports.http, "x-none: 0", size=MIB + 1)


def test_a_body_without_a_declared_size_is_refused_at_the_limit(ports: Receiving) -> None:
    """The sender is told so while it is still at it, and what was read is given back."""
    chunk = f"{MIB + 1:x}\r\n".encode() + bytes(MIB + 1)
    assert b" 413 " in _first_line(ports.http, "transfer-encoding: chunked", part=chunk, size=None)
    _until(ports, lambda: ports.admission.budget.used == 0)
    assert ports.principals() == []


def test_a_body_that_does_not_come_is_not_waited_for(ports: Receiving) -> None:
    """The sender may try again, and what it held is given back."""
    app = http_app(ports.admission, ports.service.identities, MIB, body_seconds=0.1)
    server = WebServer(ListenConfig(endpoint=FREE), app)
    ports.do(server.start())
    try:
        assert b" 503 " in _first_line(server.url, "x-none: 0", part=b"\x0a")
    finally:
        ports.do(server.stop())
    assert ports.admission.budget.used == 0


def test_too_many_bytes_under_way_may_come_again(tmp_path: Path) -> None:
    """503 with `Retry-After` and `RetryInfo`; small requests still fit."""
    with receiving(tmp_path / "data", under_way=1000) as ports:
        answer = post(ports.http, body("x" * 2000), content_type=PROTOBUF)
        assert (answer.code, answer.retry_after) == (503, "1")
        assert answer.details["RetryInfo"].retry_delay.seconds == 1
        assert post(ports.http, body("one"), content_type=PROTOBUF).code == 200
        assert ports.admission.budget.used == 0
        assert len(ports.principals()) == 1


def test_the_answer_does_not_name_the_server(ports: Receiving) -> None:
    """Nor its version."""
    answer = httpx.get(ports.http)
    assert "server" not in answer.headers


def test_a_sender_that_hangs_up_leaves_nothing_behind(ports: Receiving) -> None:
    """Half a body is no request, and no error of ours."""
    with _begun(ports.http, "x-none: 0", size=100, part=b"\x0a"):
        _until(ports, lambda: ports.admission.budget.used == 1)
    _until(ports, lambda: ports.admission.budget.used == 0)
    assert ports.principals() == []


def _begun(url: str, header: str, size: int | None, part: bytes) -> socket.socket:
    """A connection on which a request begins."""
    host, port = httpx.URL(url).host, httpx.URL(url).port
    connection = socket.create_connection((host, port or 0), timeout=10)
    head = f"POST /v1/traces HTTP/1.1\r\nhost: {host}\r\ncontent-type: {PROTOBUF}\r\n{header}\r\n"
    length = "" if size is None else f"content-length: {size}\r\n"
    connection.sendall(f"{head}{length}\r\n".encode() + part)
    return connection


def _first_line(url: str, header: str, size: int | None = 100, part: bytes = b"") -> bytes:
    """The status line that comes while the body does not."""
    with _begun(url, header, size, part) as connection, connection.makefile("rb") as answer:
        return answer.readline()


def _until(ports: Receiving, true: Callable[[], bool]) -> None:
    async def look() -> None:
        async with asyncio.timeout(10):
            while not true():
                await asyncio.sleep(0.01)

    ports.do(look())
