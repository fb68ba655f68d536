"""How a command reaches a running collector: only where nobody reads the token along."""

import asyncio
import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse, Response
from starlette.routing import Route

from auditspan.collector.control.errors import (
    ControlDenied,
    ControlError,
    ControlInvalid,
    ControlUnavailable,
)
from auditspan.collector.data_dir import prepare
from auditspan.collector.front.receiver_config import ApiConfig, TlsConfig
from auditspan.collector.front.web_server import WebServer
from auditspan.collector.reach import (
    Way,
    api_address,
    get,
    private_url,
    tls_of,
    token_of,
    trusting,
)
from tests.end_to_end.proofs import Authority


async def _answer(request: Request) -> Response:
    """What the path says, with the token that came."""
    status = int(request.path_params["status"])
    if status == 204:
        return PlainTextResponse("no JSON", 200)
    if status == 500:
        return JSONResponse(["no error of ours"], 500)
    shown = request.headers["authorization"]
    body = {"token": shown} if status == 200 else {"error": {"message": f"because {status}"}}
    return JSONResponse(body, status)


@contextmanager
def _served(tls: TlsConfig | None = None) -> Iterator[str]:
    """The address of a port that answers."""
    config = ApiConfig(endpoint="127.0.0.1:0", tls=tls)
    server = WebServer(config, Starlette(routes=[Route("/{status}", _answer)]))
    loop = asyncio.new_event_loop()
    thread = threading.Thread(target=loop.run_forever, daemon=True)
    thread.start()
    asyncio.run_coroutine_threadsafe(server.start(), loop).result(30)
    yield server.url
    asyncio.run_coroutine_threadsafe(server.stop(), loop).result(30)
    loop.call_soon_threadsafe(loop.stop)
    thread.join()
    loop.close()


@pytest.fixture(scope="module")
def url() -> Iterator[str]:
    """A port that answers in clear."""
    with _served() as address:
        yield address


def test_the_token_is_sent_and_the_answer_read(url: str) -> None:
    """With or without a scheme in the address."""
    assert get(Way(url), "/200", "aso_x") == {"token": "Bearer aso_x"}
    assert get(Way(url.removeprefix("http://")), "/200", "y") == {"token": "Bearer y"}


@pytest.mark.parametrize(
    ("status", "kind", "words"),
    [
        (401, ControlDenied, "because 401"),
        (403, ControlDenied, "because 403"),
        (429, ControlUnavailable, "because 429"),
        (503, ControlUnavailable, "because 503"),
        (418, ControlError, "because 418"),
        (500, ControlError, "answered 500"),
        (204, ControlUnavailable, "without JSON; is this the address of its API"),
    ],
)
def test_an_error_says_whether_to_try_again(
    url: str, status: int, kind: type[ControlError], words: str
) -> None:
    """In the collector's own words, where it has some."""
    with pytest.raises(kind, match=words) as raised:
        get(Way(url), f"/{status}", "t")
    assert type(raised.value) is kind


@pytest.mark.parametrize("address", ["127.0.0.1:8080", "http://[::1]:8080", "localhost:8080"])
def test_plain_text_stays_on_this_machine(address: str) -> None:
    """There nobody else reads the token."""
    assert private_url(address).startswith("http://")


@pytest.mark.parametrize(
    "address",
    [
        "10.0.0.1:8080",
        "http://collector.example",
        "ftp://127.0.0.1",
        "http://[",
        "127.0.0.1.evil.example",
    ],
)
def test_a_token_goes_nowhere_else_in_plain_text(address: str) -> None:
    """Https goes anywhere."""
    with pytest.raises(ControlInvalid, match="expected https"):
        private_url(address)
    assert private_url("https://collector.example") == "https://collector.example"


def test_a_token_comes_from_a_private_file(tmp_path: Path) -> None:
    """Others may not read it, it is text, and it is there."""
    path = tmp_path / "token"
    with pytest.raises(ControlInvalid, match="No such file"):
        token_of(path)
    path.write_bytes(b"aso_x\n")
    path.chmod(0o640)
    with pytest.raises(ControlInvalid, match="chmod 600"):
        token_of(path)
    path.chmod(0o600)
    assert token_of(path) == "aso_x"
    path.write_bytes(b"\xff")
    with pytest.raises(ControlInvalid, match="--token-file"):
        token_of(path)


def test_the_address_is_that_of_whoever_holds_the_folder(tmp_path: Path) -> None:
    """Until its ports are open, the command tries again."""
    data = prepare(tmp_path / "data")
    with pytest.raises(ControlUnavailable, match="does not answer yet"):
        api_address(data)
    data.front_json.write_text(json.dumps({"api": "http://127.0.0.1:1"}))
    assert api_address(data) == "http://127.0.0.1:1"


def test_certificates_that_are_none_are_refused(tmp_path: Path) -> None:
    """Before anything is sent."""
    path = tmp_path / "ca.pem"
    for text in (None, "no certificate"):
        if text:
            path.write_text(text)
        with pytest.raises(ControlInvalid, match=r"ca\.pem"):
            trusting(path)
    with pytest.raises(ControlInvalid):
        get(Way("https://127.0.0.1:9", path), "/200", "t")


def test_a_client_certificate_of_the_environment_is_shown(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Where the collector demands one; the token still says who asks."""
    own, theirs = Authority(tmp_path / "own"), Authority(tmp_path / "theirs")
    cert_file, key_file = own.server()
    tls = TlsConfig(
        cert_file=cert_file, key_file=key_file,
        client_ca_file=theirs.file, require_client_certificate=True,
    )  # fmt: skip
    with _served(tls) as address:
        with pytest.raises(ControlUnavailable):
            get(Way(address, own.file), "/200", "x")
        certificate, key = theirs.issue("client")
        monkeypatch.setenv("AUDITSPAN_CERT_FILE", str(certificate))
        monkeypatch.setenv("AUDITSPAN_KEY_FILE", str(key))
        assert get(Way(address, own.file), "/200", "x") == {"token": "Bearer x"}


@pytest.mark.parametrize(
    ("spoilt", "reason"),
    [("cert", "takes both"), ("key", "takes both"), ("mode", "chmod 600"), ("pem", "in PEM")],
)
def test_a_client_certificate_that_cannot_be_used_is_said(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, spoilt: str, reason: str
) -> None:
    """Before anything is sent."""
    certificate, key = Authority(tmp_path).issue("client")
    monkeypatch.setenv("AUDITSPAN_CERT_FILE", "" if spoilt == "cert" else str(certificate))
    monkeypatch.setenv("AUDITSPAN_KEY_FILE", "" if spoilt == "key" else str(key))
    if spoilt == "mode":
        key.chmod(0o644)
    if spoilt == "pem":
        certificate.write_text("nothing")
    for ca_file in (None, tmp_path / "ca.pem"):
        with pytest.raises(ControlInvalid, match=reason):
            tls_of(ca_file)
