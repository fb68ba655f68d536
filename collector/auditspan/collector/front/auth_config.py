"""Settings of authentication and of the exchange of user tokens."""

import ssl
from collections.abc import Callable
from pathlib import Path
from typing import Literal, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator

from auditspan.identity.jwks import JwksFile, JwksUrl, KeySource
from auditspan.identity.jwt_tokens import TokenVerifier, TrustedIssuer
from auditspan.identity.key_set import ALGORITHMS
from auditspan.identity.user_claims import ClaimNames

Algorithm = Literal["RS256", "PS256", "ES256", "ES384", "EdDSA"]


class _Config(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", use_attribute_docstrings=True)


class IssuerConfig(_Config):
    """An issuer of tokens. Exactly one of `jwks_file` and `jwks_url` gives its keys."""

    issuer: str = Field(min_length=1)
    """The exact `iss` of its tokens."""
    audiences: tuple[str, ...] = Field(min_length=1)
    """Accepted values of `aud`."""
    clients: tuple[str, ...] = Field(min_length=1)
    """Accepted values of `azp` or `client_id`."""
    jwks_file: Path | None = None
    """File with the issuer's public keys, read again when it changes."""
    jwks_url: str | None = None
    """https URL of the issuer's public keys."""
    jwks_ca_file: Path | None = None
    """Certificate authorities for `jwks_url`, if not those of the system."""
    allow_http_loopback: bool = False
    """For tests: `jwks_url` may be http to a loopback address."""
    algorithms: tuple[Algorithm, ...] = Field(default=ALGORITHMS, min_length=1)
    """Accepted signature algorithms."""
    types: tuple[str, ...] = Field(default=("JWT", "at+jwt"), min_length=1)
    """Accepted values of the `typ` header; an empty one accepts tokens without it."""
    skew_seconds: float = Field(default=60.0, ge=0, le=300)
    """How far the issuer's clock may be off."""
    require_jti: bool = False
    """Whether tokens must have an id."""
    one_time: bool = False
    """Whether each token is accepted once only."""

    @model_validator(mode="after")
    def _one_source(self) -> Self:
        if (self.jwks_file is None) == (self.jwks_url is None):
            raise ValueError("exactly one of jwks_file and jwks_url must be given")
        if self.jwks_url is not None:
            # Built and thrown away: a URL that may not be used is an error of the configuration.
            JwksUrl(self.jwks_url, allow_http_loopback=self.allow_http_loopback)
        return self


class UserIssuerConfig(IssuerConfig):
    """An issuer of users' tokens."""

    organisation_claims: tuple[str, ...] = ClaimNames().organisation
    """Where the user's organisation stands: the first that is there; dots go into objects."""
    role_claims: tuple[str, ...] = ClaimNames().roles
    """Where the user's roles stand."""
    presenters: dict[str, tuple[str, ...]] = Field(default_factory=dict)
    """For a client, the principals (`agent:<id>`, `relay:<name>`, `service:<id>`) that may present
    its tokens; a client that is not listed may be presented by any."""


class RelayConfig(_Config):
    """A shared collector or proxy that passes on what others say. API keys need no entry here."""

    name: str = Field(pattern=r"^[A-Za-z0-9._-]{1,128}$")
    """Its principal is `relay:<name>`."""
    spiffe: tuple[str, ...] = ()
    """SPIFFE ids of its client certificates."""
    jwt: tuple[tuple[str, str, str], ...] = ()
    """(issuer, audience, client) of its tokens."""


class AuthConfig(_Config):
    """Who may send."""

    anonymous_loopback: bool = True
    """Accept senders on this machine without credentials; their identity is `claimed`. Turn it off
    where a proxy on this machine passes on requests of others."""
    insecure: bool = False
    """Accept everybody without credentials, from anywhere."""
    issuers: tuple[IssuerConfig, ...] = ()
    """Issuers of agents' tokens; which agent a token proves stands in the registry."""
    trust_domains: tuple[str, ...] = ()
    """SPIFFE trust domains of client certificates."""
    relays: tuple[RelayConfig, ...] = ()
    """Relays that prove themselves with a certificate or token."""
    failures_per_minute: int = Field(default=20, ge=1)
    """Failed attempts of one address (IPv6: /64) before it has to wait."""


class IdentitiesConfig(_Config):
    """The exchange of users' tokens for statements, `POST /v1/identities`."""

    issuers: tuple[UserIssuerConfig, ...] = ()
    """Issuers of users' tokens."""
    lifetime_seconds: int = Field(default=900, ge=10, le=3600)
    """How long a statement lasts, unless the token ends before."""
    anonymous: bool = False
    """Whether senders without credentials may exchange tokens. Their statements are bound to
    `anonymous`, which anybody else without credentials is too."""
    relays_name_agents: tuple[str, ...] = ()
    """Relays by name, and services as `service:<id>`, that may ask for statements which name the
    agent behind them."""
    requests_per_minute: int = Field(default=600, ge=1)
    """Exchanges of one principal."""


class PoliciesConfig(_Config):
    """The policies that agents fetch, `GET /v1/policies`."""

    lifetime_seconds: int = Field(default=86_400, ge=60, le=2_592_000)
    """How long an agent may go on with them while it cannot reach the collector; afterwards a guard
    that fails closed denies."""


def token_verifier(issuers: tuple[IssuerConfig, ...], now: Callable[[], float]) -> TokenVerifier:
    """A verifier for these issuers; their files are read, their URLs not yet.

    Raises `KeySetInvalid`, `KeysUnavailable`, `ValueError`.
    """
    return TokenVerifier([_trusted(issuer) for issuer in issuers], now=now)


def _trusted(config: IssuerConfig) -> TrustedIssuer:
    return TrustedIssuer(
        issuer=config.issuer,
        audiences=config.audiences,
        clients=config.clients,
        keys=_source(config),
        algorithms=config.algorithms,
        types=config.types,
        skew=config.skew_seconds,
        require_jti=config.require_jti,
        one_time=config.one_time,
    )


def _source(config: IssuerConfig) -> KeySource:
    if config.jwks_file is not None:
        return JwksFile(config.jwks_file)
    context = (
        ssl.create_default_context(cafile=str(config.jwks_ca_file)) if config.jwks_ca_file else None
    )
    return JwksUrl(
        str(config.jwks_url), allow_http_loopback=config.allow_http_loopback, context=context
    )
