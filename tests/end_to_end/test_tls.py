"""Certificates: what is encrypted, who is proved by it, and what a header cannot claim."""

import ssl
import subprocess
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import grpc
import httpx
import pytest

from tests.end_to_end import bodies, proofs
from tests.end_to_end.bodies import PROTOBUF
from tests.end_to_end.proofs import SPIFFE, Authority
from tests.end_to_end.running import COMMAND, CONFIG, Collector, running


@dataclass(frozen=True)
class House:
    """A collector with certificates."""

    collector: Collector
    authority: Authority
    folder: Path

    def post(self, content: bytes, context: ssl.SSLContext, **headers: str) -> httpx.Response:
        """Over HTTPS."""
        return httpx.post(
            f"{self.collector.addresses['http']}/v1/traces",
            content=content,
            headers={"content-type": PROTOBUF, **headers},
            verify=context,
            trust_env=False,
        )

    def call(self, content: bytes, ca: Path, pair: tuple[Path, Path] | None) -> bodies.Answer:
        """Over gRPC with TLS."""
        chain, key = (pair[0].read_bytes(), pair[1].read_bytes()) if pair else (None, None)
        credentials = grpc.ssl_channel_credentials(ca.read_bytes(), key, chain)
        return bodies.call(self.collector.addresses["grpc"], content, credentials=credentials)


def context_of(ca: Path, pair: tuple[Path, Path] | None = None) -> ssl.SSLContext:
    """A client that trusts a CA and may show a certificate."""
    context = ssl.create_default_context(cafile=str(ca))
    if pair:
        context.load_cert_chain(*pair)
    return context


@pytest.fixture(scope="module")
def house(tmp_path_factory: pytest.TempPathFactory) -> Iterator[House]:
    """Clients may show a certificate over HTTP and must over gRPC; nobody is let in without."""
    folder = tmp_path_factory.mktemp("tls")
    authority = Authority(folder / "ca")
    certificate, key = authority.server()
    own = f"cert_file: {certificate}, key_file: {key}, client_ca_file: {authority.file}"
    config = CONFIG.replace(
        'grpc: {endpoint: "127.0.0.1:0"',
        f'grpc: {{endpoint: "127.0.0.1:0", tls: {{{own}, require_client_certificate: true}}',
    ).replace('http: {endpoint: "127.0.0.1:0"', f'http: {{endpoint: "127.0.0.1:0", tls: {{{own}}}')
    config = config.replace(
        "service:",
        "    authentication: {anonymous_loopback: false, trust_domains: [example.org]}\nservice:",
        1,
    )
    with running(folder / "data", config) as collector:
        proofs.bind_agent(collector, folder / "registry")
        time.sleep(1.1)  # The registry's bindings are read once a second.
        yield House(collector, authority, folder)


def test_a_client_certificate_proves_the_agent(house: House) -> None:
    """Over both transports; the record says that the agent is verified."""
    pair = house.authority.workload(SPIFFE)
    context = context_of(house.authority.file, pair)
    assert house.post(bodies.body("mtls"), context).status_code == 200
    assert house.call(bodies.body("mtls"), house.authority.file, pair).code == 0
    one = "FROM audit_records WHERE SpanName = 'mtls'"
    house.collector.wait_for(f"SELECT count() {one}", 2)
    rows = house.collector.rows(f"SELECT AgentId, AgentProvenance, AuthMethod {one}")
    proved = {"AgentId": "booking", "AgentProvenance": "verified", "AuthMethod": "mtls"}
    assert rows == [proved] * 2


def test_a_certificate_is_of_its_connection_only(house: House) -> None:
    """After a client with one, another without one is nobody."""
    proved = context_of(house.authority.file, house.authority.workload(SPIFFE))
    assert house.post(b"", proved).status_code == 200
    assert house.post(bodies.body("x"), context_of(house.authority.file)).status_code == 401


@pytest.mark.parametrize("header", [
    "x-forwarded-client-cert", "x-client-cert", "client-cert", "ssl-client-cert",
    "x-ssl-client-cert", "x-amzn-mtls-clientcert", "x-forwarded-tls-client-cert",
])  # fmt: skip
def test_a_forwarded_certificate_proves_nothing(house: House, header: str) -> None:
    """Whatever a header says, it is not the connection."""
    certificate = house.authority.workload(SPIFFE)[0].read_text().replace("\n", "%0A")
    value = f'URI={SPIFFE};Cert="{certificate}"'
    context = context_of(house.authority.file)
    assert house.post(bodies.body("x"), context, **{header: value}).status_code == 401


def test_a_certificate_bound_to_no_agent(house: House) -> None:
    """Genuine, and nobody's."""
    pair = house.authority.workload("spiffe://example.org/unknown")
    assert house.post(bodies.body("x"), context_of(house.authority.file, pair)).status_code == 401
    assert house.call(bodies.body("x"), house.authority.file, pair).code == 16


def test_a_certificate_of_another_authority(house: House) -> None:
    """Refused in the handshake."""
    stranger = Authority(house.folder / "stranger").workload(SPIFFE)
    with pytest.raises(httpx.TransportError):
        house.post(bodies.body("x"), context_of(house.authority.file, stranger))
    assert house.call(bodies.body("x"), house.authority.file, stranger).code == 14


def test_a_server_that_the_client_does_not_trust(house: House) -> None:
    """The client refuses: nothing was switched off."""
    other = Authority(house.folder / "other").file
    with pytest.raises(httpx.ConnectError, match="CERTIFICATE_VERIFY_FAILED"):
        house.post(bodies.body("x"), context_of(other))


def test_grpc_without_the_demanded_certificate(house: House) -> None:
    """There is no connection."""
    assert house.call(bodies.body("x"), house.authority.file, None).code == 14


def test_plain_text_on_a_port_with_tls(house: House) -> None:
    """There is no answer."""
    url = house.collector.addresses["http"].replace("https", "http")
    with pytest.raises(httpx.TransportError):
        httpx.post(f"{url}/v1/traces", content=b"", trust_env=False)


def test_old_tls(house: House) -> None:
    """TLS 1.1 is refused."""
    context = context_of(house.authority.file)
    with pytest.warns(DeprecationWarning):
        context.minimum_version = ssl.TLSVersion.TLSv1_1
        context.maximum_version = ssl.TLSVersion.TLSv1_1
    context.set_ciphers("ALL:@SECLEVEL=0")
    with pytest.raises(httpx.ConnectError):
        house.post(bodies.body("x"), context)


@pytest.mark.parametrize("port", ["grpc", "http", "api", "query"])
def test_a_bind_beyond_this_machine_without_tls(tmp_path: Path, port: str) -> None:
    """The collector does not start, and says what to do."""
    name = f'{port}: {{endpoint: "'
    file = tmp_path / "config.yaml"
    file.write_text(CONFIG.replace(f"{name}127.0.0.1:0", f"{name}0.0.0.0:0"))
    done = subprocess.run(
        [*COMMAND, "up", "--config", str(file), "--data", str(tmp_path / "data")],
        capture_output=True, text=True, timeout=60, check=False,
    )  # fmt: skip
    assert done.returncode != 0
    assert "insecure: true" in done.stderr
    assert "Traceback" not in done.stderr


def test_a_port_that_is_taken(house: House, tmp_path: Path) -> None:
    """The collector does not start, names the port, and leaves no engine behind."""
    for port in ("grpc", "http"):
        taken = house.collector.addresses[port].rpartition(":")[2]
        file = tmp_path / "config.yaml"
        ours = f'{port}: {{endpoint: "127.0.0.1:'
        file.write_text(CONFIG.replace(f"{ours}0", f"{ours}{taken}"))
        data = tmp_path / port
        done = subprocess.run(
            [*COMMAND, "up", "--config", str(file), "--data", str(data)],
            capture_output=True, text=True, timeout=60, check=False,
        )  # fmt: skip
        assert done.returncode != 0
        assert f"{port}: cannot listen on 127.0.0.1:{taken}" in done.stderr
        assert "Traceback" not in done.stderr
        assert not (data / "front.json").exists()
