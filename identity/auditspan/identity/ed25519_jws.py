"""Claims signed by the collector: compact JWS (RFC 7515) with Ed25519 (RFC 8037), one `typ` a use.

The algorithm is never chosen by what is verified, a header has exactly the members that we write,
and a token made for one use is none for another (RFC 8725 §3.1, §3.11).
"""

import json
from collections.abc import Mapping

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

from auditspan.identity import jws
from auditspan.identity.errors import KeySetInvalid

Keys = Mapping[str, Ed25519PublicKey]
"""Public keys by their ids."""


def sign(key: Ed25519PrivateKey, kid: str, typ: str, claims: Mapping[str, object]) -> str:
    """The text of some claims; `kid` is the key's id in the key set."""
    header = {"alg": "EdDSA", "kid": kid, "typ": typ}
    body = f"{_segment(header)}.{_segment(claims)}"
    return f"{body}.{jws.encode(key.sign(body.encode('ascii')))}"


def public_keys(jwks: Mapping[str, object]) -> Keys:
    """The keys of a set. Raises `KeySetInvalid` if this is no set of Ed25519 keys."""
    entries = jwks.get("keys")
    if not isinstance(entries, list):
        raise KeySetInvalid("statement keys: expected an object with a list `keys`")
    return dict(map(_public_key, entries))


def claims_of(text: str, typ: str, keys: Keys, limit: int) -> Mapping[str, object]:
    """The claims of a text that one of the keys signed for this use.

    Raises `ValueError` with a reason that quotes nothing of the text.
    """
    # 1. Form and header.
    parts = jws.split(text, limit)
    header = parts.header
    if header.get("typ") != typ or header.get("alg") != "EdDSA":
        raise ValueError(f"expected typ {typ} and alg EdDSA")
    if set(header) != {"typ", "alg", "kid"}:
        raise ValueError("a header member that we never write")
    key = keys.get(str(header["kid"]))
    if key is None:
        raise ValueError("signed with a key that is not ours")
    # 2. Signature.
    try:
        key.verify(parts.signature, parts.signing_input)
    except InvalidSignature as error:
        raise ValueError("the signature is not ours") from error
    return parts.payload


def _segment(value: Mapping[str, object]) -> str:
    return jws.encode(json.dumps(value, sort_keys=True, separators=(",", ":")).encode())


def _public_key(entry: object) -> tuple[str, Ed25519PublicKey]:
    if not isinstance(entry, dict) or entry.get("kty") != "OKP" or entry.get("crv") != "Ed25519":
        raise KeySetInvalid("statement keys: expected Ed25519 keys (kty OKP, crv Ed25519)")
    try:
        key = Ed25519PublicKey.from_public_bytes(jws.decode(entry["x"]))
        return str(entry["kid"]), key
    except (KeyError, TypeError, ValueError) as error:
        raise KeySetInvalid("statement keys: a key without a valid `x` and `kid`") from error
