"""Who sent a request: API key, token, client certificate, or nobody from this machine.

1. A bearer credential, if there is one, decides alone; a bad one never falls back to another.
2. Else a client certificate, if the TLS session that we terminated had one.
3. Else the sender is `anonymous`, on loopback or with `insecure: true`, and nobody else.

Headers that forward a certificate or an address are not looked at.
"""

import hashlib
import secrets
import time
from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import TypeVar

from auditspan.collector.front.auth_config import AuthConfig, token_verifier
from auditspan.collector.front.limits import Recent, WindowLimit, is_loopback, network
from auditspan.collector.front.refusals import TooManyRequests, Unauthenticated, Unavailable
from auditspan.collector.front.tokens import Tokens
from auditspan.identity.api_keys import ApiKeys, looks_like_api_key
from auditspan.identity.credentials import Credentials
from auditspan.identity.errors import (
    CredentialRefused,
    IdentityError,
    TokenRefused,
)
from auditspan.identity.jwt_tokens import VerifiedToken
from auditspan.identity.principal import (
    Method,
    Principal,
    agent_principal,
    anonymous_principal,
    relay_principal,
)
from auditspan.identity.spiffe import workload
from auditspan.registry.models import Agent

Triple = tuple[str, str, str]
"""Issuer, audience and client of a token."""

_Key = TypeVar("_Key")


@dataclass(frozen=True, slots=True)
class Bindings:
    """Which principal a token or certificate proves; what is bound twice proves nobody."""

    jwt: Mapping[Triple, str] = field(default_factory=dict)
    """Principal id by (issuer, audience, client)."""
    spiffe: Mapping[str, str] = field(default_factory=dict)
    """Principal id by SPIFFE id."""

    @classmethod
    def of(cls, agents: Iterable[Agent], config: AuthConfig) -> "Bindings":
        """The bindings of the registry's agents and of the configured relays."""
        jwt: list[tuple[Triple, str]] = []
        spiffe: list[tuple[str, str]] = []
        for agent in agents:
            name = f"agent:{agent.id}"
            bound = agent.credentials
            jwt += [((b.issuer, b.audience, b.client), name) for b in bound.jwt]
            spiffe += [(uri, name) for uri in bound.spiffe]
        for relay in config.relays:
            name = f"relay:{relay.name}"
            jwt += [(triple, name) for triple in relay.jwt]
            spiffe += [(uri, name) for uri in relay.spiffe]
        return cls(dict(_once(jwt)), dict(_once(spiffe)))


def _once(pairs: list[tuple[_Key, str]]) -> list[tuple[_Key, str]]:
    distinct = dict.fromkeys(pairs)
    count = Counter(key for key, _ in distinct)
    return [(key, name) for key, name in distinct if count[key] == 1]


class Authenticator:
    """Turns credentials into a principal."""

    def __init__(
        self,
        config: AuthConfig,
        keys: ApiKeys,
        bindings: Callable[[], Bindings],
        *,
        now: Callable[[], float] = time.time,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """`bindings` gives those of the registry in force; it is asked at every request."""
        self._config = config
        self._keys = keys
        self._bindings = bindings
        self._now = now
        self._tokens = Tokens(token_verifier(config.issuers, now))
        self._failures = WindowLimit(config.failures_per_minute, clock=clock)
        self._good = Recent()
        self._pepper = secrets.token_bytes(32)

    async def authenticate(self, credentials: Credentials) -> Principal:
        """The principal. Raises `Unauthenticated`, `TooManyRequests`, `Unavailable`."""
        sender = network(credentials.address)
        mark = self._mark(credentials)
        # A neighbour's failures must not silence a sender that has already proved itself.
        wait = 0.0 if mark in self._good else self._failures.wait(sender)
        if wait:
            raise TooManyRequests("too many failed attempts from this address, wait", wait)
        try:
            principal = await self._principal(credentials)
        except CredentialRefused as error:
            self._good.discard(mark)
            self._failures.add(sender)
            raise Unauthenticated(str(error)) from error
        except IdentityError as error:
            raise Unavailable(str(error), retry_after=60.0) from error
        if principal.method != "none":
            self._good.add(mark)
        return principal

    async def keep_fresh(self) -> None:
        """Fetch key sets now and then, for ever; run it as a task and cancel it at the end."""
        await self._tokens.keep_fresh()

    async def _principal(self, credentials: Credentials) -> Principal:
        bearer = credentials.bearer()
        if bearer is not None and looks_like_api_key(bearer):
            return self._keys.verify(bearer, credentials.address)
        if bearer is not None:
            return self._of_token(await self._tokens.verify(bearer), credentials.address)
        if credentials.peer_certificate is not None:
            return self._of_certificate(credentials.peer_certificate, credentials.address)
        return self._anonymous(credentials.address)

    def _of_token(self, token: VerifiedToken, address: str) -> Principal:
        bound = self._bindings().jwt
        triples = [(token.issuer, audience, token.client) for audience in token.audiences]
        names = {bound[triple] for triple in triples if triple in bound}
        if len(names) != 1:
            raise TokenRefused(
                "token: genuine, but its issuer, audience and client are bound to "
                f"{len(names)} agents: bind them to one in the registry (credentials.jwt)"
            )
        return _named(names.pop(), "jwt", token.token_id, address, token.expires_at)

    def _of_certificate(self, der: bytes, address: str) -> Principal:
        proved = workload(der, self._config.trust_domains, self._now())
        name = self._bindings().spiffe.get(proved.spiffe_id)
        if name is None:
            raise CredentialRefused(
                "client certificate: genuine, but its SPIFFE id is bound to no agent: "
                "bind it in the registry (credentials.spiffe)"
            )
        return _named(name, "mtls", proved.fingerprint, address, proved.expires_at)

    def _anonymous(self, address: str) -> Principal:
        if self._config.insecure or (self._config.anonymous_loopback and is_loopback(address)):
            return anonymous_principal(address)
        raise CredentialRefused(
            "no credential: send `Authorization: Bearer <API key or token>`, "
            "or a client certificate"
        )

    def _mark(self, credentials: Credentials) -> bytes:
        """What a credential is remembered by: a digest that is worthless outside this process."""
        shown = (credentials.authorization or "").encode() + b"\0"
        shown += credentials.peer_certificate or b""
        return hashlib.blake2b(shown, key=self._pepper, digest_size=16).digest()


def _named(name: str, method: Method, credential: str, address: str, expires_at: int) -> Principal:
    kind, _, own = name.partition(":")
    build = agent_principal if kind == "agent" else relay_principal
    return build(own, method, credential, address, expires_at)
