"""Identity statements: who a user (or, behind a relay, an agent) is, in a form that may travel.

A statement is a compact JWS (RFC 7515) with `typ: auditspan-identity+jwt`, signed with Ed25519
(RFC 8037) by the collector. It is bound to the principal that asked for it: a stolen one is
worthless to anybody else. It says who a genuine token was issued to, and holds no token.
"""

import hmac
import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final, Literal

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from pydantic import TypeAdapter, ValidationError

from auditspan.identity.ed25519_jws import claims_of, public_keys, sign
from auditspan.identity.errors import StatementOutOfTime, StatementRefused
from auditspan.identity.statement_keys import public_jwk

TYPE: Final = "auditspan-identity+jwt"
"""The `typ` header: a token made for another use is not a statement (RFC 8725 §3.11)."""

VERSION: Final = 1
"""Version of the claims; another one is refused."""

MAX_LENGTH: Final = 16_384
"""Characters of a statement."""

SKEW: Final = 60.0
"""Seconds by which the clocks of agent and collector may differ at the edges of a lifetime."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Statement:
    """Claims of a verified token, bound to a principal for a while."""

    kind: Literal["user", "agent"] = "user"
    """Whom it names: the user an agent acts for, or the agent behind a relay."""
    subject: str
    """The token's `sub`, or the agent's id."""
    issuer: str
    """Who issued the token."""
    client: str = ""
    """The OAuth client it was issued to."""
    audience: str = ""
    """The audience under which it was accepted."""
    email: str = ""
    name: str = ""
    organisation: str = ""
    roles: tuple[str, ...] = ()
    scopes: tuple[str, ...] = ()
    act: tuple[str, ...] = ()
    """Actors of a delegated token (RFC 8693 §4.1), the current one first."""
    mfa: bool | None = None
    """Whether more than one factor was used; nothing if the token does not say."""
    token_id: str = ""
    """`sha256:<hex>` of the token's `jti`."""
    issued_at: int
    """Unix seconds."""
    expires_at: int
    """Unix seconds, never after the token's own end."""
    principal: str
    """Id of the principal that may present it."""

    def check_lifetime(self, at: float, skew: float = SKEW) -> None:
        """Raises `StatementOutOfTime` if the statement was not in force at this moment."""
        if at < self.issued_at - skew:
            raise StatementOutOfTime(
                f"statement: in force from {self.issued_at}, the action was at {at:.0f}"
            )
        if at >= self.expires_at + skew:
            raise StatementOutOfTime(
                f"statement: expired at {self.expires_at}, the action was at {at:.0f}: "
                "exchange the user's token again"
            )


class StatementSigner:
    """Signs statements with one private key."""

    def __init__(self, key: Ed25519PrivateKey) -> None:
        self._key = key
        self.jwk: Final = public_jwk(key.public_key())
        """The public key under which its statements verify."""

    def sign(self, statement: Statement) -> str:
        """The statement's text."""
        return sign(self._key, self.jwk["kid"], TYPE, _claims(statement))


class StatementVerifier:
    """Checks statements against the collector's public keys, retired ones included."""

    def __init__(self, jwks: Mapping[str, object]) -> None:
        """Raises `KeySetInvalid` if this is no set of Ed25519 keys."""
        self._keys = public_keys(jwks)

    def verify(self, text: str, principal_id: str, at: float) -> Statement:
        """What the statement says. Raises `StatementRefused`, `StatementOutOfTime`."""
        statement = self.authenticate(text, principal_id)
        statement.check_lifetime(at)
        return statement

    def authenticate(self, text: str, *principal_ids: str) -> Statement:
        """Check everything but the time, for callers who ask about many moments at once.

        Raises `StatementRefused`.
        """
        # 1. Form, header and signature.
        try:
            claims = claims_of(text, TYPE, self._keys, MAX_LENGTH)
        except ValueError as error:
            raise StatementRefused(f"statement: {error}") from error
        # 2. Claims, and who may present them.
        statement = _statement(claims)
        own = statement.principal.encode()
        if not any(hmac.compare_digest(own, other.encode()) for other in principal_ids):
            raise StatementRefused(
                "statement: was issued to another principal than the one that sent it"
            )
        return statement


_NAMES: Final = {
    "kind": "kind",
    "subject": "sub",
    "issuer": "idp",
    "client": "client_id",
    "audience": "idp_aud",
    "email": "email",
    "name": "name",
    "organisation": "org",
    "roles": "roles",
    "scopes": "scopes",
    "act": "act",
    "mfa": "mfa",
    "token_id": "token",
    "issued_at": "iat",
    "expires_at": "exp",
    "principal": "cnf",
}
_STATEMENT: Final = TypeAdapter(Statement)


def _claims(statement: Statement) -> dict[str, object]:
    """The claims, without the empty ones, which the verifier puts back."""
    claims: dict[str, object] = {"v": VERSION, "iss": "auditspan"}
    for field, name in _NAMES.items():
        value = getattr(statement, field)
        if value not in ("", (), None):
            claims[name] = value
    return claims


def _statement(claims: Mapping[str, object]) -> Statement:
    """The statement of verified claims; strict, since only our own signer writes them."""
    if claims.get("v") != VERSION or claims.get("iss") != "auditspan":
        raise StatementRefused(f"statement: expected version {VERSION} of auditspan")
    if not set(claims) <= {"v", "iss", *_NAMES.values()}:
        raise StatementRefused("statement: a claim that we never write")
    values = {field: claims[name] for field, name in _NAMES.items() if name in claims}
    try:
        # From JSON, because only there a list may become a tuple in strict mode.
        return _STATEMENT.validate_json(json.dumps(values), strict=True)
    except ValidationError as error:
        # The cause is cut off: it quotes the values.
        where = ".".join(map(str, error.errors()[0]["loc"]))
        raise StatementRefused(f"statement: {where} is missing or has the wrong type") from None
