"""X.509-SVIDs: which workload a client certificate names.

Follows https://github.com/spiffe/spiffe/blob/main/standards/X509-SVID.md (§2, §4, §5) and
SPIFFE-ID.md (§2). The chain was verified by TLS; this reads the leaf. The certificate authorities
given to TLS must be trusted for every configured trust domain: TLS does not know the difference.
"""

import hashlib
import re
from collections.abc import Collection
from dataclasses import dataclass
from typing import Final, TypeVar

from cryptography import x509
from cryptography.x509.oid import ExtendedKeyUsageOID

from auditspan.identity.errors import CertificateRefused

_Extension = TypeVar("_Extension", bound=x509.ExtensionType)

_MAX_URI: Final = 2048
_DOMAIN: Final = re.compile(r"[a-z0-9._-]{1,255}")
_SEGMENT: Final = re.compile(r"[A-Za-z0-9._-]+")


@dataclass(frozen=True, slots=True)
class Workload:
    """A workload that proved itself with its certificate."""

    spiffe_id: str
    """The whole URI."""
    trust_domain: str
    """Its authority."""
    fingerprint: str
    """`sha256:<hex>` of the certificate."""
    expires_at: int
    """Unix seconds."""


def workload(der: bytes, trust_domains: Collection[str], at: float) -> Workload:
    """The workload of a leaf certificate. Raises `CertificateRefused`."""
    # 1. A certificate, and in its time.
    try:
        certificate = x509.load_der_x509_certificate(der)
        extensions = certificate.extensions
    except (ValueError, x509.DuplicateExtension, x509.UnsupportedGeneralNameType) as error:
        raise CertificateRefused("client certificate: not a certificate in DER") from error
    start = certificate.not_valid_before_utc.timestamp()
    end = certificate.not_valid_after_utc.timestamp()
    if not start <= at <= end:
        raise CertificateRefused("client certificate: not in its validity period")
    # 2. A leaf that may authenticate a client.
    _check_leaf(extensions)
    # 3. Exactly one URI, and a SPIFFE id of a trusted domain.
    spiffe_id = _only_uri(extensions)
    domain = parse_spiffe_id(spiffe_id)
    if domain not in trust_domains:
        raise CertificateRefused("client certificate: its trust domain is not configured")
    digest = hashlib.sha256(der).hexdigest()
    return Workload(spiffe_id, domain, f"sha256:{digest}", int(end))


def parse_spiffe_id(uri: str) -> str:
    """The trust domain of a well-formed SPIFFE id with a path. Raises `CertificateRefused`."""
    scheme, _, rest = uri.partition("://")
    domain, _, path = rest.partition("/")
    segments = path.split("/")
    well_formed = (
        len(uri) <= _MAX_URI
        and scheme == "spiffe"
        and _DOMAIN.fullmatch(domain) is not None
        and all(_SEGMENT.fullmatch(s) and s not in (".", "..") for s in segments)
    )
    if not well_formed:
        raise CertificateRefused(
            "client certificate: expected a URI spiffe://<trust domain>/<path>"
        )
    return domain


def _check_leaf(extensions: x509.Extensions) -> None:
    constraints = _find(extensions, x509.BasicConstraints)
    usage = _find(extensions, x509.KeyUsage)
    extended = _find(extensions, x509.ExtendedKeyUsage)
    if constraints is not None and constraints.ca:
        raise CertificateRefused("client certificate: is a certificate authority, not a workload")
    if usage is not None and (usage.key_cert_sign or usage.crl_sign or not usage.digital_signature):
        raise CertificateRefused("client certificate: its key usage is not that of a workload")
    if extended is not None and ExtendedKeyUsageOID.CLIENT_AUTH not in extended:
        raise CertificateRefused("client certificate: not made to authenticate a client")


def _only_uri(extensions: x509.Extensions) -> str:
    names = _find(extensions, x509.SubjectAlternativeName)
    uris = names.get_values_for_type(x509.UniformResourceIdentifier) if names is not None else []
    if len(uris) != 1:
        raise CertificateRefused(f"client certificate: expected exactly 1 URI, found {len(uris)}")
    return uris[0]


def _find(extensions: x509.Extensions, kind: type[_Extension]) -> _Extension | None:
    try:
        return extensions.get_extension_for_class(kind).value
    except x509.ExtensionNotFound:
        return None
