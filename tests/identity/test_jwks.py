"""Where keys come from, against a real HTTP server on loopback."""

import datetime
import ipaddress
import json
import ssl
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, ed25519
from cryptography.x509.oid import NameOID
from jwt.algorithms import OKPAlgorithm

from auditspan.identity.errors import KeySetInvalid, KeysUnavailable
from auditspan.identity.jwks import MAX_BYTES, JwksFile, JwksUrl


def key_set(*kids: str) -> bytes:
    """A JWKS with fresh keys of these ids."""
    public = ed25519.Ed25519PrivateKey.generate().public_key()
    jwk: dict[str, Any] = OKPAlgorithm.to_jwk(public, as_dict=True)
    return json.dumps({"keys": [{**jwk, "kid": kid} for kid in kids]}).encode()


@dataclass
class Issuer:
    """What the server answers, and how often it was asked."""

    body: bytes = b""
    status: int = 200
    location: str = ""
    asked: list[str] = field(default_factory=list)
    port: int = 0


@pytest.fixture
def issuer() -> Iterator[Issuer]:
    """A server that answers what the test says."""
    state = Issuer(key_set("a"))
    server = serve(state)
    yield state
    stop(server)


def serve(state: Issuer, wrap: Callable[[Any], Any] | None = None) -> HTTPServer:
    """Start a server on a free port."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            state.asked.append(self.path)
            self.send_response(state.status)
            if state.location:
                self.send_header("Location", state.location)
            self.send_header("Content-Length", str(len(state.body)))
            self.end_headers()
            self.wfile.write(state.body)

        def log_message(self, format: str, *args: Any) -> None:
            return

    server = HTTPServer(("127.0.0.1", 0), Handler)
    if wrap is not None:
        server.socket = wrap(server.socket)
    state.port = server.server_address[1]
    threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
    return server


def stop(server: HTTPServer) -> None:
    """Stop it and close its socket."""
    server.shutdown()
    server.server_close()


class Clock:
    """A clock that stands still until it is set."""

    def __init__(self) -> None:
        self.at = 1000.0

    def __call__(self) -> float:
        return self.at


def url_source(issuer: Issuer, clock: Clock, path: str = "/jwks") -> JwksUrl:
    """A source that asks the server."""
    url = f"http://127.0.0.1:{issuer.port}{path}"
    return JwksUrl(url, allow_http_loopback=True, clock=clock)


def kids(source: JwksUrl | JwksFile) -> list[str]:
    """Ids of the keys in hand."""
    return [key.kid for key in source.current().keys]


def test_nothing_is_fetched_before_it_is_asked_for(issuer: Issuer) -> None:
    """Until then there are no keys, which is retryable."""
    source = url_source(issuer, Clock())
    with pytest.raises(KeysUnavailable) as unavailable:
        source.current()
    assert unavailable.value.retryable
    assert issuer.asked == []
    assert source.refresh()
    assert kids(source) == ["a"]
    assert issuer.asked == ["/jwks"]


def test_it_is_fetched_at_most_once_a_minute(issuer: Issuer) -> None:
    """Whatever tokens arrive, the issuer is not flooded."""
    clock = Clock()
    source = url_source(issuer, clock)
    assert source.refresh()
    issuer.body = key_set("b")
    clock.at += 59
    with pytest.raises(KeysUnavailable, match="within the last minute"):
        source.refresh()
    assert kids(source) == ["a"]
    clock.at += 1
    assert source.refresh()
    assert kids(source) == ["b"]
    assert len(issuer.asked) == 2


@pytest.mark.parametrize(
    "answer",
    [
        {"status": 500},
        {"status": 404},
        {"body": b"no keys"},
        {"body": b'{"keys": []}'},
        {"body": b'{"keys": [' + b" " * MAX_BYTES + b"]}"},
        {"status": 302, "location": "/other"},
        {"status": 301, "location": "https://example.invalid/"},
        {"status": 302, "location": "file:///etc/passwd"},
    ],
)
def test_the_last_good_set_is_kept(issuer: Issuer, answer: dict[str, Any]) -> None:
    """A failing, redirecting or oversized answer changes nothing and counts as the try."""
    clock = Clock()
    source = url_source(issuer, clock)
    source.refresh()
    for name, value in answer.items():
        setattr(issuer, name, value)
    clock.at += 60
    for reason in ("could be fetched", "within the last minute"):
        with pytest.raises(KeysUnavailable, match=reason):
            source.refresh()
    assert kids(source) == ["a"]
    assert issuer.asked == ["/jwks", "/jwks"]


def test_an_issuer_that_is_down_is_no_error(issuer: Issuer) -> None:
    """Of ours: it is one to try again after."""
    source = JwksUrl("http://127.0.0.1:9", allow_http_loopback=True, clock=Clock())
    with pytest.raises(KeysUnavailable):
        source.refresh()


@pytest.mark.parametrize(
    "url",
    [
        "",
        "id.example/jwks",
        "http://id.example/jwks",
        "http://127.0.0.1/jwks",
        "file:///etc/passwd",
        "ftp://id.example/jwks",
        "https:///jwks",
        "https://user:password@id.example/jwks",
    ],
)
def test_only_https_is_configured(url: str) -> None:
    """Plain http needs a flag."""
    with pytest.raises(KeySetInvalid):
        JwksUrl(url)


@pytest.mark.parametrize("url", ["http://id.example/", "http://localhost/", "http://10.0.0.1/"])
def test_the_flag_allows_loopback_only(url: str) -> None:
    """By address, since a name may resolve to anything."""
    with pytest.raises(KeySetInvalid):
        JwksUrl(url, allow_http_loopback=True)
    JwksUrl("http://[::1]:80/jwks", allow_http_loopback=True)


def test_the_server_certificate_is_verified(tmp_path: Path) -> None:
    """Keys are fetched over TLS from a server that proves its name, and from no other."""
    certificate = self_signed(tmp_path)
    server_side = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    server_side.load_cert_chain(certificate)
    state = Issuer(key_set("tls"))
    server = serve(state, lambda s: server_side.wrap_socket(s, server_side=True))
    try:
        url = f"https://127.0.0.1:{state.port}/jwks"
        with pytest.raises(KeysUnavailable):
            JwksUrl(url).refresh()
        trusting = JwksUrl(url, context=ssl.create_default_context(cafile=str(certificate)))
        assert trusting.refresh()
        assert kids(trusting) == ["tls"]
    finally:
        stop(server)


def self_signed(folder: Path) -> Path:
    """A certificate for 127.0.0.1 with its key, in one file."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "loopback")])
    now = datetime.datetime.now(datetime.UTC)
    hour = datetime.timedelta(hours=1)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(now - hour)
        .not_valid_after(now + hour)
        .add_extension(
            x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address("127.0.0.1"))]), False
        )
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), True)
        .sign(key, hashes.SHA256())
    )
    path = folder / "server.pem"
    path.write_bytes(
        certificate.public_bytes(serialization.Encoding.PEM)
        + key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        )
    )
    return path


def test_a_file_is_read_again_when_it_changes(tmp_path: Path) -> None:
    """Keys are rotated by writing the file."""
    path = tmp_path / "jwks.json"
    path.write_bytes(key_set("a"))
    source = JwksFile(path)
    assert kids(source) == ["a"]
    path.write_bytes(key_set("b", "c"))
    assert kids(source) == ["b", "c"]
    assert not source.refresh()


def test_a_file_that_breaks_later_changes_nothing(tmp_path: Path) -> None:
    """The last good set is kept."""
    path = tmp_path / "jwks.json"
    path.write_bytes(key_set("a"))
    source = JwksFile(path)
    path.write_bytes(b"half a fi")
    assert kids(source) == ["a"]
    path.unlink()
    assert kids(source) == ["a"]


def test_a_file_that_is_wrong_at_start_is_refused(tmp_path: Path) -> None:
    """The message names the file."""
    path = tmp_path / "jwks.json"
    with pytest.raises(KeysUnavailable, match=r"jwks\.json"):
        JwksFile(path)
    path.write_bytes(b"{}")
    with pytest.raises(KeySetInvalid, match=r"jwks\.json"):
        JwksFile(path)
