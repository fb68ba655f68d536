"""Renewed certificates are used by the next connection, over HTTP and gRPC, without a restart."""

import asyncio
import hashlib
import logging
import ssl
from collections.abc import Awaitable, Callable, Coroutine
from pathlib import Path
from typing import Any

import grpc
import pytest
from starlette.applications import Starlette

from auditspan.collector.front import tls_reload
from auditspan.collector.front.receiver_config import HttpConfig, TlsConfig
from auditspan.collector.front.tls import web_context
from auditspan.collector.front.tls_reload import Renewed, renewed_grpc_credentials
from auditspan.collector.front.web_server import WebServer
from tests.end_to_end.proofs import Authority


def _certificates(folder: Path) -> TlsConfig:
    certificate, key = Authority(folder / "a").server()
    return TlsConfig(cert_file=certificate, key_file=key)


def _renew(tls: TlsConfig, folder: Path) -> None:
    certificate, key = Authority(folder / "b").server()
    key.replace(tls.key_file)
    certificate.replace(tls.cert_file)


async def _shown(port: int) -> str:
    """The digest of the certificate that a port shows."""
    context = ssl.create_default_context()
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    context.set_alpn_protocols(["h2"])
    _, writer = await asyncio.open_connection("127.0.0.1", port, ssl=context)
    found = writer.get_extra_info("ssl_object").getpeercert(binary_form=True)
    writer.close()
    return hashlib.sha256(found).hexdigest()


async def _http(tls: TlsConfig, use: Callable[[int], Awaitable[None]]) -> None:
    server = WebServer(HttpConfig(endpoint="127.0.0.1:0", tls=tls), Starlette())
    await server.start()
    await use(server.port)
    await server.stop()


async def _grpc(tls: TlsConfig, use: Callable[[int], Awaitable[None]]) -> None:
    server = grpc.aio.server()
    port = server.add_secure_port("127.0.0.1:0", renewed_grpc_credentials(tls))
    await server.start()
    await use(port)
    await server.stop(0)


@pytest.mark.parametrize("serve", [_http, _grpc])
def test_the_next_connection_gets_the_new_certificate(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    serve: Callable[[TlsConfig, Callable[[int], Awaitable[None]]], Coroutine[Any, Any, None]],
) -> None:
    """A file that cannot be used changes nothing."""
    monkeypatch.setattr(tls_reload, "_LOOK_SECONDS", 0.0)
    tls = _certificates(tmp_path)

    async def use(port: int) -> None:
        first = await _shown(port)
        assert await _shown(port) == first
        whole = tls.cert_file.read_bytes()
        tls.cert_file.write_text("half")
        assert await _shown(port) == first
        tls.cert_file.write_bytes(whole)
        _renew(tls, tmp_path)
        assert await _shown(port) != first

    asyncio.run(serve(tls, use))


PREFACE = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0\0\4\0\0\0\0\0"
"""How a client of gRPC begins; a server answers only who has proved themselves."""


async def _let_in(port: int, files: tuple[Path, Path]) -> bool:
    """Whether a client with this certificate gets an answer."""
    context = ssl.create_default_context()
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    context.set_alpn_protocols(["h2"])
    context.load_cert_chain(*files)
    try:
        reader, writer = await asyncio.open_connection("127.0.0.1", port, ssl=context)
        writer.write(PREFACE)
        answered = bool(await asyncio.wait_for(reader.read(1), 10))
        writer.close()
    except (ssl.SSLError, ConnectionError):
        return False
    return answered


@pytest.mark.parametrize("serve", [_http, _grpc])
def test_the_next_connection_is_checked_by_the_new_client_authority(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    serve: Callable[[TlsConfig, Callable[[int], Awaitable[None]]], Coroutine[Any, Any, None]],
) -> None:
    """Whom the old one proved is turned away then; a file that cannot be used changes nothing."""
    monkeypatch.setattr(tls_reload, "_LOOK_SECONDS", 0.0)
    old, new = Authority(tmp_path / "old"), Authority(tmp_path / "new")
    before, after = old.issue("client"), new.issue("client")
    own = {"client_ca_file": old.file, "require_client_certificate": True}
    tls = _certificates(tmp_path).model_copy(update=own)

    async def use(port: int) -> None:
        assert await _let_in(port, before) and not await _let_in(port, after)
        whole = old.file.read_bytes()
        old.file.write_text("half")
        assert await _let_in(port, before) and not await _let_in(port, after)
        old.file.write_bytes(whole + new.file.read_bytes())
        assert await _let_in(port, before) and await _let_in(port, after)
        new.file.replace(old.file)
        assert not await _let_in(port, before) and await _let_in(port, after)

    asyncio.run(serve(tls, use))


def test_a_broken_file_is_said_once(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    """And the context of before stays; a missing one is no crash."""
    times = iter([0.0, 2.0, 2.0, 4.0, 4.0, 8.0, 8.0])
    tls = _certificates(tmp_path)
    renewed = Renewed(tls, web_context, lambda: next(times))
    first = renewed._current
    tls.cert_file.unlink()
    with caplog.at_level(logging.ERROR):
        assert renewed.current() is first
        assert renewed.current() is first
    assert [record.message[:36] for record in caplog.records] == [
        "the certificates of before stay in u"
    ]
    _renew(tls, tmp_path)
    assert renewed.current() is not first
