"""JWT bearer tokens (RFC 7519, RFC 9068), checked by the rules of RFC 8725.

A token is accepted only from a configured issuer, under a key bound to that issuer, with an
algorithm that the key (not the token) decides, for a configured audience and client, in its time.
Nothing here uses the network: `refresh` does, and the caller decides when.
"""

import hashlib
import math
import time
from collections.abc import Callable, Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Final

from auditspan.identity import jws
from auditspan.identity.errors import KeysUnavailable, TokenExpired, TokenRefused
from auditspan.identity.jwks import KeySource
from auditspan.identity.key_set import ALGORITHMS
from auditspan.identity.replay import ReplayGuard

MAX_LENGTH: Final = 16_384
"""Characters of a token."""

TYPES: Final = ("JWT", "at+jwt")
"""Values of `typ` that are accepted unless configured otherwise; an empty one allows none."""

REFUSED_HEADERS: Final = ("jku", "x5u", "jwk", "crit", "b64", "zip")
"""Header members by which a token would choose its own key or its own reading."""


@dataclass(frozen=True, slots=True)
class TrustedIssuer:
    """An issuer, and what its tokens must look like."""

    issuer: str
    """The exact `iss`."""
    audiences: tuple[str, ...]
    """One of these must be in `aud`."""
    clients: tuple[str, ...]
    """`azp` or `client_id` must be one of these."""
    keys: KeySource = field(repr=False)
    """Its keys, and nobody else's."""
    algorithms: tuple[str, ...] = ALGORITHMS
    """A subset of `ALGORITHMS`."""
    types: tuple[str, ...] = TYPES
    """Accepted values of `typ`, compared without case and without `application/`."""
    skew: float = 60.0
    """Seconds that two clocks may differ."""
    require_jti: bool = False
    """Whether a token must have an id."""
    one_time: bool = False
    """Whether a token is accepted once only; demands an id."""


@dataclass(frozen=True, slots=True)
class VerifiedToken:
    """What a token says, after every check."""

    issuer: str
    subject: str
    audiences: tuple[str, ...]
    """Those of the token's audiences that the issuer is configured for."""
    client: str
    token_id: str
    """`sha256:<hex>` of issuer and `jti`, or of the signed text if it has no id."""
    issued_at: int
    """Unix seconds; 0 if the token does not say."""
    expires_at: int
    claims: Mapping[str, object] = field(repr=False)
    """All claims."""


class TokenVerifier:
    """Checks tokens of several issuers."""

    def __init__(
        self,
        issuers: Iterable[TrustedIssuer],
        *,
        now: Callable[[], float] = time.time,
        replay: ReplayGuard | None = None,
    ) -> None:
        """Raises `ValueError` if an issuer stands twice or allows what is never allowed."""
        self._issuers: dict[str, TrustedIssuer] = {}
        for issuer in issuers:
            _check(issuer)
            if issuer.issuer in self._issuers:
                raise ValueError(f"issuer {issuer.issuer}: configured twice")
            self._issuers[issuer.issuer] = issuer
        self._now = now
        self._replay = replay or ReplayGuard()

    def verify(self, text: str) -> VerifiedToken:
        """What the token says.

        Raises `TokenRefused` and its kinds, `KeysUnavailable`, `ReplayTableFull`. After
        `TokenKeyUnknown` or `KeysUnavailable` a `refresh` may help.
        """
        # 1. Form, and members that are never accepted.
        parts = _split(text)
        algorithm = _check_header(parts.header)
        # 2. The issuer, which decides about everything that follows.
        issuer = self._issuer(parts)
        _check_type(parts.header, issuer)
        if algorithm not in issuer.algorithms:
            raise TokenRefused("token: signed with an algorithm that its issuer may not use")
        # 3. The signature, under a key of this issuer.
        kid = parts.header.get("kid")
        key = issuer.keys.current().find(None if kid is None else str(kid), algorithm)
        if not key.verify(algorithm, parts.signing_input, parts.signature):
            raise TokenRefused("token: the signature does not fit")
        # 4. The claims.
        token = _token(parts, issuer, self._now())
        # 5. Once, last of all: a token that fails a check is not used up.
        if issuer.one_time:
            self._replay.admit(token.token_id, token.expires_at + issuer.skew, self._now())
        return token

    def issuer_of(self, text: str) -> str:
        """The issuer that a token names, if it is one of ours; nothing about it is verified.

        Raises `TokenRefused`.
        """
        return self._issuer(_split(text)).issuer

    def refresh(self, issuer: str) -> bool:
        """Fetch the keys of an issuer anew; may block. Whether trying again makes sense.

        Raises `KeysUnavailable` if they cannot be had now.
        """
        return self._issuers[issuer].keys.refresh()

    def refresh_all(self) -> None:
        """Fetch the keys of all issuers anew, so that withdrawn ones go; may block."""
        for issuer in self._issuers.values():
            # What is in hand stays in force, and the next round tries again.
            with suppress(KeysUnavailable):
                issuer.keys.refresh()

    def _issuer(self, parts: jws.Parts) -> TrustedIssuer:
        issuer = self._issuers.get(str(parts.payload.get("iss")))
        if issuer is None:
            raise TokenRefused("token: its issuer is not configured")
        return issuer


def _check(issuer: TrustedIssuer) -> None:
    if not set(issuer.algorithms) <= set(ALGORITHMS) or not issuer.algorithms:
        raise ValueError(
            f"issuer {issuer.issuer}: algorithms must be some of {', '.join(ALGORITHMS)}"
        )
    if not issuer.audiences or not issuer.clients:
        raise ValueError(f"issuer {issuer.issuer}: needs at least one audience and one client")


def _split(text: str) -> jws.Parts:
    try:
        return jws.split(text, MAX_LENGTH)
    except ValueError as error:
        raise TokenRefused(f"token: {error}") from error


def _check_header(header: Mapping[str, object]) -> str:
    """The algorithm, if it is one that we know and the header brings nothing dangerous."""
    for name in REFUSED_HEADERS:
        if name in header:
            raise TokenRefused(f"token: header member {name} is not accepted")
    algorithm = header.get("alg")
    if not isinstance(algorithm, str) or algorithm not in ALGORITHMS:
        raise TokenRefused(f"token: algorithm must be one of {', '.join(ALGORITHMS)}")
    if not isinstance(header.get("kid", ""), str):
        raise TokenRefused("token: key id is no text")
    return algorithm


def _check_type(header: Mapping[str, object], issuer: TrustedIssuer) -> None:
    word = header.get("typ", "")
    plain = str(word).lower().removeprefix("application/")
    if not isinstance(word, str) or plain not in {name.lower() for name in issuer.types}:
        raise TokenRefused(f"token: typ must be one of {', '.join(issuer.types)}")


def _token(parts: jws.Parts, issuer: TrustedIssuer, now: float) -> VerifiedToken:
    claims = parts.payload
    issued_at, expires_at = _check_times(claims, issuer.skew, now)
    return VerifiedToken(
        issuer=issuer.issuer,
        subject=_subject(claims),
        audiences=_audiences(claims, issuer),
        client=_client(claims, issuer),
        token_id=_token_id(parts, issuer),
        issued_at=issued_at,
        expires_at=expires_at,
        claims=claims,
    )


def _check_times(claims: Mapping[str, object], skew: float, now: float) -> tuple[int, int]:
    expires_at = _time(claims, "exp")
    not_before = _time(claims, "nbf")
    issued_at = _time(claims, "iat")
    if expires_at is None:
        raise TokenRefused("token: has no exp")
    if now >= expires_at + skew:
        raise TokenExpired(f"token: expired {now - expires_at:.0f} s ago")
    for name, moment in (("nbf", not_before), ("iat", issued_at)):
        if moment is not None and now < moment - skew:
            raise TokenRefused(f"token: {name} is {moment - now:.0f} s in the future")
    return int(issued_at or 0), int(expires_at)


def _time(claims: Mapping[str, object], name: str) -> float | None:
    """A NumericDate (RFC 7519 §2): a number, and one that a clock could show."""
    value = claims.get(name)
    if value is None:
        return None
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise TokenRefused(f"token: {name} is no number")
    if not (0 <= value < 2**40 and math.isfinite(value)):
        raise TokenRefused(f"token: {name} is no time")
    return float(value)


def _subject(claims: Mapping[str, object]) -> str:
    subject = claims.get("sub")
    if not isinstance(subject, str) or not subject:
        raise TokenRefused("token: has no sub")
    return subject


def _audiences(claims: Mapping[str, object], issuer: TrustedIssuer) -> tuple[str, ...]:
    given = claims.get("aud")
    listed = given if isinstance(given, list) else [given]
    if not all(isinstance(item, str) for item in listed):
        raise TokenRefused("token: aud is neither a text nor a list of texts")
    matching = tuple(name for name in issuer.audiences if name in listed)
    if not matching:
        raise TokenRefused("token: is meant for another audience")
    return matching


def _client(claims: Mapping[str, object], issuer: TrustedIssuer) -> str:
    named = {claims[name] for name in ("azp", "client_id") if _is_text(claims.get(name))}
    present = [name for name in ("azp", "client_id") if name in claims]
    if len(named) != 1 or not all(_is_text(claims[name]) for name in present):
        raise TokenRefused("token: azp and client_id must name one client, the same if both stand")
    client = str(named.pop())
    if client not in issuer.clients:
        raise TokenRefused("token: was issued to a client that is not configured")
    return client


def _is_text(value: object) -> bool:
    return isinstance(value, str) and bool(value)


def _token_id(parts: jws.Parts, issuer: TrustedIssuer) -> str:
    jti = parts.payload.get("jti")
    if jti is not None and not _is_text(jti):
        raise TokenRefused("token: jti is no text")
    if jti is None and (issuer.require_jti or issuer.one_time):
        raise TokenRefused("token: has no jti, which its issuer must give")
    # Without an id the signed text stands for it; the signature could be made anew, the text not.
    unique = f"{issuer.issuer}\n{jti}".encode() if jti is not None else parts.signing_input
    return f"sha256:{hashlib.sha256(unique).hexdigest()}"
