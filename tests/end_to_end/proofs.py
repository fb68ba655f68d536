"""Tokens, certificates and a registry with an agent that they are bound to."""

import datetime
import ipaddress
import json
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import jwt
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, ed25519
from cryptography.x509.oid import NameOID
from jwt.algorithms import OKPAlgorithm

from tests.end_to_end.running import Collector

ISSUER = "https://id.example"
SPIFFE = "spiffe://example.org/booking"
BY = ("--requested-by", "ops@example.com", "--ticket", "CHG-1", "--reason", "test")
AGENT = f"""
id: booking
name: Booking
owner: travel
purpose: books
risk_tier: high
credentials:
  jwt: [{{issuer: "{ISSUER}", audience: auditspan, client: robot}}]
  spiffe: ["{SPIFFE}"]
"""


@dataclass(frozen=True)
class Issuer:
    """An issuer of tokens whose public key lies in a file."""

    key: ed25519.Ed25519PrivateKey
    jwks: Path

    @classmethod
    def at(cls, folder: Path) -> "Issuer":
        """A new one."""
        key = ed25519.Ed25519PrivateKey.generate()
        jwk: dict[str, Any] = OKPAlgorithm.to_jwk(key.public_key(), as_dict=True)
        path = folder / "jwks.json"
        path.write_text(json.dumps({"keys": [{**jwk, "kid": "k"}]}))
        return cls(key, path)

    def token(self, **change: Any) -> str:
        """A token of the agent's client, with other claims on demand."""
        claims = {
            "iss": ISSUER, "aud": "auditspan", "azp": "robot", "sub": "ada@example.org",
            "exp": int(time.time()) + 600, "iat": int(time.time()), "jti": f"j{time.time_ns()}",
        }  # fmt: skip
        return jwt.encode({**claims, **change}, self.key, algorithm="EdDSA", headers={"kid": "k"})


def bind_agent(collector: Collector, folder: Path) -> None:
    """Put a registry in force that knows the agent `booking`."""
    (folder / "agents").mkdir(parents=True)
    (folder / "agents" / "booking.yaml").write_text(AGENT)
    (folder / "controls.yaml").write_text("single_operator: true\n")
    collector.auditspan("apply", str(folder), *BY)


def api_key(collector: Collector) -> str:
    """A new API key of the agent `booking`."""
    return collector.auditspan("keys", "issue", "booking", *BY).stdout.strip()


class Authority:
    """A certificate authority with its files in a folder."""

    def __init__(self, folder: Path) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self._folder = folder
        self._key = ec.generate_private_key(ec.SECP256R1())
        self._name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "Test CA")])
        usage = x509.KeyUsage(False, False, False, False, False, True, True, False, False)
        built = self._builder(self._name, self._key.public_key())
        certificate = (
            built.add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
            .add_extension(usage, critical=True)
            .sign(self._key, hashes.SHA256())
        )
        self.file = folder / "ca.pem"
        self.file.write_bytes(certificate.public_bytes(serialization.Encoding.PEM))

    def issue(self, name: str, *names: x509.GeneralName) -> tuple[Path, Path]:
        """Files of a certificate with these alternative names and of its key."""
        key = ec.generate_private_key(ec.SECP256R1())
        usage = x509.KeyUsage(True, False, False, False, False, False, False, False, False)
        certificate = (
            self._builder(x509.Name([]), key.public_key())
            .add_extension(x509.SubjectAlternativeName(names), critical=True)
            .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
            .add_extension(usage, critical=True)
            .add_extension(
                x509.AuthorityKeyIdentifier.from_issuer_public_key(self._key.public_key()), False
            )
            .sign(self._key, hashes.SHA256())
        )
        files = self._folder / f"{name}.pem", self._folder / f"{name}.key"
        files[0].write_bytes(certificate.public_bytes(serialization.Encoding.PEM))
        files[1].touch(mode=0o600)
        files[1].write_bytes(
            key.private_bytes(
                serialization.Encoding.PEM,
                serialization.PrivateFormat.PKCS8,
                serialization.NoEncryption(),
            )
        )
        return files

    def server(self) -> tuple[Path, Path]:
        """A certificate for this machine."""
        address = x509.IPAddress(ipaddress.ip_address("127.0.0.1"))
        return self.issue("server", address, x509.DNSName("localhost"))

    def workload(self, spiffe_id: str) -> tuple[Path, Path]:
        """A client certificate in the manner of SPIFFE."""
        return self.issue("workload", x509.UniformResourceIdentifier(spiffe_id))

    def _builder(
        self, subject: x509.Name, key: ec.EllipticCurvePublicKey
    ) -> x509.CertificateBuilder:
        now = datetime.datetime.now(datetime.UTC)
        return (
            x509.CertificateBuilder()
            .subject_name(subject)
            .issuer_name(self._name)
            .public_key(key)
            .serial_number(x509.random_serial_number())
            .not_valid_before(now - datetime.timedelta(hours=1))
            .not_valid_after(now + datetime.timedelta(days=1))
            .add_extension(x509.SubjectKeyIdentifier.from_public_key(key), critical=False)
        )
