"""Who sent a request: API key, token, client certificate, or nobody from this machine.

1. A bearer credential, if there is one, decides alone; a bad one never falls back to another.
2. Else a client certificate, if the TLS session that we terminated had one.
3. Else the sender is `anonymous`, on loopback or with `insecure: true`, and nobody else.

Headers that forward a certificate or an address are not looked at.
"""

import time
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Set
from dataclasses import dataclass, field
from typing import TypeVar

from auditspan.collector.front.attempts import Attempts
from auditspan.collector.front.auth_config import AuthConfig, token_verifier
from auditspan.collector.front.limits import is_loopback
from auditspan.collector.front.refusals import NotAllowed
from auditspan.collector.front.tokens import Tokens
from auditspan.identity.api_keys import ApiKeys, looks_like_api_key
from auditspan.identity.credentials import Credentials
from auditspan.identity.errors import CredentialRefused, TokenRefused
from auditspan.identity.jwt_tokens import VerifiedToken
from auditspan.identity.principal import Principal, anonymous_principal, named_principal
from auditspan.identity.roles import Action, Role, actions_of
from auditspan.identity.spiffe import workload
from auditspan.registry.members import Member
from auditspan.registry.models import Agent

Triple = tuple[str, str, str]
"""Issuer, audience and client of a token."""
Subject = tuple[str, str]
"""Issuer and subject of a token."""

_Key = TypeVar("_Key")


@dataclass(frozen=True, slots=True)
class Bindings:
    """Whom a token or certificate proves, and which services send; what is bound twice proves
    nobody."""

    jwt: Mapping[Triple, str] = field(default_factory=dict)
    """Agents and relays by (issuer, audience, client)."""
    spiffe: Mapping[str, str] = field(default_factory=dict)
    """Principal id by SPIFFE id."""
    subjects: Mapping[Subject, str] = field(default_factory=dict)
    """Persons and services by (issuer, subject)."""
    senders: Set[str] = frozenset()
    """Services that may send records."""

    @classmethod
    def of(
        cls, agents: Iterable[Agent], config: AuthConfig, members: Iterable[Member] = ()
    ) -> "Bindings":
        """The bindings of the registry's agents, persons and services, and of the configured
        relays. A disabled person or service is bound to nothing."""
        jwt: list[tuple[Triple, str]] = []
        spiffe: list[tuple[str, str]] = []
        subjects: list[tuple[Subject, str]] = []
        active = [member for member in members if not member.disabled]
        for agent in agents:
            name = f"agent:{agent.id}"
            bound = agent.credentials
            jwt += [((b.issuer, b.audience, b.client), name) for b in bound.jwt]
            spiffe += [(uri, name) for uri in bound.spiffe]
        for relay in config.relays:
            name = f"relay:{relay.name}"
            jwt += [(triple, name) for triple in relay.jwt]
            spiffe += [(uri, name) for uri in relay.spiffe]
        for member in active:
            subjects += [((b.issuer, b.subject), member.id) for b in member.credentials.jwt]
            spiffe += [(uri, member.id) for uri in member.credentials.spiffe]
        senders = frozenset(member.id for member in active if _sends(member))
        return cls(dict(_once(jwt)), dict(_once(spiffe)), dict(_once(subjects)), senders)


def _sends(member: Member) -> bool:
    """Whether it is a service with a role that sends; a person is no sender in any role."""
    actions = actions_of(Role(word) for word in member.roles)
    return member.id.startswith("service:") and Action.SEND in actions


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
        self._attempts = Attempts(config.failures_per_minute, clock=clock)

    async def authenticate(self, credentials: Credentials) -> Principal:
        """The principal. Raises `Unauthenticated`, `NotAllowed`, `TooManyRequests`,
        `Unavailable`."""
        with self._attempts.attempt(credentials):
            principal = await self._principal(credentials)
        if principal.kind in ("person", "service"):
            self._check_sends(principal)
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

    def _check_sends(self, principal: Principal) -> None:
        """Records come from agents, relays and services that pass on what agents say."""
        if principal.kind == "person":
            raise NotAllowed(
                f"{principal.id}: a person sends no records: use the key of an agent or a relay "
                "(`auditspan keys issue`)"
            )
        if principal.id not in self._bindings().senders:
            raise NotAllowed(
                f"{principal.id}: may not send records: it takes the role ingest or gateway in "
                "the registry in force"
            )

    def _of_token(self, token: VerifiedToken, address: str) -> Principal:
        bindings = self._bindings()
        triples = [(token.issuer, audience, token.client) for audience in token.audiences]
        names = {bindings.jwt[triple] for triple in triples if triple in bindings.jwt}
        # An agent may show a token that its client got for a user: it is the agent who sends.
        if not names and (token.issuer, token.subject) in bindings.subjects:
            names = {bindings.subjects[token.issuer, token.subject]}
        if len(names) != 1:
            raise TokenRefused(
                "token: genuine, but its issuer, audience and client are bound to "
                f"{len(names)} agents: bind them to one in the registry (credentials.jwt)"
            )
        return named_principal(names.pop(), "jwt", token.token_id, address, token.expires_at)

    def _of_certificate(self, der: bytes, address: str) -> Principal:
        proved = workload(der, self._config.trust_domains, self._now())
        name = self._bindings().spiffe.get(proved.spiffe_id)
        if name is None:
            raise CredentialRefused(
                "client certificate: genuine, but its SPIFFE id is bound to no agent: "
                "bind it in the registry (credentials.spiffe)"
            )
        return named_principal(name, "mtls", proved.fingerprint, address, proved.expires_at)

    def _anonymous(self, address: str) -> Principal:
        if self._config.insecure or (self._config.anonymous_loopback and is_loopback(address)):
            return anonymous_principal(address)
        raise CredentialRefused(
            "no credential: send `Authorization: Bearer <API key or token>`, "
            "or a client certificate"
        )
