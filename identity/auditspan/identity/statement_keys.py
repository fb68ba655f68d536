"""The collector's statement keys: one private key in a private file, all public ones in a JWKS.

The JWKS (RFC 7517) keeps the public keys of earlier private keys, so that statements made with
them can be judged again. Taking a key out of it is how a stolen key is ended.
"""

import hashlib
import json
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
    load_pem_private_key,
)

from auditspan.identity import jws
from auditspan.identity.errors import KeySetInvalid, SecretFileInvalid
from auditspan.identity.files import locked, read_private, write_atomic
from auditspan.identity.strict_json import loads_object


def open_key(key_path: Path, jwks_path: Path) -> Ed25519PrivateKey:
    """The private key of the file, made if there is none, and its public half in the JWKS.

    Raises `SecretFileInvalid`, `KeySetInvalid`.
    """
    with locked(key_path):
        try:
            key = _read(key_path)
        except FileNotFoundError:
            key = _create(key_path)
        _publish(jwks_path, public_jwk(key.public_key()))
    return key


def read_jwks(path: Path) -> dict[str, object]:
    """The public keys. Raises `KeySetInvalid`, or `OSError` if there is no file."""
    try:
        jwks = loads_object(path.read_bytes())
    except ValueError as error:
        raise KeySetInvalid(f"{path}: not a JSON Web Key set: restore it from a backup") from error
    if not isinstance(jwks.get("keys"), list):
        raise KeySetInvalid(f"{path}: expected a list `keys`")
    return jwks


def public_jwk(key: Ed25519PublicKey) -> dict[str, str]:
    """The public key as JWK (RFC 8037 §2), named by its thumbprint (RFC 7638)."""
    x = jws.encode(key.public_bytes(Encoding.Raw, PublicFormat.Raw))
    members = {"crv": "Ed25519", "kty": "OKP", "x": x}
    canonical = json.dumps(members, sort_keys=True, separators=(",", ":")).encode()
    kid = jws.encode(hashlib.sha256(canonical).digest())
    return {**members, "alg": "EdDSA", "kid": kid, "use": "sig"}


def _create(path: Path) -> Ed25519PrivateKey:
    key = Ed25519PrivateKey.generate()
    write_atomic(path, key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))
    return key


def _read(path: Path) -> Ed25519PrivateKey:
    try:
        key = load_pem_private_key(read_private(path), password=None)
    except (ValueError, TypeError) as error:
        raise SecretFileInvalid(f"{path}: not a private key in PEM") from error
    if not isinstance(key, Ed25519PrivateKey):
        raise SecretFileInvalid(f"{path}: expected an Ed25519 key, found another kind")
    return key


def _publish(path: Path, jwk: dict[str, str]) -> None:
    """Add a key to the set; others stay."""
    try:
        keys = read_jwks(path)["keys"]
    except FileNotFoundError:
        keys = []
    if not isinstance(keys, list) or jwk in keys:
        return
    body = json.dumps({"keys": [*keys, jwk]}, indent=1).encode() + b"\n"
    # Public on purpose: whoever may read the records may check the statements.
    write_atomic(path, body, mode=0o644)
