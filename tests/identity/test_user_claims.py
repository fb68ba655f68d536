"""What user tokens of different issuers say."""

from typing import Any

import pytest

from auditspan.identity.errors import TokenRefused
from auditspan.identity.jwt_tokens import VerifiedToken
from auditspan.identity.statement import Statement
from auditspan.identity.user_claims import MAX_ACTORS, MAX_LIST, ClaimNames, statement_of

NOW = 1_700_000_000.4


def statement(
    names: ClaimNames | None = None,
    expires_at: int = 1_700_003_600,
    subject: str = "alice",
    **claims: Any,
) -> Statement:
    """The statement for a token with these claims."""
    token = VerifiedToken(
        issuer="https://id.example",
        subject=subject,
        audiences=("auditspan", "second"),
        client="desk",
        token_id="sha256:00",
        issued_at=0,
        expires_at=expires_at,
        claims=claims,
    )
    return statement_of(token, "agent:booking", NOW, 900, names or ClaimNames())


def test_a_full_token_fills_every_field() -> None:
    """OpenID Connect, RFC 8693 and RFC 8176 in one."""
    assert statement(
        email="alice@example.org",
        email_verified=True,
        name="Alice",
        org_id="acme",
        roles=["clerk", "admin", "clerk"],
        scope="read write  read",
        act={"sub": "assistant", "act": {"sub": "planner"}},
        amr=["pwd", "otp"],
    ) == Statement(
        subject="alice",
        issuer="https://id.example",
        client="desk",
        audience="auditspan",
        email="alice@example.org",
        name="Alice",
        organisation="acme",
        roles=("clerk", "admin"),
        scopes=("read", "write"),
        act=("assistant", "planner"),
        mfa=True,
        token_id="sha256:00",
        issued_at=1_700_000_000,
        expires_at=1_700_000_900,
        principal="agent:booking",
    )


def test_a_bare_token_is_enough() -> None:
    """Only the subject is needed."""
    bare = statement()
    assert (bare.email, bare.name, bare.organisation) == ("", "", "")
    assert (bare.roles, bare.scopes, bare.act, bare.mfa) == ((), (), (), None)


def test_a_statement_never_outlives_its_token() -> None:
    """The shorter of the two lifetimes counts."""
    assert statement(expires_at=1_700_000_060).expires_at == 1_700_000_060


def test_an_unverified_address_is_left_out() -> None:
    """Anybody may type one."""
    assert statement(email="boss@example.org", email_verified=False).email == ""
    assert statement(email="a@example.org").email == "a@example.org"


@pytest.mark.parametrize(
    ("claims", "scopes"),
    [
        ({"scp": ["a", "b"]}, ("a", "b")),
        ({"scp": "a b"}, ("a", "b")),
        ({"scope": "a", "scp": "b"}, ("a",)),
        ({"scope": ""}, ()),
    ],
)
def test_scopes_stand_in_either_claim(claims: dict[str, Any], scopes: tuple[str, ...]) -> None:
    """`scope` is the standard and goes first."""
    assert statement(**claims).scopes == scopes


@pytest.mark.parametrize(
    ("amr", "mfa"),
    [
        (None, None),
        ([], False),
        (["pwd"], False),
        (["pwd", "pin"], False),
        (["otp", "hwk"], False),
        (["pwd", "hwk"], True),
        (["face", "pop"], True),
        (["mfa"], True),
        (["unheard-of"], False),
    ],
)
def test_two_kinds_of_factor_are_mfa(amr: list[str] | None, mfa: bool | None) -> None:
    """Two passwords are one kind."""
    assert statement(amr=amr).mfa is mfa


def test_issuers_put_roles_and_organisation_elsewhere() -> None:
    """By path, or by a name that has dots itself."""
    assert statement(realm_access={"roles": ["a"]}).roles == ("a",)
    names = ClaimNames(organisation=("https://x.example/org",), roles=("resource.app.roles", "r"))
    claims: dict[str, Any] = {
        "https://x.example/org": "acme",
        "r": "one",
        "resource": {"app": 1},
    }
    got = statement(names, **claims)
    assert (got.organisation, got.roles) == ("acme", ("one",))


@pytest.mark.parametrize(
    "claims",
    [
        {"email": 1},
        {"name": ["Alice"]},
        {"name": "a" * 513},
        {"name": "Alice\x1b[31m"},
        {"org_id": {"id": "acme"}},
        {"roles": {"admin": True}},
        {"roles": [1]},
        {"roles": [str(n) for n in range(MAX_LIST + 1)]},
        {"scope": ["a", None]},
        {"amr": {"mfa": 1}},
        {"act": "planner"},
        {"act": {}},
        {"act": {"sub": "a", "act": []}},
        {"subject": "alice\n"},
    ],
)
def test_a_claim_of_another_shape_refuses_the_token(claims: dict[str, Any]) -> None:
    """Never a user with fewer roles, or another name, than meant."""
    with pytest.raises(TokenRefused):
        statement(**claims)


def test_a_chain_has_a_length() -> None:
    """A token cannot make records grow without end."""
    chain: dict[str, Any] = {"sub": "0"}
    for n in range(1, MAX_ACTORS):
        chain = {"sub": str(n), "act": chain}
    assert len(statement(act=chain).act) == MAX_ACTORS
    with pytest.raises(TokenRefused, match="actors"):
        statement(act={"sub": "one more", "act": chain})
