"""Signed policies are ours, whole, and for whom they say."""

import json
import re
from dataclasses import replace

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from auditspan.identity import jws
from auditspan.identity.ed25519_jws import sign
from auditspan.identity.errors import PoliciesRefused
from auditspan.identity.signed_policies import TYPE, PoliciesVerifier, SignedPolicies, signed
from auditspan.identity.statement import Statement, StatementSigner
from auditspan.identity.statement_keys import public_jwk

KEY = Ed25519PrivateKey.from_private_bytes(bytes(32))
OTHER = Ed25519PrivateKey.from_private_bytes(bytes(range(32)))
KEYS = {"keys": [public_jwk(KEY.public_key())]}
POLICIES = SignedPolicies(
    deployment="local/auditspan/default",
    agent="booking",
    number=1_780_000_000_000_000_001,
    issued_at=1_780_000_000,
    expires_at=1_780_086_400,
    calendar={"timezone": "UTC", "days": ("monday",)},
    files={"policies/p.cedar": "// ü"},
)
VERIFIER = PoliciesVerifier(KEYS, "local/auditspan/default", "booking")


def test_they_come_back_as_they_were() -> None:
    """Every field, exactly."""
    assert VERIFIER.verify(signed(KEY, POLICIES)) == POLICIES


def test_another_key_is_not_ours() -> None:
    """Whoever it is."""
    with pytest.raises(PoliciesRefused, match="a key that is not ours"):
        VERIFIER.verify(signed(OTHER, POLICIES))


def test_a_key_that_passes_for_ours_is_not() -> None:
    """The key id is a name, not a proof."""
    header, _, rest = signed(OTHER, POLICIES).partition(".")
    ours = signed(KEY, POLICIES).partition(".")[0]
    assert header != ours
    with pytest.raises(PoliciesRefused, match="the signature is not ours"):
        VERIFIER.verify(f"{ours}.{rest}")


def test_any_changed_claim_breaks_the_signature() -> None:
    """A later end, for example."""
    header, _, signature = signed(KEY, POLICIES).split(".")
    payload = signed(OTHER, replace(POLICIES, expires_at=2_000_000_000)).split(".")[1]
    with pytest.raises(PoliciesRefused, match="the signature is not ours"):
        VERIFIER.verify(f"{header}.{payload}.{signature}")


@pytest.mark.parametrize(
    ("other", "why"),
    [
        (replace(POLICIES, agent="other"), "of agent 'other', expected 'booking'"),
        (replace(POLICIES, deployment="a/b/c"), "of deployment 'a/b/c', expected 'local/"),
    ],
)
def test_those_of_somebody_else_are_refused(other: SignedPolicies, why: str) -> None:
    """Though signed by the same key."""
    with pytest.raises(PoliciesRefused, match=why):
        VERIFIER.verify(signed(KEY, other))


def test_a_statement_is_no_policy_and_policies_are_no_statement() -> None:
    """One key, two uses, two types."""
    statement = StatementSigner(KEY).sign(
        Statement(subject="ada", issuer="i", issued_at=1, expires_at=2, principal="agent:booking")
    )
    with pytest.raises(PoliciesRefused, match=re.escape(f"expected typ {TYPE}")):
        VERIFIER.verify(statement)


def test_a_part_of_them_is_nothing() -> None:
    """A file that was cut anywhere is refused."""
    text = signed(KEY, POLICIES)
    for length in range(0, len(text), 7):
        with pytest.raises(PoliciesRefused):
            VERIFIER.verify(text[:length])


@pytest.mark.parametrize(
    "change",
    [{"v": 2}, {"more": 1}, {"num": "1"}, {"num": None}, {"files": {"a": 1}}, {"exp": 1.5}],
)
def test_claims_that_we_never_write_are_refused(change: dict[str, object]) -> None:
    """Even with our signature: the format is strict."""
    payload = jws.decode(signed(KEY, POLICIES).split(".")[1])
    claims = {**json.loads(payload), **change}
    with pytest.raises(PoliciesRefused):
        VERIFIER.verify(sign(KEY, KEYS["keys"][0]["kid"], TYPE, claims))
