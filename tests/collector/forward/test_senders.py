"""The ways to a backend, with answers, certificates and headers that are not as they should be."""

import asyncio
from pathlib import Path
from typing import Literal

import pytest

from auditspan.collector.errors import ConfigInvalid
from auditspan.collector.forward.config import ForwardConfig
from auditspan.collector.forward.errors import Later, Refused
from auditspan.collector.forward.grpc_sender import GrpcSender
from auditspan.collector.forward.headers import read_headers
from auditspan.collector.forward.http_sender import HttpSender
from auditspan.collector.forward.trust import trust
from auditspan.collector.front.receiver_config import TlsConfig
from auditspan.collector.front.status import Problem
from tests.collector.forward.backends import KINDS, Backend
from tests.end_to_end.proofs import Authority

SENDERS: dict[str, type[GrpcSender | HttpSender]] = {
    "grpc": GrpcSender,
    "http/protobuf": HttpSender,
}
EACH = pytest.mark.parametrize("protocol", sorted(KINDS))
SLOW_DOWN = Problem(429, "RESOURCE_EXHAUSTED", "", "", retry_after=7)

Protocol = Literal["grpc", "http/protobuf"]


async def send(config: ForwardConfig, request: bytes = b"") -> None:
    """One request."""
    sender = SENDERS[config.protocol](config, trust(config))
    try:
        await sender.send(request)
    finally:
        await sender.close()


def answered(head: str, body: bytes, seconds: float = 10) -> None:
    """Send a request over HTTP to a server that writes this answer, then nothing, and stays."""
    done = asyncio.Event()

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(f"HTTP/1.1 {head}\r\n\r\n".encode() + body)
        await done.wait()
        writer.close()

    async def go() -> None:
        server = await asyncio.start_server(answer, "127.0.0.1", 0)
        port = server.sockets[0].getsockname()[1]
        config = ForwardConfig(
            endpoint=f"http://127.0.0.1:{port}", protocol="http/protobuf", timeout_seconds=seconds
        )
        try:
            async with asyncio.timeout(5):
                await send(config)
        finally:
            done.set()
            server.close()
            await server.wait_closed()

    asyncio.run(go())


def test_an_answer_that_does_not_end_is_waited_for_no_longer_than_said() -> None:
    """The head came in time, the rest does not."""
    head = "200 OK\r\ncontent-type: application/x-protobuf\r\ncontent-length: 100"
    with pytest.raises(Later, match="Timeout"):
        answered(head, b"a", seconds=0.1)


def test_an_answer_without_end_is_not_kept() -> None:
    """It said success; its words are not heard, and it is not read to its end."""
    head = "200 OK\r\ncontent-type: application/x-protobuf\r\ncontent-length: 1000000000"
    answered(head, b"\xff" * 100_000)


@pytest.mark.parametrize(("words", "seconds"), [("3", 3.0), ("soon", 0.0), ("\xb2", 0.0)])
def test_how_long_to_wait_may_be_anything(words: str, seconds: float) -> None:
    """A number is believed."""
    with pytest.raises(Later) as caught:
        answered(f"503 No\r\nretry-after: {words}\r\ncontent-length: 0", b"")
    assert caught.value.after == seconds


def test_a_redirect_is_not_followed() -> None:
    """It could lead our headers anywhere."""
    with pytest.raises(Refused, match="307"):
        answered("307 There\r\nlocation: http://127.0.0.1:9/\r\ncontent-length: 0", b"")


@pytest.mark.parametrize(
    ("code", "error"), [("UNAVAILABLE", Later), ("RESOURCE_EXHAUSTED", Refused)]
)
def test_details_that_cannot_be_read_are_none(code: str, error: type[Exception]) -> None:
    """The code still counts."""

    async def go() -> None:
        backend = Backend(answers=[Problem(503, code, "", "")], details=b"\xff\xff")
        async with KINDS["grpc"](backend):
            await send(ForwardConfig(endpoint=backend.address))

    with pytest.raises(error, match=code):
        asyncio.run(go())


@EACH
def test_a_backend_is_known_by_its_certificate(protocol: Protocol, tmp_path: Path) -> None:
    """By the authority of `ca_file`, and by no other."""
    ours, other = Authority(tmp_path / "ours"), Authority(tmp_path / "other")
    certificate, key = ours.server()
    backend = Backend(tls=TlsConfig(cert_file=certificate, key_file=key))

    async def go(authority: Authority) -> None:
        async with KINDS[protocol](backend):
            await send(
                ForwardConfig(endpoint=backend.address, protocol=protocol, ca_file=authority.file)
            )

    with pytest.raises(Later):
        asyncio.run(go(other))
    assert backend.headers == []
    asyncio.run(go(ours))
    assert backend.bodies == [b""]


def test_certificates_are_read_before_anything_starts(tmp_path: Path) -> None:
    """Absent, or none at all."""
    file = tmp_path / "ca.pem"
    config = ForwardConfig(endpoint="https://tempo", ca_file=file)
    with pytest.raises(ConfigInvalid, match="ca_file"):
        trust(config)
    file.write_text("no certificate")
    with pytest.raises(ConfigInvalid, match="ca_file"):
        trust(config)


@pytest.mark.parametrize(
    "line",
    [
        *(
            "trace-bin: v",
            "grpc-timeout: 1S",
            "Content-Length: 1",
            "host: v",
            "x!y: v",
            ": value-1",
        ),
        *("x: a\x01b", "x: a\x7f"),
    ],
)
def test_headers_that_a_protocol_would_choke_on_are_refused(line: str, tmp_path: Path) -> None:
    """With the line, not with what it holds."""
    file = tmp_path / "headers"
    file.touch(mode=0o600)
    file.write_text(f"x-one: 1\n{line}\n")
    with pytest.raises(Later, match="line 2: expected") as caught:
        read_headers(file)
    assert line not in str(caught.value)


@EACH
def test_nothing_but_our_headers_is_sent(protocol: Protocol, tmp_path: Path) -> None:
    """Whatever the environment holds."""
    file = tmp_path / "headers"
    file.touch(mode=0o600)
    file.write_text("X-Scope-OrgID: one\n")
    backend = Backend()

    async def go() -> None:
        async with KINDS[protocol](backend):
            await send(
                ForwardConfig(endpoint=backend.address, protocol=protocol, headers_file=file)
            )

    asyncio.run(go())
    (headers,) = backend.headers
    protocols = {"host", "accept", "connection", "user-agent"} | {
        name for name in headers if name.startswith(("content-", "accept-", "grpc-"))
    }
    assert set(headers) - protocols == {"x-scope-orgid"}
