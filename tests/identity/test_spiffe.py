"""Client certificates with a SPIFFE id."""

import datetime
import hashlib
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from auditspan.identity.errors import CertificateRefused
from auditspan.identity.spiffe import parse_spiffe_id, workload

START = datetime.datetime(2026, 1, 1, tzinfo=datetime.UTC)
END = datetime.datetime(2026, 1, 2, tzinfo=datetime.UTC)
AT = START.timestamp() + 3600
KEY = ec.generate_private_key(ec.SECP256R1())
ID = "spiffe://example.org/agents/booking"


def usage(**on: bool) -> x509.KeyUsage:
    """A key usage with these bits."""
    bits = dict.fromkeys(
        (
            "digital_signature",
            "content_commitment",
            "key_encipherment",
            "data_encipherment",
            "key_agreement",
            "key_cert_sign",
            "crl_sign",
            "encipher_only",
            "decipher_only",
        ),
        False,
    )
    return x509.KeyUsage(**{**bits, **on})


def certificate(*uris: str, extensions: tuple[Any, ...] = ()) -> bytes:
    """A certificate with these URIs, in DER."""
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "workload")])
    builder = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(KEY.public_key())
        .serial_number(1)
        .not_valid_before(START)
        .not_valid_after(END)
    )
    if uris:
        names: list[x509.GeneralName] = [x509.UniformResourceIdentifier(uri) for uri in uris]
        names.append(x509.DNSName("host.example.org"))
        builder = builder.add_extension(x509.SubjectAlternativeName(names), False)
    for extension in extensions:
        builder = builder.add_extension(extension, False)
    return builder.sign(KEY, hashes.SHA256()).public_bytes(serialization.Encoding.DER)


def test_a_workload_proves_itself() -> None:
    """The certificate gives the id, its trust domain, a fingerprint and its end."""
    der = certificate(
        ID,
        extensions=(
            usage(digital_signature=True),
            x509.BasicConstraints(ca=False, path_length=None),
            x509.ExtendedKeyUsage(
                [ExtendedKeyUsageOID.SERVER_AUTH, ExtendedKeyUsageOID.CLIENT_AUTH]
            ),
        ),
    )
    proved = workload(der, {"example.org"}, AT)
    assert proved.spiffe_id == ID
    assert proved.trust_domain == "example.org"
    assert proved.fingerprint == f"sha256:{hashlib.sha256(der).hexdigest()}"
    assert proved.expires_at == int(END.timestamp())


@pytest.mark.parametrize("offset", [-1, 86_401])
def test_a_certificate_has_a_time(offset: int) -> None:
    """Before and after it proves nothing, even if TLS let it through."""
    with pytest.raises(CertificateRefused, match="validity"):
        workload(certificate(ID), {"example.org"}, START.timestamp() + offset)


@pytest.mark.parametrize("uris", [(), (ID, ID), (ID, "https://example.org")])
def test_exactly_one_uri_is_expected(uris: tuple[str, ...]) -> None:
    """X509-SVID §2: which of two was meant cannot be known."""
    with pytest.raises(CertificateRefused, match="exactly 1 URI"):
        workload(certificate(*uris), {"example.org"}, AT)


def test_another_trust_domain_is_refused() -> None:
    """Only configured domains are believed, by their whole name."""
    for domains in (set[str](), {"example.com"}, {"org"}, {"sub.example.org"}):
        with pytest.raises(CertificateRefused, match="trust domain"):
            workload(certificate(ID), domains, AT)


@pytest.mark.parametrize(
    "extension",
    [
        x509.BasicConstraints(ca=True, path_length=None),
        usage(digital_signature=True, key_cert_sign=True),
        usage(digital_signature=True, crl_sign=True),
        usage(key_encipherment=True),
        x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH]),
    ],
)
def test_only_a_leaf_for_clients_is_a_workload(extension: Any) -> None:
    """X509-SVID §4 and §5.2."""
    with pytest.raises(CertificateRefused):
        workload(certificate(ID, extensions=(extension,)), {"example.org"}, AT)


@pytest.mark.parametrize(
    "der", [b"", b"0", b"\x30\x03\x02\x01\x00", b"-----BEGIN CERTIFICATE-----"]
)
def test_other_bytes_are_refused(der: bytes) -> None:
    """Bad input is normal input."""
    with pytest.raises(CertificateRefused, match="DER"):
        workload(der, {"example.org"}, AT)


@pytest.mark.parametrize(
    "uri",
    [
        "",
        "spiffe://",
        "spiffe://example.org",
        "spiffe://example.org/",
        "spiffe:///path",
        "https://example.org/path",
        "SPIFFE://example.org/path",
        "spiffe://Example.org/path",
        "spiffe://user@example.org/path",
        "spiffe://example.org:443/path",
        "spiffe://example.org/path?query",
        "spiffe://example.org/path#fragment",
        "spiffe://example.org/a//b",
        "spiffe://example.org/a/",
        "spiffe://example.org/a/../b",
        "spiffe://example.org/./b",
        "spiffe://example.org/%61",
        "spiffe://example.org/ä",
        "spiffe://example.org/a\nb",
        "spiffe://example.org/a\n",
        "spiffe://example.org/" + "a" * 2048,
        "spiffe://" + "a" * 256 + "/path",
    ],
)
def test_a_malformed_id_is_refused(uri: str) -> None:
    """SPIFFE-ID §2."""
    with pytest.raises(CertificateRefused):
        parse_spiffe_id(uri)


def test_a_well_formed_id_gives_its_domain() -> None:
    """All the characters that are allowed."""
    assert parse_spiffe_id("spiffe://a-b_c.0/A.b/-_/9") == "a-b_c.0"
