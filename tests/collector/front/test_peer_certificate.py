"""Client certificates at the ports: whom they name, and whom not."""

import ssl
from collections.abc import Iterator
from pathlib import Path

import grpc
import httpx
import pytest
from cryptography import x509
from cryptography.hazmat.primitives.hashes import SHA256

from tests.collector.front.receiving import Receiving, receiving
from tests.end_to_end.bodies import PROTOBUF, body, call
from tests.end_to_end.proofs import Authority

DESK = "spiffe://example.org/desk"
Pair = tuple[Path, Path]


@pytest.fixture
def authority(tmp_path: Path) -> Authority:
    """Who signs certificates."""
    return Authority(tmp_path / "ca")


@pytest.fixture
def ports(tmp_path: Path, authority: Authority) -> Iterator[Receiving]:
    """Ports that demand a certificate; `DESK` is a relay's."""
    certificate, key = authority.server()
    tls = {
        "cert_file": certificate,
        "key_file": key,
        "client_ca_file": authority.file,
        "require_client_certificate": True,
    }
    relay = {"name": "desk", "spiffe": [DESK]}
    authentication = {"trust_domains": ["example.org"], "relays": [relay]}
    with receiving(
        tmp_path / "data", grpc={"tls": tls}, http={"tls": tls}, authentication=authentication
    ) as running:
        yield running


def test_the_certificate_is_named_by_its_fingerprint(
    ports: Receiving, authority: Authority
) -> None:
    """The same over both transports."""
    pair = authority.workload(DESK)
    assert _post(ports, authority, pair) == 200
    assert _call(ports, authority, pair) == 0
    leaf = x509.load_pem_x509_certificate(pair[0].read_bytes())
    assert {(item.id, item.method, item.credential) for item in ports.principals()} == {
        ("relay:desk", "mtls", f"sha256:{leaf.fingerprint(SHA256()).hex()}")
    }


@pytest.mark.parametrize(
    "uri",
    ["spiffe://elsewhere.org/desk", "spiffe://example.org/other", "https://example.org/desk"],
)
def test_a_certificate_of_nobody_is_not_taken_for_anonymous(
    ports: Receiving, authority: Authority, uri: str
) -> None:
    """Of a foreign trust domain, bound to no one, no SPIFFE id: refused, although it comes from
    this machine, where nobody needs a credential."""
    pair = authority.workload(uri)
    assert _post(ports, authority, pair) == 401
    assert _call(ports, authority, pair) == grpc.StatusCode.UNAUTHENTICATED.value[0]
    assert ports.principals() == []


def test_a_certificate_does_not_save_a_bad_key(ports: Receiving, authority: Authority) -> None:
    """The header decides alone."""
    pair = authority.workload(DESK)
    assert _post(ports, authority, pair, authorization="Bearer wrong") == 401


def _post(ports: Receiving, authority: Authority, pair: Pair, **headers: str) -> int:
    context = ssl.create_default_context(cafile=str(authority.file))
    context.load_cert_chain(*pair)
    answer = httpx.post(
        f"{ports.http}/v1/traces",
        content=body("one"),
        headers={"content-type": PROTOBUF, **headers},
        verify=context,
        trust_env=False,
    )
    return answer.status_code


def _call(ports: Receiving, authority: Authority, pair: Pair) -> int:
    credentials = grpc.ssl_channel_credentials(
        authority.file.read_bytes(), pair[1].read_bytes(), pair[0].read_bytes()
    )
    return call(ports.addresses["grpc"], body("one"), credentials=credentials).code
