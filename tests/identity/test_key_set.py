"""Key sets."""

import json
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric import ec, ed448, ed25519, rsa
from jwt.algorithms import ECAlgorithm, OKPAlgorithm, RSAAlgorithm

from auditspan.identity.errors import KeySetInvalid, TokenKeyUnknown
from auditspan.identity.key_set import MAX_KEYS, KeySet

RSA = rsa.generate_private_key(65537, 2048)
RSA_JWK: dict[str, Any] = RSAAlgorithm.to_jwk(RSA.public_key(), as_dict=True)
P256_JWK: dict[str, Any] = ECAlgorithm.to_jwk(
    ec.generate_private_key(ec.SECP256R1()).public_key(), as_dict=True
)
P384_JWK: dict[str, Any] = ECAlgorithm.to_jwk(
    ec.generate_private_key(ec.SECP384R1()).public_key(), as_dict=True
)
ED_JWK: dict[str, Any] = OKPAlgorithm.to_jwk(
    ed25519.Ed25519PrivateKey.generate().public_key(), as_dict=True
)


def parse(*keys: Any) -> KeySet:
    """A set of these keys."""
    return KeySet.parse(json.dumps({"keys": keys}).encode())


@pytest.mark.parametrize(
    ("jwk", "algorithms"),
    [
        (RSA_JWK, {"RS256", "PS256"}),
        ({**RSA_JWK, "alg": "PS256"}, {"PS256"}),
        (P256_JWK, {"ES256"}),
        (P384_JWK, {"ES384"}),
        (ED_JWK, {"EdDSA"}),
    ],
)
def test_a_key_verifies_what_its_kind_verifies(jwk: dict[str, Any], algorithms: set[str]) -> None:
    """The key decides about the algorithm, and its own `alg` narrows it."""
    assert set(parse(jwk).keys[0].by_algorithm) == algorithms


@pytest.mark.parametrize(
    "jwk",
    [
        "text",
        {},
        {"kty": "oct", "k": "c2VjcmV0"},
        {**RSA_JWK, "use": "enc"},
        {**RSA_JWK, "key_ops": ["encrypt"]},
        {**RSA_JWK, "alg": "HS256"},
        {**RSA_JWK, "alg": "RS1"},
        {**RSA_JWK, "n": "AQAB"},
        {**RSA_JWK, "n": "!"},
        {**P256_JWK, "crv": "secp256k1"},
        {**P256_JWK, "x": "AAAA"},
        {**ED_JWK, "d": ED_JWK["x"]},
        OKPAlgorithm.to_jwk(ed448.Ed448PrivateKey.generate().public_key(), as_dict=True),
        RSAAlgorithm.to_jwk(rsa.generate_private_key(65537, 1024).public_key(), as_dict=True),
        RSAAlgorithm.to_jwk(RSA, as_dict=True),
    ],
)
def test_unusable_keys_are_passed_over(jwk: Any) -> None:
    """Symmetric, private, short, encrypting and unknown keys never verify a token."""
    assert len(parse(jwk, ED_JWK).keys) == 1
    with pytest.raises(KeySetInvalid, match="no public signing key"):
        parse(jwk)


@pytest.mark.parametrize(
    "text",
    [b"", b"[]", b"{}", b'{"keys": {}}', b'{"keys": [], "keys": []}', b"\xff", b"[" * 100_000],
)
def test_what_is_no_key_set_is_refused(text: bytes) -> None:
    """Bad input is normal input."""
    with pytest.raises(KeySetInvalid):
        KeySet.parse(text)


def test_a_set_has_a_size() -> None:
    """Building keys costs; an issuer may not have thousands."""
    with pytest.raises(KeySetInvalid, match=str(MAX_KEYS)):
        parse(*[ED_JWK] * (MAX_KEYS + 1))


def test_a_key_is_found_by_its_id() -> None:
    """A token without key id gets a key only where one alone could be meant."""
    keys = parse({**ED_JWK, "kid": "a"}, {**RSA_JWK, "kid": "b"})
    assert keys.find("a", "EdDSA").kid == "a"
    assert keys.find(None, "RS256").kid == "b"
    for kid, algorithm in (("b", "EdDSA"), ("c", "EdDSA"), (None, "ES256"), ("", "EdDSA")):
        with pytest.raises(TokenKeyUnknown):
            keys.find(kid, algorithm)


def test_two_keys_of_one_id_are_none() -> None:
    """Which one was meant cannot be known."""
    keys = parse({**ED_JWK, "kid": "a"}, {**ED_JWK, "kid": "a"})
    with pytest.raises(TokenKeyUnknown, match="2 keys"):
        keys.find("a", "EdDSA")
