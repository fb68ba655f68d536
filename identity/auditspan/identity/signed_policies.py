"""Policies for one agent, signed by its collector, so that it may keep and use them unconnected.

A compact JWS like an identity statement, with `typ: auditspan-policies+jwt` and the same key. It is
bound to agent and deployment; a number that only grows shows an older one, an end shows one that
was held back (https://theupdateframework.github.io/specification/latest/, rollback and freeze).
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from pydantic import TypeAdapter, ValidationError

from auditspan.identity.ed25519_jws import claims_of, public_keys, sign
from auditspan.identity.errors import PoliciesRefused
from auditspan.identity.statement_keys import public_jwk

TYPE: Final = "auditspan-policies+jwt"
"""The `typ` header."""
VERSION: Final = 1
"""Version of the claims; another one is refused."""
MAX_LENGTH: Final = 16 * 1024 * 1024
"""Characters of the whole."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SignedPolicies:
    """What an agent is given."""

    deployment: str
    """Whose collector signed it: `<domain>/<deployment>`."""
    agent: str
    """For which agent."""
    number: int
    """Later policies have a higher one: Unix nanoseconds at which they came into force."""
    issued_at: int
    """Unix seconds."""
    expires_at: int
    """Unix seconds: from then on a guard that fails closed denies."""
    calendar: Mapping[str, str | tuple[str, ...]]
    """What the time of day is told by: the fields of `Calendar`, times as text."""
    files: Mapping[str, str]
    """The part of the registry that the guard needs, text by path."""


_NAMES: Final = {
    "deployment": "dep",
    "agent": "sub",
    "number": "num",
    "issued_at": "iat",
    "expires_at": "exp",
    "calendar": "cal",
    "files": "files",
}
_POLICIES: Final = TypeAdapter(SignedPolicies)


def signed(key: Ed25519PrivateKey, policies: SignedPolicies) -> str:
    """Their text."""
    values = _POLICIES.dump_python(policies, mode="json")
    claims = {name: values[field] for field, name in _NAMES.items()}
    kid = public_jwk(key.public_key())["kid"]
    return sign(key, kid, TYPE, {"v": VERSION, "iss": "auditspan", **claims})


class PoliciesVerifier:
    """Checks signed policies against the keys of a collector, for one agent of one deployment."""

    def __init__(self, jwks: Mapping[str, object], deployment: str, agent: str) -> None:
        """Raises `KeySetInvalid`."""
        self._keys = public_keys(jwks)
        self._deployment = deployment
        self._agent = agent

    def verify(self, text: str) -> SignedPolicies:
        """What they say; number and end are for the caller to judge. Raises `PoliciesRefused`."""
        # 1. Form, header and signature.
        try:
            claims = claims_of(text, TYPE, self._keys, MAX_LENGTH)
        except ValueError as error:
            raise PoliciesRefused(f"signed policies: {error}") from error
        # 2. Claims, and for whom they are.
        found = _found(claims)
        for what, own, other in (
            ("deployment", self._deployment, found.deployment),
            ("agent", self._agent, found.agent),
        ):
            if own != other:
                raise PoliciesRefused(f"signed policies: of {what} {other!r}, expected {own!r}")
        return found


def _found(claims: Mapping[str, object]) -> SignedPolicies:
    """Strict, since only our own signer writes them."""
    if claims.get("v") != VERSION or claims.get("iss") != "auditspan":
        raise PoliciesRefused(f"signed policies: expected version {VERSION} of auditspan")
    if set(claims) != {"v", "iss", *_NAMES.values()}:
        raise PoliciesRefused("signed policies: a claim is missing, or one that we never write")
    values = {field: claims[name] for field, name in _NAMES.items()}
    try:
        return _POLICIES.validate_json(json.dumps(values), strict=True)
    except ValidationError as error:
        where = ".".join(map(str, error.errors()[0]["loc"]))
        raise PoliciesRefused(f"signed policies: {where} has the wrong type") from None
