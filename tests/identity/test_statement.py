"""Identity statements and the keys that sign them."""

import json
from pathlib import Path
from typing import Any

import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from auditspan.identity import jws
from auditspan.identity.errors import (
    KeySetInvalid,
    SecretFileInvalid,
    StatementOutOfTime,
    StatementRefused,
)
from auditspan.identity.statement import Statement, StatementSigner, StatementVerifier
from auditspan.identity.statement_keys import open_key, read_jwks

STATEMENT = Statement(
    subject="alice",
    issuer="https://id.example",
    client="desk",
    audience="auditspan",
    email="alice@example.org",
    name="Alice Ångström",
    organisation="acme",
    roles=("agent-user", "clerk"),
    scopes=("book", "read"),
    act=("assistant", "planner"),
    mfa=True,
    token_id="sha256:00",
    issued_at=1_700_000_000,
    expires_at=1_700_000_900,
    principal="agent:booking",
)
AT = 1_700_000_100.0
KEY = Ed25519PrivateKey.from_private_bytes(bytes(range(32)))
SIGNER = StatementSigner(KEY)
VERIFIER = StatementVerifier({"keys": [SIGNER.jwk]})


def forge(claims: dict[str, Any], **header: Any) -> str:
    """A text signed with the right key by somebody who writes other things into it."""
    head = {"alg": "EdDSA", "kid": SIGNER.jwk["kid"], "typ": "auditspan-identity+jwt", **header}
    parts = [jws.encode(json.dumps(part).encode()) for part in (head, claims)]
    body = ".".join(parts)
    return f"{body}.{jws.encode(KEY.sign(body.encode()))}"


def claims_of(statement: Statement) -> dict[str, Any]:
    """The claims in a statement's text."""
    return dict(jws.split(SIGNER.sign(statement), 16_384).payload)


def test_a_statement_survives_its_text() -> None:
    """Every field comes back, and empty ones stay empty."""
    assert VERIFIER.verify(SIGNER.sign(STATEMENT), "agent:booking", AT) == STATEMENT
    bare = Statement(subject="a", issuer="i", issued_at=1, expires_at=2, principal="anonymous")
    assert VERIFIER.verify(SIGNER.sign(bare), "anonymous", 1.0) == bare


def test_an_unknown_factor_is_not_a_missing_one() -> None:
    """MFA has three values."""
    for mfa in (True, False, None):
        bare = Statement(subject="a", issuer="i", issued_at=1, expires_at=2, principal="p", mfa=mfa)
        assert VERIFIER.verify(SIGNER.sign(bare), "p", 1.0).mfa is mfa


def test_another_library_verifies_a_statement() -> None:
    """It is a JWS as RFC 7515 and RFC 8037 have it."""
    text = SIGNER.sign(STATEMENT)
    body = jwt.PyJWS().decode(text, jwt.PyJWK(dict(SIGNER.jwk)), algorithms=["EdDSA"])
    assert json.loads(body)["sub"] == "alice"


def test_a_statement_is_bound_to_its_principal() -> None:
    """Stolen, it is worth nothing to another agent."""
    text = SIGNER.sign(STATEMENT)
    for other in ("agent:other", "relay:edge", "anonymous", ""):
        with pytest.raises(StatementRefused, match="another principal"):
            VERIFIER.verify(text, other, AT)
    assert VERIFIER.authenticate(text, "relay:edge", "agent:booking") == STATEMENT


@pytest.mark.parametrize(
    ("at", "ok"),
    [
        (1_699_999_939.0, False),
        (1_699_999_940.0, True),
        (1_700_000_959.9, True),
        (1_700_000_960.0, False),
    ],
)
def test_a_statement_has_a_lifetime(at: float, ok: bool) -> None:
    """It is judged at the time it is asked about, give or take a minute between two clocks."""
    text = SIGNER.sign(STATEMENT)
    if ok:
        VERIFIER.verify(text, "agent:booking", at)
    else:
        with pytest.raises(StatementOutOfTime):
            VERIFIER.verify(text, "agent:booking", at)


def test_any_changed_character_is_noticed() -> None:
    """No position of the text may be changed."""
    text = SIGNER.sign(STATEMENT)
    for index, old in enumerate(text):
        changed = text[:index] + ("A" if old != "A" else "B") + text[index + 1 :]
        with pytest.raises(StatementRefused):
            VERIFIER.verify(changed, "agent:booking", AT)


def test_another_key_is_refused() -> None:
    """Also if it claims the right key id."""
    other = StatementSigner(Ed25519PrivateKey.from_private_bytes(bytes(32)))
    with pytest.raises(StatementRefused, match="not ours"):
        VERIFIER.verify(other.sign(STATEMENT), "agent:booking", AT)
    disguised = StatementVerifier({"keys": [{**other.jwk, "kid": SIGNER.jwk["kid"]}]})
    with pytest.raises(StatementRefused, match="signature"):
        disguised.verify(SIGNER.sign(STATEMENT), "agent:booking", AT)


@pytest.mark.parametrize(
    "header",
    [
        {"typ": "JWT"},
        {"alg": "none"},
        {"alg": "HS256"},
        {"kid": "x"},
        {"kid": None},
        {"crit": ["b64"]},
        {"jwk": {}},
    ],
)
def test_a_header_that_we_never_write_is_refused(header: dict[str, Any]) -> None:
    """Signed or not."""
    with pytest.raises(StatementRefused):
        VERIFIER.verify(forge(claims_of(STATEMENT), **header), "agent:booking", AT)


@pytest.mark.parametrize(
    "change",
    [
        {"v": 2},
        {"v": None},
        {"iss": "https://id.example"},
        {"sub": None},
        {"sub": 1},
        {"roles": "admin"},
        {"roles": [1]},
        {"exp": "1"},
        {"exp": 1.5},
        {"iat": True},
        {"mfa": "yes"},
        {"kind": "root"},
        {"admin": True},
    ],
)
def test_a_claim_that_we_never_write_is_refused(change: dict[str, Any]) -> None:
    """Even under our signature: the forge of this test holds the right key."""
    assert VERIFIER.verify(forge(claims_of(STATEMENT)), "agent:booking", AT) == STATEMENT
    with pytest.raises(StatementRefused):
        VERIFIER.verify(forge({**claims_of(STATEMENT), **change}), "agent:booking", AT)


@pytest.mark.parametrize("text", ["", ".", "..", "a.b.c", "a.b", "é.é.é", "a" * 20_000, "e30.e30."])
def test_no_text_fails_in_another_way(text: str) -> None:
    """Bad input is normal input."""
    with pytest.raises(StatementRefused):
        VERIFIER.verify(text, "agent:booking", AT)


def test_refusals_do_not_quote_the_statement() -> None:
    """An error may be logged; a statement may not."""
    text = forge({**claims_of(STATEMENT), "roles": "s3cret-role"})
    with pytest.raises(StatementRefused) as refused:
        VERIFIER.verify(text, "agent:booking", AT)
    assert "s3cret-role" not in str(refused.value)
    assert refused.value.__suppress_context__


def test_the_key_is_made_once_and_kept_private(tmp_path: Path) -> None:
    """A restart signs with the same key; the public half is there for all."""
    key_path, jwks_path = tmp_path / "statement.key", tmp_path / "statement.jwks"
    first = StatementSigner(open_key(key_path, jwks_path))
    again = StatementSigner(open_key(key_path, jwks_path))
    assert first.jwk == again.jwk
    assert key_path.stat().st_mode & 0o777 == 0o600
    assert read_jwks(jwks_path) == {"keys": [first.jwk]}
    assert "d" not in first.jwk


def test_statements_of_a_retired_key_still_verify(tmp_path: Path) -> None:
    """Processing again after a rotation gives the same answer."""
    key_path, jwks_path = tmp_path / "statement.key", tmp_path / "statement.jwks"
    text = StatementSigner(open_key(key_path, jwks_path)).sign(STATEMENT)
    key_path.unlink()
    new = StatementSigner(open_key(key_path, jwks_path))
    verifier = StatementVerifier(read_jwks(jwks_path))
    assert verifier.verify(text, "agent:booking", AT) == STATEMENT
    assert verifier.verify(new.sign(STATEMENT), "agent:booking", AT) == STATEMENT


def test_an_unsafe_or_broken_key_file_is_refused(tmp_path: Path) -> None:
    """Starting with another key than meant would orphan every statement in flight."""
    key_path, jwks_path = tmp_path / "statement.key", tmp_path / "statement.jwks"
    open_key(key_path, jwks_path)
    key_path.chmod(0o644)
    with pytest.raises(SecretFileInvalid, match="chmod 600"):
        open_key(key_path, jwks_path)
    key_path.chmod(0o600)
    key_path.write_text("no key")
    with pytest.raises(SecretFileInvalid, match="PEM"):
        open_key(key_path, jwks_path)
    other = ec.generate_private_key(ec.SECP256R1())
    key_path.write_bytes(other.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))
    with pytest.raises(SecretFileInvalid, match="Ed25519"):
        open_key(key_path, jwks_path)


@pytest.mark.parametrize(
    "jwks",
    [
        {},
        {"keys": {}},
        {"keys": ["x"]},
        {"keys": [{"kty": "RSA"}]},
        {"keys": [{**SIGNER.jwk, "x": "AAAA"}]},
        {"keys": [{"kty": "OKP", "crv": "Ed25519"}]},
    ],
)
def test_a_broken_key_set_is_refused(jwks: dict[str, object]) -> None:
    """A verifier without keys would call every user unresolved."""
    with pytest.raises(KeySetInvalid):
        StatementVerifier(jwks)


@pytest.mark.parametrize("body", ["", "[]", "{}"])
def test_a_broken_key_set_file_is_refused(tmp_path: Path, body: str) -> None:
    """The message names the file."""
    path = tmp_path / "statement.jwks"
    path.write_text(body)
    with pytest.raises(KeySetInvalid, match=r"statement\.jwks"):
        read_jwks(path)
