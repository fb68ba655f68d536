"""Connections that are slow, large, foreign or unproved, byte by byte."""

import asyncio
import contextlib
import socket
import threading
import time
from collections.abc import Awaitable, Callable, Iterator
from pathlib import Path
from typing import Any

import grpc
import httpx
import pytest
from starlette.applications import Starlette

from auditspan.collector.front import grpc_server, http_server
from auditspan.collector.front.front import Front, FrontSettings
from auditspan.collector.front.peer_certificate import PeerCertificateProtocol
from auditspan.collector.front.receiver_config import (
    ApiConfig,
    GrpcConfig,
    HttpConfig,
    QueryConfig,
)
from auditspan.wire.envelope import Envelope
from tests.collector.front.house import House, request

ONE = request().SerializeToString()
METHOD = "/opentelemetry.proto.collector.trace.v1.TraceService/Export"
PROTOBUF = {"content-type": "application/x-protobuf"}


class Ports:
    """Open ports over a house, on an event loop of their own."""

    def __init__(self, house: House, not_ready: str) -> None:
        self.house = house
        self.not_ready = not_ready
        free = "127.0.0.1:0"
        settings = FrontSettings(
            GrpcConfig(endpoint=free),
            HttpConfig(endpoint=free),
            ApiConfig(endpoint=free),
            QueryConfig(enabled=False),
        )
        self._front = Front(
            settings,
            house.admission,
            not_ready=lambda: self.not_ready,
            api_routes=(),
            query_app=Starlette(),
        )
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever)
        self._thread.start()
        self.addresses = self._do(self._front.start())
        self.traces = f"{self.addresses['http']}/v1/traces"

    def stop(self) -> None:
        """Close them, and the last segment."""
        if self._loop.is_closed():
            return
        self._do(self._front.stop())
        self._do(self.house.spool.committer.close())
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()

    def stored(self) -> list[Envelope]:
        """Stop; what was acknowledged."""
        self.stop()
        return self.house.stored()

    def metric(self, name: str, **labels: str) -> float:
        """A counter's value now."""
        return self.house.metrics.registry.get_sample_value(name, labels) or 0.0

    def _do(self, awaitable: Awaitable[Any]) -> Any:
        async def go() -> Any:
            return await awaitable

        return asyncio.run_coroutine_threadsafe(go(), self._loop).result(30)


@contextlib.contextmanager
def opened(folder: Path, not_ready: str = "") -> Iterator[Ports]:
    """Ports that are closed at the end."""
    ports = Ports(House(folder), not_ready)
    try:
        yield ports
    finally:
        ports.stop()


@pytest.fixture
def ports(tmp_path: Path) -> Iterator[Ports]:
    """Open ports."""
    with opened(tmp_path) as running:
        yield running


def _raw(ports: Ports, data: bytes, seconds: float = 5.0) -> bytes:
    """Send bytes, and read until the server closes or says nothing for long."""
    host, _, port = ports.addresses["http"].rpartition("/")[2].partition(":")
    with socket.create_connection((host, int(port)), timeout=seconds) as connection:
        connection.sendall(data)
        read = b""
        try:
            while chunk := connection.recv(65536):
                read += chunk
                if b"\r\n\r\n" in read and not read.startswith(b"HTTP/1.1 100"):
                    break
        except TimeoutError:
            pass
        return read


def _head(*headers: str, length: int) -> bytes:
    lines = ["POST /v1/traces HTTP/1.1", "host: localhost", *headers]
    lines += ["content-type: application/x-protobuf", f"content-length: {length}"]
    return "\r\n".join([*lines, "", ""]).encode()


def test_who_is_not_known_is_told_before_the_body(ports: Ports) -> None:
    """A client that waits for `100 Continue` never sends it."""
    head = _head("authorization: Bearer no", "expect: 100-continue", length=1_000_000)
    assert _raw(ports, head).startswith(b"HTTP/1.1 401")


def test_who_is_known_may_continue(ports: Ports) -> None:
    """As RFC 9110 §10.1.1 has it."""
    head = _head("expect: 100-continue", length=len(ONE))
    assert _raw(ports, head, 0.5).startswith(b"HTTP/1.1 100")
    assert b"HTTP/1.1 200" in _raw(ports, head + ONE, 2.0)


def test_a_body_that_is_declared_too_large_is_not_read(ports: Ports) -> None:
    """Its length says enough."""
    head = _head("expect: 100-continue", length=1 << 40)
    assert _raw(ports, head).startswith(b"HTTP/1.1 413")


def test_a_chunked_body_is_a_body(ports: Ports) -> None:
    """Its length is not known before its end."""
    answer = httpx.post(ports.traces, content=iter([ONE[:7], ONE[7:]]), headers=PROTOBUF)
    assert answer.status_code == 200
    (envelope,) = ports.stored()
    assert envelope.request == ONE


def test_a_slow_body_is_given_up(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The sender may try again."""
    monkeypatch.setattr(http_server.http_app, "__defaults__", (0.05,))
    with opened(tmp_path) as ports:
        answer = _raw(ports, _head(length=len(ONE)) + ONE[:-1])
        assert answer.startswith(b"HTTP/1.1 503") and b"retry-after: 1" in answer
        assert ports.metric("auditspan_requests_refused_total", reason="unavailable") == 1
        assert ports.stored() == []


@pytest.mark.parametrize("sent", [b"", b"POST /v1/tra", b"POST /v1/traces HTTP/1.1\r\nhost: a\r\n"])
def test_slow_headers_are_given_up(
    ports: Ports, sent: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The connection is closed; whoever is slow on purpose holds nothing for long."""
    monkeypatch.setattr(PeerCertificateProtocol, "header_seconds", 0.05)
    began = time.monotonic()
    assert _raw(ports, sent) == b""
    assert time.monotonic() - began < 3


@pytest.mark.parametrize(
    "begins",
    [
        b"POST /v1/traces HTTP/1.1\r\nhost: a\r\nx: ",
        b"POST /v1/traces?",
        b"POST /v1/traces HTTP/1.1\r\nhost: a\r\ntransfer-encoding: chunked\r\n\r\n"
        b"1\r\na\r\n0\r\nx: ",
    ],
    ids=["header", "target", "trailer"],
)
def test_headers_without_end_are_not_kept(ports: Ports, begins: bytes) -> None:
    """They lie in memory, as fast as anybody sends them, before it is known who does."""
    host, _, port = ports.addresses["http"].rpartition("/")[2].partition(":")
    address = (host, int(port))
    with socket.create_connection(address, timeout=5) as peer, pytest.raises(ConnectionError):
        peer.sendall(begins)
        for _ in range(200):
            peer.sendall(b"y" * (64 << 10))
    assert httpx.post(ports.traces, content=ONE, headers=PROTOBUF).status_code == 200


def test_headers_that_are_too_long_are_told_so(ports: Ports) -> None:
    """With the status for it; those that are long for a reason are taken."""
    head = _head(f"x: {'y' * 60_000}", length=len(ONE))
    assert _raw(ports, head + ONE).startswith(b"HTTP/1.1 200")
    assert _raw(ports, head[:-2] + b"z: " + b"y" * 10_000).startswith(b"HTTP/1.1 431")


def test_slow_headers_of_a_second_request_are_given_up(
    ports: Ports, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A connection that is kept alive is not forgotten."""
    monkeypatch.setattr(PeerCertificateProtocol, "header_seconds", 0.2)
    host, _, port = ports.addresses["http"].rpartition("/")[2].partition(":")
    with socket.create_connection((host, int(port)), timeout=5) as connection:
        connection.sendall(_head(length=len(ONE)) + ONE)
        assert connection.recv(65536).startswith(b"HTTP/1.1 200")
        connection.sendall(b"POST /v1/traces HTTP/1.1\r\n")
        assert connection.recv(65536) == b""


def test_a_page_in_a_browser_is_no_agent(ports: Ports) -> None:
    """It runs on this machine and comes from elsewhere; no other origin is ever allowed."""
    origin = {"origin": "https://evil.example"}
    answer = httpx.post(ports.traces, content=ONE, headers={**PROTOBUF, **origin})
    assert answer.status_code == 403
    asked = httpx.options(ports.traces, headers={**origin, "access-control-request-method": "POST"})
    assert asked.status_code == 405
    assert not [name for name in asked.headers if name.startswith("access-control")]
    assert ports.stored() == []


def test_two_credentials_are_none(ports: Ports) -> None:
    """Who looked at which would be a matter of chance."""
    headers = [*PROTOBUF.items(), ("authorization", "Bearer a"), ("authorization", "Bearer b")]
    assert httpx.post(ports.traces, content=ONE, headers=headers).status_code == 401


def test_too_much_at_once_has_to_wait(ports: Ports) -> None:
    """Without harm: the repetition is taken."""
    budget = ports.house.admission.budget
    with budget.hold() as hold:
        hold.grow(256 << 20)
        answer = httpx.post(ports.traces, content=ONE, headers=PROTOBUF)
        assert answer.status_code == 503 and answer.headers["retry-after"] == "1"
    assert budget.used == 0
    assert httpx.post(ports.traces, content=ONE, headers=PROTOBUF).status_code == 200
    assert budget.used == 0
    assert ports.metric("auditspan_requests_refused_total", reason="overloaded") == 1


def test_a_client_that_leaves_holds_nothing(ports: Ports) -> None:
    """Half a body leaves no bytes behind in the budget and none in the spool."""
    host, _, port = ports.addresses["http"].rpartition("/")[2].partition(":")
    with socket.create_connection((host, int(port)), timeout=5) as connection:
        connection.sendall(_head(length=100_000) + b"x" * 50_000)
        _until(lambda: ports.house.admission.budget.used > 0)
    _until(lambda: ports.house.admission.budget.used == 0)
    assert ports.stored() == []


def test_a_call_of_many_messages_ends_at_the_second(ports: Ports) -> None:
    """They are not all taken into memory first."""
    ended = threading.Event()

    def messages() -> Iterator[bytes]:
        yield ONE
        yield ONE
        ended.wait(5)
        yield ONE

    with grpc.insecure_channel(ports.addresses["grpc"].partition("://")[2]) as channel:
        with pytest.raises(grpc.RpcError) as caught:
            channel.stream_unary(METHOD)(messages(), timeout=4)
        assert caught.value.code() is grpc.StatusCode.INVALID_ARGUMENT
        ended.set()
    assert ports.stored() == []


def test_a_message_that_never_comes_is_given_up(
    ports: Ports, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The sender may try again."""
    monkeypatch.setattr(grpc_server, "_MESSAGE_SECONDS", 0.05)
    wait = threading.Event()

    def messages() -> Iterator[bytes]:
        wait.wait(5)
        yield ONE

    with grpc.insecure_channel(ports.addresses["grpc"].partition("://")[2]) as channel:
        with pytest.raises(grpc.RpcError) as caught:
            channel.stream_unary(METHOD)(messages(), timeout=4)
        assert caught.value.code() is grpc.StatusCode.UNAVAILABLE
        wait.set()
    assert ports.stored() == []


def test_who_is_not_known_is_told_before_the_message(ports: Ports) -> None:
    """However large it is, it is not read."""
    wait = threading.Event()

    def messages() -> Iterator[bytes]:
        wait.wait(5)
        yield ONE

    with grpc.insecure_channel(ports.addresses["grpc"].partition("://")[2]) as channel:
        with pytest.raises(grpc.RpcError) as caught:
            metadata = (("authorization", "Bearer no"),)
            channel.stream_unary(METHOD)(messages(), timeout=4, metadata=metadata)
        assert caught.value.code() is grpc.StatusCode.UNAUTHENTICATED
        wait.set()


def test_health_and_metrics(tmp_path: Path) -> None:
    """Alive at once, ready when the engine is; numbers for Prometheus."""
    with opened(tmp_path, "the engine is starting") as ports:
        api = ports.addresses["api"]
        assert httpx.get(f"{api}/healthz").json() == {"status": "ok"}
        ready = httpx.get(f"{api}/readyz")
        assert ready.status_code == 503 and "engine" in ready.json()["reason"]
        httpx.post(ports.traces, content=ONE, headers=PROTOBUF)
        metrics = httpx.get(f"{api}/metrics")
        assert metrics.headers["content-type"].startswith("text/plain; version=0.0.4")
        assert "auditspan_spans_accepted_total 1.0" in metrics.text
        assert "auditspan_under_way_bytes 0.0" in metrics.text
        ports.not_ready = ""
        assert httpx.get(f"{api}/readyz").json() == {"status": "ready"}


def test_the_application_sees_no_forwarded_address(ports: Ports) -> None:
    """Only the socket says where a request came from."""
    forged = {"x-forwarded-for": "10.1.2.3", "forwarded": "for=10.1.2.3", "x-real-ip": "10.1.2.3"}
    httpx.post(ports.traces, content=ONE, headers={**PROTOBUF, **forged})
    (envelope,) = ports.stored()
    assert '"address":"127.0.0.1"' in envelope.principal


def _until(done: Callable[[], bool]) -> None:
    end = time.monotonic() + 5
    while time.monotonic() < end:
        if done():
            return
        time.sleep(0.01)
    raise AssertionError("it did not happen within 5 s")
