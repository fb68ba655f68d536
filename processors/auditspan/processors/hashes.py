"""Hashes of what a record holds: HMAC-SHA-256, because arguments and results are guessable.

JSON is hashed in its canonical form (RFC 8785), so that two spellings of the same arguments have
the same hash; what is no JSON is hashed as it is.
"""

import hmac

import pyarrow as pa

from auditspan.processors.arguments import NotJson, read_strictly
from auditspan.processors.texts import mapped
from auditspan.wire.canonical_json import canonical_json


def content_hashes(texts: pa.Array, key: bytes) -> pa.Array:
    """The hash of each text, "" of none; computed once per distinct text."""
    return mapped(texts, lambda text: content_hash(text, key) if text else "")


def content_hash(text: str, key: bytes) -> str:
    """`hmac-sha256:<hex>` of a text."""
    return "hmac-sha256:" + hmac.digest(key, _canonical(text), "sha256").hex()


def _canonical(text: str) -> bytes:
    value = read_strictly(text)
    if isinstance(value, NotJson):
        return text.encode()
    try:
        return canonical_json(value)
    except (ValueError, RecursionError):
        # RFC 8785 has no infinity, no integer above 2^53 and no lone surrogate.
        return text.encode()
