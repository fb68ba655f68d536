"""Hashes of arguments and results that two parties can compare without showing either.

HMAC-SHA-256 over the canonical JSON (RFC 8785) with a key from a file, since a plain hash of "yes"
tells "yes". Without a key nothing is hashed here: the collector does it with its own.
"""

import json
from pathlib import Path

from auditspan.instrumentation.errors import SettingsInvalid
from auditspan.wire.canonical_json import hmac_digest

MIN_KEY = 16


def read_key(path: Path | None) -> bytes:
    """The key in a file, empty without one. Raises SettingsInvalid."""
    if path is None:
        return b""
    try:
        key = path.read_bytes().strip()
    except OSError as error:
        raise SettingsInvalid(f"AUDITSPAN_HASH_KEY_FILE: {path}: {error.strerror}") from error
    if len(key) < MIN_KEY:
        raise SettingsInvalid(
            f"AUDITSPAN_HASH_KEY_FILE: {path} holds {len(key)} bytes, expected {MIN_KEY} or more"
        )
    return key


def content_hash(text: str, key: bytes) -> str:
    """The hash of a JSON text."""
    return hmac_digest(json.loads(text), key)
