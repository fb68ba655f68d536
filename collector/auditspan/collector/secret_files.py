"""A collector's keys and tokens: made on first start, kept in `secrets/`, read by front only."""

import re
import secrets
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from auditspan.collector.data_dir import DataDir
from auditspan.identity.errors import SecretFileInvalid
from auditspan.identity.files import read_private, write_atomic
from auditspan.identity.statement_keys import open_key, read_jwks

_KEY_BYTES: Final = 32
_TOKEN: Final = re.compile(rb"aso_[A-Za-z0-9_-]{43,}\n?")
OPERATOR_PREFIX: Final = "aso_"
"""So that a leaked token is recognised by scanners, ours among them."""


@dataclass(frozen=True, slots=True)
class Secrets:
    """What front holds in memory. Its `repr` shows none of it."""

    hmac_key: bytes = field(repr=False)
    operator_token: str = field(repr=False)
    statement_key: Ed25519PrivateKey = field(repr=False)
    statement_jwks: dict[str, object] = field(repr=False)


def ensure_secrets(data: DataDir) -> Secrets:
    """Read the secrets, making those that are not there. Raises `SecretFileInvalid`."""
    jwks = data.folder("public") / "statement.jwks.json"
    # Before the keys of statements, whose public file says that a folder was in use.
    hmac_key = _hmac_key(data.secret("hmac.key"), in_use=jwks.exists())
    key = open_key(data.secret("statement.key"), jwks)
    return Secrets(
        hmac_key=hmac_key,
        operator_token=_operator_token(data.secret("operator.token")),
        statement_key=key,
        statement_jwks=read_jwks(jwks),
    )


def _hmac_key(path: Path, in_use: bool) -> bytes:
    if in_use and not path.exists():
        raise SecretFileInvalid(
            f"{path}: is not there, and this folder was in use: restore it from a backup; with "
            "another key, hashes no longer match those already stored. If it is lost for good, "
            f"write {_KEY_BYTES} random bytes there"
        )
    key = _ensure(path, secrets.token_bytes(_KEY_BYTES))
    if len(key) != _KEY_BYTES:
        raise SecretFileInvalid(
            f"{path}: expected {_KEY_BYTES} bytes, found {len(key)}: restore it from a backup; "
            "with another key, hashes no longer match those already stored"
        )
    return key


def _operator_token(path: Path) -> str:
    token = _ensure(path, f"{OPERATOR_PREFIX}{secrets.token_urlsafe(32)}".encode())
    if not _TOKEN.fullmatch(token):
        raise SecretFileInvalid(
            f"{path}: expected {OPERATOR_PREFIX}… of at least 43 characters more: delete the file, "
            "and the next start makes a new token"
        )
    return token.decode().strip()


def _ensure(path: Path, fresh: bytes) -> bytes:
    try:
        return read_private(path)
    except FileNotFoundError:
        write_atomic(path, fresh)
        return fresh
