"""A time-stamp authority on this machine: `openssl ts` behind HTTP, with a root and certificates
that are made for the test.
"""

import subprocess
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

_CONFIG = """\
[tsa]
default_tsa = authority
[authority]
serial = {folder}/serial
signer_cert = {folder}/tsa.pem
signer_key = {folder}/tsa.key
{certs}
signer_digest = sha256
default_policy = 1.2.3.4.1
digests = sha256
ess_cert_id_alg = sha256
clock_precision_digits = 0
"""
Reply = Callable[[bytes], bytes]


@dataclass
class Authority:
    """Its files, and what it answered."""

    folder: Path
    url: str = ""
    status: int = 200
    replies: list[bytes] = field(default_factory=list)
    change: Callable[["Authority", bytes], bytes] = lambda authority, request: authority.sign(
        request
    )
    """From a request to a reply; by default an honest one."""

    @property
    def roots(self) -> Path:
        """Its root certificate."""
        return self.folder / "root.pem"

    def sign(self, request: bytes) -> bytes:
        """The reply of openssl."""
        query, reply = self.folder / "request.tsq", self.folder / "reply.tsr"
        query.write_bytes(request)
        command = ["openssl", "ts", "-reply", "-config", str(self.folder / "tsa.cnf")]
        subprocess.run(
            [*command, "-queryfile", str(query), "-out", str(reply)],
            check=True,
            capture_output=True,
            timeout=20,
        )
        return reply.read_bytes()


def made(
    folder: Path, *, chain: bool = False, ended: bool = False, seconds: float = 172_800
) -> Authority:
    """An authority; with `chain` its replies hold the root too, in the order of openssl. Its
    certificate ends after so many seconds.
    """
    folder.mkdir()
    root_key, key = (ec.generate_private_key(ec.SECP256R1()) for _ in range(2))
    now = datetime.now(UTC)
    until = now - timedelta(minutes=1) if ended else now + timedelta(seconds=seconds)
    root = _certificate("root", "root", root_key, root_key, now + timedelta(days=9), ca=True)
    leaf = _certificate("tsa", "root", key, root_key, until)
    for name, certificate in (("root.pem", root), ("tsa.pem", leaf)):
        (folder / name).write_bytes(certificate.public_bytes(serialization.Encoding.PEM))
    for file, private in (("root.key", root_key), ("tsa.key", key)):
        (folder / file).write_bytes(
            private.private_bytes(
                serialization.Encoding.PEM,
                serialization.PrivateFormat.PKCS8,
                serialization.NoEncryption(),
            )
        )
    (folder / "serial").write_text("01\n")
    certs = f"certs = {folder}/root.pem" if chain else ""
    (folder / "tsa.cnf").write_text(_CONFIG.format(folder=folder, certs=certs))
    return Authority(folder)


@contextmanager
def serving(authority: Authority) -> Iterator[Authority]:
    """Answer over HTTP until the end."""

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            assert self.headers["content-type"] == "application/timestamp-query"
            request = self.rfile.read(int(self.headers["content-length"]))
            reply = authority.change(authority, request)
            authority.replies.append(reply)
            self.send_response(authority.status)
            self.send_header("content-type", "application/timestamp-reply")
            self.send_header("content-length", str(len(reply)))
            self.end_headers()
            self.wfile.write(reply)

        def log_message(self, *words: object) -> None:
            """Keep quiet."""

    with HTTPServer(("127.0.0.1", 0), Handler) as server:
        authority.url = f"http://127.0.0.1:{server.server_port}/"
        thread = threading.Thread(target=server.serve_forever, args=(0.05,))
        thread.start()
        try:
            yield authority
        finally:
            server.shutdown()
            thread.join()


def for_code(authority: Authority) -> tuple[bytes, bytes]:
    """The authority's certificate, and one of the same length, key, serial number and issuer that
    is not for time stamps.
    """
    leaf = x509.load_pem_x509_certificate((authority.folder / "tsa.pem").read_bytes())
    key = serialization.load_pem_private_key((authority.folder / "root.key").read_bytes(), None)
    assert isinstance(key, ec.EllipticCurvePrivateKey)
    public = leaf.public_key()
    assert isinstance(public, ec.EllipticCurvePublicKey)
    der = leaf.public_bytes(serialization.Encoding.DER)
    builder = (
        x509.CertificateBuilder(leaf.issuer, leaf.subject, public, leaf.serial_number)
        .not_valid_before(leaf.not_valid_before_utc)
        .not_valid_after(leaf.not_valid_after_utc)
        .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        .add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.CODE_SIGNING]), critical=True)
    )
    while True:  # Signatures of this kind differ in length by a byte or two.
        other = builder.sign(key, hashes.SHA256()).public_bytes(serialization.Encoding.DER)
        if len(other) == len(der):
            return der, other


def _certificate(
    name: str,
    issuer: str,
    key: ec.EllipticCurvePrivateKey,
    issuer_key: ec.EllipticCurvePrivateKey,
    until: datetime,
    *,
    ca: bool = False,
) -> x509.Certificate:
    builder = (
        x509.CertificateBuilder()
        .subject_name(_name(name))
        .issuer_name(_name(issuer))
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(until - timedelta(days=10))
        .not_valid_after(until)
        .add_extension(x509.BasicConstraints(ca=ca, path_length=None), critical=True)
    )
    if not ca:
        usage = x509.ExtendedKeyUsage([ExtendedKeyUsageOID.TIME_STAMPING])
        builder = builder.add_extension(usage, critical=True)
    return builder.sign(issuer_key, hashes.SHA256())


def _name(name: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
