"""JWT bearer tokens."""

import hashlib
import hmac
import json
from typing import Any

import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from jwt.algorithms import ECAlgorithm, OKPAlgorithm, RSAAlgorithm

from auditspan.identity import jws
from auditspan.identity.errors import (
    IdentityError,
    KeysUnavailable,
    ReplayTableFull,
    TokenExpired,
    TokenKeyUnknown,
    TokenRefused,
    TokenReplayed,
)
from auditspan.identity.jwt_tokens import TokenVerifier, TrustedIssuer, VerifiedToken
from auditspan.identity.key_set import KeySet
from auditspan.identity.replay import ReplayGuard

NOW = 1_700_000_000.0
RSA = rsa.generate_private_key(65537, 2048)
P256 = ec.generate_private_key(ec.SECP256R1())
P384 = ec.generate_private_key(ec.SECP384R1())
ED = ed25519.Ed25519PrivateKey.generate()
FOREIGN = ed25519.Ed25519PrivateKey.generate()
CLAIMS = {
    "iss": "https://id.example",
    "aud": ["auditspan", "other"],
    "azp": "desk",
    "sub": "alice",
    "iat": int(NOW),
    "exp": int(NOW) + 600,
    "jti": "t1",
}


def key_set(**keys: Any) -> KeySet:
    """A set of public keys, named."""
    entries = []
    for kid, key in keys.items():
        public = key.public_key()
        kinds: Any = {
            rsa.RSAPublicKey: RSAAlgorithm,
            ec.EllipticCurvePublicKey: ECAlgorithm,
            ed25519.Ed25519PublicKey: OKPAlgorithm,
        }
        converter = next(value for kind, value in kinds.items() if isinstance(public, kind))
        entries.append({**converter.to_jwk(public, as_dict=True), "kid": kid})
    return KeySet.parse(json.dumps({"keys": entries}).encode())


class Keys:
    """A source whose next set comes with a refresh."""

    def __init__(self, now: KeySet | None, later: KeySet | None = None) -> None:
        self._now, self._later = now, later

    def current(self) -> KeySet:
        """The keys in hand."""
        if self._now is None:
            raise KeysUnavailable("none yet")
        return self._now

    def refresh(self) -> bool:
        """Take the next set."""
        self._now, had = self._later or self._now, self._later is not None
        self._later = None
        return had


OURS = Keys(key_set(rsa=RSA, p256=P256, p384=P384, ed=ED))


def verifier(**change: Any) -> TokenVerifier:
    """A verifier of one issuer."""
    fields: dict[str, Any] = {
        "issuer": "https://id.example",
        "audiences": ("auditspan",),
        "clients": ("desk", "robot"),
        "keys": OURS,
    }
    return TokenVerifier([TrustedIssuer(**{**fields, **change})], now=lambda: NOW)


def sign(
    claims: dict[str, Any], key: Any = ED, algorithm: str = "EdDSA", kid: str = "ed", **header: Any
) -> str:
    """A token made by an independent library."""
    return jwt.encode(claims, key, algorithm=algorithm, headers={"kid": kid, **header})


def raw(header: dict[str, Any], claims: dict[str, Any], key: Any = ED) -> str:
    """A token with any header at all, properly signed."""
    body = ".".join(jws.encode(json.dumps(part).encode()) for part in (header, claims))
    return f"{body}.{jws.encode(key.sign(body.encode()))}"


@pytest.mark.parametrize(
    ("key", "algorithm", "kid"),
    [
        (RSA, "RS256", "rsa"),
        (RSA, "PS256", "rsa"),
        (P256, "ES256", "p256"),
        (P384, "ES384", "p384"),
        (ED, "EdDSA", "ed"),
    ],
)
def test_a_good_token_is_accepted(key: Any, algorithm: str, kid: str) -> None:
    """With every algorithm of the list."""
    token = verifier().verify(sign(CLAIMS, key, algorithm, kid))
    digest = hashlib.sha256(b"https://id.example\nt1").hexdigest()
    assert token == VerifiedToken(
        issuer="https://id.example",
        subject="alice",
        audiences=("auditspan",),
        client="desk",
        token_id=f"sha256:{digest}",
        issued_at=int(NOW),
        expires_at=int(NOW) + 600,
        claims=CLAIMS,
    )


def test_a_token_shows_no_claims_in_logs() -> None:
    """Its text form leaves them out."""
    assert "t1" not in repr(verifier().verify(sign(CLAIMS)))


@pytest.mark.parametrize(
    "change",
    [
        {"iss": None},
        {"iss": "https://evil.example"},
        {"iss": "https://id.example/"},
        {"iss": ["https://id.example"]},
        {"aud": None},
        {"aud": "other"},
        {"aud": []},
        {"aud": {"auditspan": 1}},
        {"aud": ["auditspan", 1]},
        {"azp": None},
        {"azp": "other"},
        {"azp": ""},
        {"azp": ["desk"]},
        {"client_id": "robot"},
        {"client_id": None},
        {"sub": None},
        {"sub": ""},
        {"sub": 7},
        {"exp": None},
        {"exp": "1700000600"},
        {"exp": True},
        {"exp": 1e300},
        {"exp": -1},
        {"nbf": int(NOW) + 61},
        {"nbf": "x"},
        {"iat": int(NOW) + 61},
        {"iat": []},
        {"jti": 7},
        {"jti": ""},
    ],
)
def test_a_token_with_a_wrong_claim_is_refused(change: dict[str, Any]) -> None:
    """Each claim alone is enough to refuse it."""
    text = raw({"alg": "EdDSA", "kid": "ed", "typ": "JWT"}, {**CLAIMS, **change})
    with pytest.raises(TokenRefused):
        verifier().verify(text)


@pytest.mark.parametrize(
    "change",
    [
        {"aud": "auditspan"},
        {"client_id": "desk"},
        {"exp": int(NOW) - 59},
        {"exp": int(NOW) + 0.5},
        {"nbf": int(NOW) + 59},
        {"iat": int(NOW) + 59},
        {"jti": None},
    ],
)
def test_a_token_at_the_edge_is_accepted(change: dict[str, Any]) -> None:
    """A minute of skew, the two names of the client, one audience as text."""
    claims = {name: value for name, value in {**CLAIMS, **change}.items() if value is not None}
    verifier().verify(raw({"alg": "EdDSA", "kid": "ed", "typ": "JWT"}, claims))


def test_an_expired_token_is_told_apart() -> None:
    """Its holder can get a new one."""
    with pytest.raises(TokenExpired, match="60 s ago"):
        verifier().verify(sign({**CLAIMS, "exp": int(NOW) - 60}))


@pytest.mark.parametrize(
    "header",
    [
        {"jku": "https://evil.example/jwks"},
        {"x5u": "https://evil.example/cert"},
        {"jwk": {"kty": "OKP"}},
        {"crit": ["b64"], "b64": True},
        {"crit": []},
        {"b64": False},
        {"zip": "DEF"},
        {"alg": "none"},
        {"alg": "None"},
        {"alg": "HS256"},
        {"alg": "ES512"},
        {"alg": ["EdDSA"]},
        {"alg": None},
        {"kid": 7},
        {"kid": ["ed"]},
        {"typ": "auditspan-identity+jwt"},
        {"typ": "id_token"},
        {"typ": ""},
        {"typ": None},
    ],
)
def test_a_token_with_a_dangerous_header_is_refused(header: dict[str, Any]) -> None:
    """Even if everything else is right and the signature fits."""
    good = {"alg": "EdDSA", "kid": "ed", "typ": "JWT"}
    verifier().verify(raw(good, CLAIMS))
    with pytest.raises(TokenRefused):
        verifier().verify(raw({**good, **header}, CLAIMS))


@pytest.mark.parametrize("typ", ["JWT", "jwt", "at+jwt", "application/at+jwt"])
def test_access_token_types_are_accepted(typ: str) -> None:
    """RFC 9068 §2.1, and the plain one that most issuers write."""
    verifier().verify(sign(CLAIMS, typ=typ))


def test_types_can_be_narrowed_and_widened() -> None:
    """An empty word accepts tokens without a type."""
    with pytest.raises(TokenRefused, match="typ"):
        verifier(types=("at+jwt",)).verify(sign(CLAIMS))
    verifier(types=("",)).verify(raw({"alg": "EdDSA", "kid": "ed"}, CLAIMS))


def test_a_public_key_is_no_shared_secret() -> None:
    """The classic confusion: HS256 keyed with the text of the public key."""
    public = RSA.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
    header = {"alg": "HS256", "kid": "rsa", "typ": "JWT"}
    body = ".".join(jws.encode(json.dumps(part).encode()) for part in (header, CLAIMS))
    text = f"{body}.{jws.encode(hmac.new(public, body.encode(), 'sha256').digest())}"
    with pytest.raises(TokenRefused, match="algorithm"):
        verifier().verify(text)


def test_a_key_of_another_kind_never_verifies() -> None:
    """The key id names a key, and the key decides about the algorithm."""
    with pytest.raises(TokenKeyUnknown):
        verifier().verify(sign(CLAIMS, kid="rsa"))


def test_keys_are_bound_to_their_issuer() -> None:
    """The key of one trusted issuer proves nothing about another's users."""
    other = TrustedIssuer("https://other.example", ("auditspan",), ("desk",), Keys(key_set(x=ED)))
    first = TrustedIssuer("https://id.example", ("auditspan",), ("desk",), Keys(key_set(x=FOREIGN)))
    both = TokenVerifier([other, first], now=lambda: NOW)
    assert both.verify(sign(CLAIMS, FOREIGN, kid="x")).issuer == "https://id.example"
    with pytest.raises(TokenRefused, match="signature"):
        both.verify(sign(CLAIMS, ED, kid="x"))


def test_an_issuer_may_narrow_the_algorithms() -> None:
    """What it does not use is refused before any key is looked at."""
    with pytest.raises(TokenRefused, match="may not use"):
        verifier(algorithms=("ES256",)).verify(sign(CLAIMS))


def test_any_changed_part_is_noticed() -> None:
    """Header, claims and signature."""
    parts = sign(CLAIMS).split(".")
    for index in range(3):
        changed = list(parts)
        changed[index] = ("A" if parts[index][0] != "A" else "B") + parts[index][1:]
        with pytest.raises(TokenRefused):
            verifier().verify(".".join(changed))


@pytest.mark.parametrize(
    "text",
    [
        "",
        "a.b",
        "..",
        "a.b.c.d",
        "é.é.é",
        "e30.e30.e30",
        "bnVsbA.bnVsbA.AA",
        "a" * 16_385,
        "W10.W10.",
    ],
)
def test_no_text_fails_in_another_way(text: str) -> None:
    """Bad input is normal input."""
    with pytest.raises(TokenRefused):
        verifier().verify(text)
    with pytest.raises(TokenRefused):
        verifier().issuer_of(text)


def test_a_claim_that_stands_twice_is_refused() -> None:
    """Two parsers would read two users."""
    header = jws.encode(b'{"alg":"EdDSA","kid":"ed","typ":"JWT"}')
    claims = json.dumps(CLAIMS)[:-1].encode() + b',"sub":"bob"}'
    body = f"{header}.{jws.encode(claims)}"
    with pytest.raises(TokenRefused, match="one reading"):
        verifier().verify(f"{body}.{jws.encode(ED.sign(body.encode()))}")


def test_refusals_do_not_quote_the_token() -> None:
    """An error may be logged; a token may not, not even through the cause."""
    text = raw({"alg": "EdDSA", "kid": "ed", "typ": "JWT"}, {**CLAIMS, "aud": "s3cret"})
    for bad in (text, text[:-3], "s3cret." + text, "s3cret.s3cret.s3cret"):
        with pytest.raises(TokenRefused) as refused:
            verifier().verify(bad)
        error: BaseException | None = refused.value
        while error is not None:
            assert "s3cret" not in str(error)
            error = error.__cause__


def test_a_new_key_is_found_after_a_refresh() -> None:
    """The caller decides when the network is asked."""
    keys = Keys(key_set(old=FOREIGN), later=key_set(ed=ED))
    rotating = verifier(keys=keys)
    with pytest.raises(TokenKeyUnknown):
        rotating.verify(sign(CLAIMS))
    issuer = rotating.issuer_of(sign(CLAIMS))
    assert rotating.refresh(issuer)
    assert rotating.verify(sign(CLAIMS)).subject == "alice"
    assert not rotating.refresh(issuer)


def test_keys_that_were_never_fetched_are_retryable() -> None:
    """Which is another thing than a bad token."""
    keys = Keys(None, later=key_set(ed=ED))
    starting = verifier(keys=keys)
    with pytest.raises(KeysUnavailable) as unavailable:
        starting.verify(sign(CLAIMS))
    assert unavailable.value.retryable
    starting.refresh_all()
    starting.verify(sign(CLAIMS))


def test_an_issuer_that_is_down_does_not_stop_the_others() -> None:
    """Each round tries all of them."""

    class Down(Keys):
        def refresh(self) -> bool:
            raise KeysUnavailable("down")

    other = TrustedIssuer("https://a.example", ("auditspan",), ("desk",), Down(None))
    late = Keys(None, later=key_set(ed=ED))
    ours = TrustedIssuer("https://id.example", ("auditspan",), ("desk",), late)
    both = TokenVerifier([other, ours], now=lambda: NOW)
    both.refresh_all()
    both.verify(sign(CLAIMS))


def test_a_one_time_token_works_once() -> None:
    """And one that fails a check is not used up."""
    once = verifier(one_time=True)
    with pytest.raises(TokenRefused):
        once.verify(sign({**CLAIMS, "aud": "other"}))
    once.verify(sign(CLAIMS))
    with pytest.raises(TokenReplayed):
        once.verify(sign({**CLAIMS, "exp": int(NOW) + 700}))
    once.verify(sign({**CLAIMS, "jti": "t2"}))


@pytest.mark.parametrize("setting", ["one_time", "require_jti"])
def test_a_token_id_can_be_demanded(setting: str) -> None:
    """A token that may be used once must be recognisable."""
    claims = {name: value for name, value in CLAIMS.items() if name != "jti"}
    with pytest.raises(TokenRefused, match="jti"):
        verifier(**{setting: True}).verify(sign(claims))


def test_tokens_without_id_have_different_ids() -> None:
    """The signed text stands in."""
    claims = {name: value for name, value in CLAIMS.items() if name != "jti"}
    first = verifier().verify(sign(claims)).token_id
    second = verifier().verify(sign({**claims, "sub": "bob"})).token_id
    assert first != second
    assert first.startswith("sha256:")


def test_the_replay_table_forgets_only_what_has_ended() -> None:
    """Full, it refuses; a token is never forgotten while it could be replayed."""
    guard = ReplayGuard(capacity=2)
    guard.admit("a", NOW + 10, NOW)
    guard.admit("b", NOW + 20, NOW)
    with pytest.raises(ReplayTableFull) as full:
        guard.admit("c", NOW + 10, NOW)
    assert full.value.retryable
    guard.admit("c", NOW + 30, NOW + 10)
    with pytest.raises(TokenReplayed):
        guard.admit("b", NOW + 20, NOW + 19)


@pytest.mark.parametrize(
    "change",
    [
        {"algorithms": ("HS256",)},
        {"algorithms": ("none",)},
        {"algorithms": ()},
        {"audiences": ()},
        {"clients": ()},
    ],
)
def test_an_unsafe_configuration_is_refused(change: dict[str, Any]) -> None:
    """At start, not at the first token."""
    with pytest.raises(ValueError, match=r"issuer https://id\.example"):
        verifier(**change)


def test_an_issuer_is_configured_once() -> None:
    """Whose keys would count?"""
    issuer = TrustedIssuer("https://id.example", ("a",), ("b",), OURS)
    with pytest.raises(ValueError, match="twice"):
        TokenVerifier([issuer, issuer])


def test_every_error_says_whether_to_try_again() -> None:
    """The sender must know."""
    pending = [IdentityError]
    while pending:
        kind = pending.pop()
        pending.extend(kind.__subclasses__())
        assert isinstance(kind.retryable, bool)
