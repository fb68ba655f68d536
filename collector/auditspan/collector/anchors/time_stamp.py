"""What a time stamp proves (RFC 3161 §2.4.2): this note was there at this time.

The chain must end in a pinned root and be valid at the stamp's own time, the certificate must be
one for time stamping, and what is stamped must be the note. All of that is rfc3161-client's; it
needs no network and no clock of ours, so that whoever has the reply and the roots can check it
years later.
"""

import hashlib
from pathlib import Path
from typing import Final

from cryptography import x509
from rfc3161_client import (
    TimeStampRequest,
    TimeStampResponse,
    VerifierBuilder,
    decode_timestamp_response,
)
from rfc3161_client.tsp import TimeStampTokenInfo

from auditspan.collector.anchors.der_order import in_der_order
from auditspan.collector.anchors.errors import AnchorRefused, AnchorUnusable
from auditspan.integrity.anchors import MAX_RAW

_GRANTED: Final = 0
_SHA256: Final = x509.ObjectIdentifier("2.16.840.1.101.3.4.2.1")


def verify_time_stamp(
    reply: bytes,
    note: bytes,
    roots: list[x509.Certificate],
    request: TimeStampRequest | None = None,
) -> int:
    """The time that is proved, in unix seconds. Raises `AnchorRefused` with what is wrong.

    With the request, its nonce must come back: without it a reply could be an old one.
    """
    response, info = _decoded(reply)
    if info.message_imprint.hash_algorithm != _SHA256:
        raise AnchorRefused("the time stamp is not over a SHA-256 digest")
    if info.message_imprint.message != hashlib.sha256(note).digest():
        raise AnchorRefused("the time stamp is for another digest than the note's")
    if request is not None and info.nonce != request.nonce:
        raise AnchorRefused("the time stamp has another nonce than the request: a reply replayed")
    builder = VerifierBuilder(roots=list(roots))
    try:
        builder.build().verify_message(response, note)
    except Exception as error:
        # Certificates of a stranger are read in here, and parsers of X.509 raise many things.
        raise AnchorRefused(
            f"the time stamp of {info.gen_time:%Y-%m-%dT%H:%M:%SZ} does not verify with the pinned "
            f"roots: {error}"
        ) from error
    return int(info.gen_time.timestamp())


def read_roots(path: Path) -> list[x509.Certificate]:
    """The pinned roots of a PEM file. Raises `AnchorUnusable`."""
    try:
        roots = x509.load_pem_x509_certificates(path.read_bytes())
    except (OSError, ValueError) as error:
        reason = error.strerror if isinstance(error, OSError) else "no certificates in PEM"
        raise AnchorUnusable(
            f"roots_file {path}: {reason}: take the root certificate from the authority itself"
        ) from error
    return roots


def _decoded(reply: bytes) -> tuple[TimeStampResponse, TimeStampTokenInfo]:
    if len(reply) > MAX_RAW:
        raise AnchorRefused(f"the reply has more than {MAX_RAW} bytes")
    try:
        response = decode_timestamp_response(in_der_order(reply))
        status, words = response.status, response.status_string
    except ValueError as error:
        raise AnchorRefused(f"the reply is no time stamp: {error}") from error
    if status != _GRANTED:
        said = "; ".join(words)[:200] or "no reason"
        raise AnchorRefused(f"the authority refused with status {status}: {said!r}")
    try:
        return response, response.tst_info
    except ValueError as error:
        raise AnchorRefused(f"the reply is no time stamp: {error}") from error
