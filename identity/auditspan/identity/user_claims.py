"""What a verified user token says about the user, as an identity statement.

Claim names follow OpenID Connect Core §5.1, RFC 9068 §2.2.3, RFC 8693 §4 (`act`, `scope`) and
RFC 8176 (`amr`). Issuers differ in where they put organisation and roles, so those are configured.
A claim of another shape than its specification says refuses the token: a user without the roles
that a misread claim would have given is a wrong record.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Final

from auditspan.identity.errors import TokenRefused
from auditspan.identity.jwt_tokens import VerifiedToken
from auditspan.identity.statement import Statement

MAX_TEXT: Final = 512
"""Characters of one claim; a statement travels on every span."""

MAX_LIST: Final = 256
"""Roles, or scopes, of one user."""

MAX_ACTORS: Final = 16
"""Links of a delegation chain."""

# RFC 8176 §2, by the kind of factor that each method proves.
_FACTORS: Final = (
    frozenset({"pwd", "pin", "kba"}),
    frozenset({"otp", "hwk", "swk", "sms", "tel", "sc", "pop", "wia"}),
    frozenset({"face", "fpt", "iris", "retina", "vbm"}),
)


@dataclass(frozen=True, slots=True)
class ClaimNames:
    """Where an issuer puts what has no standard claim: the first name that is there counts.

    A name is a claim, or a path through objects with dots, such as `realm_access.roles`.
    """

    organisation: tuple[str, ...] = ("org_id", "organization", "tid")
    """Organisation or tenant."""
    roles: tuple[str, ...] = ("roles", "realm_access.roles")
    """Roles, a list of texts."""


def statement_of(
    token: VerifiedToken, principal_id: str, now: float, lifetime: float, names: ClaimNames
) -> Statement:
    """The statement for a token, ending with the token at the latest.

    Raises `TokenRefused` if a claim has a shape that it must not have.
    """
    claims = token.claims
    return Statement(
        subject=_checked(token.subject, "sub"),
        issuer=token.issuer,
        client=token.client,
        audience=token.audiences[0],
        email=_email(claims),
        name=_text(claims.get("name"), "name"),
        organisation=_text(_first(claims, names.organisation), "organisation"),
        roles=_list(_first(claims, names.roles), "roles"),
        scopes=_scopes(claims),
        act=tuple(_actors(claims)),
        mfa=_mfa(claims),
        token_id=token.token_id,
        issued_at=int(now),
        expires_at=min(token.expires_at, int(now + lifetime)),
        principal=principal_id,
    )


def _email(claims: Mapping[str, object]) -> str:
    # Anybody may type an address that nobody has verified.
    return "" if claims.get("email_verified") is False else _text(claims.get("email"), "email")


def _scopes(claims: Mapping[str, object]) -> tuple[str, ...]:
    """`scope` is a text with spaces (RFC 8693 §4.2); `scp` is what some issuers write instead."""
    value = claims.get("scope", claims.get("scp"))
    return _list(value.split() if isinstance(value, str) else value, "scope")


def _actors(claims: Mapping[str, object]) -> Iterator[str]:
    """Subjects of the nested `act` claims, the current actor first (RFC 8693 §4.1)."""
    actor = claims.get("act")
    for _ in range(MAX_ACTORS):
        if actor is None:
            return
        if not isinstance(actor, dict):
            raise TokenRefused("token: act is no object")
        subject = _text(actor.get("sub"), "act.sub")
        if not subject:
            raise TokenRefused("token: an actor without sub")
        yield subject
        actor = actor.get("act")
    if actor is not None:
        raise TokenRefused(f"token: more than {MAX_ACTORS} actors")


def _mfa(claims: Mapping[str, object]) -> bool | None:
    """Whether two kinds of factor were used; nothing if the token is silent about it."""
    if claims.get("amr") is None:
        return None
    methods = set(_list(claims["amr"], "amr"))
    return "mfa" in methods or sum(1 for kind in _FACTORS if kind & methods) > 1


def _first(claims: Mapping[str, object], names: tuple[str, ...]) -> object:
    for name in names:
        value = claims[name] if name in claims else _walk(claims, name)
        if value is not None:
            return value
    return None


def _walk(claims: Mapping[str, object], path: str) -> object:
    value: object = claims
    for part in path.split("."):
        if not isinstance(value, Mapping):
            return None
        value = value.get(part)
    return value


def _list(value: object, name: str) -> tuple[str, ...]:
    """A list of texts without repetition, in its order."""
    if value is None:
        return ()
    listed = [value] if isinstance(value, str) else value
    if not isinstance(listed, list) or len(listed) > MAX_LIST:
        raise TokenRefused(f"token: {name} is no list of at most {MAX_LIST} texts")
    return tuple(dict.fromkeys(_checked(item, name) for item in listed))


def _text(value: object, name: str) -> str:
    return "" if value is None else _checked(value, name)


def _checked(value: object, name: str) -> str:
    if not isinstance(value, str) or len(value) > MAX_TEXT or not value.isprintable():
        raise TokenRefused(f"token: {name} is no printable text of at most {MAX_TEXT} characters")
    return value
