"""Who asks, and what they may do: for the API and the query endpoint, at every request anew.

1. A bearer credential decides alone, a bad one never falls back to another: the operator's token,
   an API key, or a token of a configured issuer whose issuer and subject the registry binds.
2. Else a client certificate whose SPIFFE id the registry binds.
3. Else nobody: here no address is trusted, this machine's neither.
Roles are those of the registry in force; a credential holds none. Agents and relays only send.
"""

import hashlib
import hmac
import time
from collections.abc import Callable
from typing import Final

from auditspan.collector.access.config import AccessConfig
from auditspan.collector.access.standing import standing
from auditspan.collector.front.attempts import Attempts
from auditspan.collector.front.auth_config import token_verifier
from auditspan.collector.front.authentication import Bindings
from auditspan.collector.front.refusals import Unavailable
from auditspan.collector.front.tokens import Tokens
from auditspan.collector.secret_files import OPERATOR_PREFIX
from auditspan.identity.api_keys import ApiKeys, looks_like_api_key
from auditspan.identity.caller import Caller
from auditspan.identity.credentials import Credentials
from auditspan.identity.errors import CredentialRefused, TokenRefused
from auditspan.identity.jwt_tokens import VerifiedToken
from auditspan.identity.principal import Principal, named_principal, operator_principal
from auditspan.identity.roles import Role
from auditspan.identity.spiffe import workload
from auditspan.registry import Registry, RegistryError

_SENDER: Final = frozenset({Role.INGEST})


class Authority:
    """Turns credentials into a caller with roles."""

    def __init__(
        self,
        config: AccessConfig,
        keys: ApiKeys,
        operator_token: str,
        registry: Callable[[], Registry | None],
        bindings: Callable[[], Bindings],
        *,
        now: Callable[[], float] = time.time,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """`registry` and `bindings` are those in force; both are asked at every request.

        Raises `KeySetInvalid`, `KeysUnavailable`, `ValueError` for issuers that cannot be used.
        """
        self._config = config
        self._keys = keys
        self._token = operator_token.encode()
        self._registry = registry
        self._bindings = bindings
        self._now = now
        self._tokens = Tokens(token_verifier(config.issuers, now))
        self._attempts = Attempts(config.failures_per_minute, clock=clock)

    async def authenticate(self, credentials: Credentials) -> Caller:
        """The caller. Raises `Unauthenticated`, `TooManyRequests`, `Unavailable`."""
        with self._attempts.attempt(credentials):
            try:
                return self._caller(await self._principal(credentials))
            except (RegistryError, OSError) as error:
                raise Unavailable(
                    "the registry in force cannot be read, so nobody has a role; the collector's "
                    "registry/current.json is damaged: restore it",
                    retry_after=60.0,
                ) from error

    def registry(self) -> Registry | None:
        """The registry that decides about roles now, None before the first."""
        return self._registry()

    async def keep_fresh(self) -> None:
        """Fetch key sets now and then, for ever; run it as a task and cancel it at the end."""
        await self._tokens.keep_fresh()

    async def _principal(self, credentials: Credentials) -> Principal:
        bearer, address = credentials.bearer(), credentials.address
        if bearer is None:
            return self._of_certificate(credentials.peer_certificate, address)
        if bearer.startswith(OPERATOR_PREFIX):
            return self._operator(bearer, address)
        if looks_like_api_key(bearer):
            return self._keys.verify(bearer, address)
        return self._of_token(await self._tokens.verify(bearer), address)

    def _operator(self, bearer: str, address: str) -> Principal:
        if not self._token or not hmac.compare_digest(bearer.encode(), self._token):
            raise CredentialRefused("operator token: not the one of this collector")
        return operator_principal(f"sha256:{hashlib.sha256(self._token).hexdigest()}", address)

    def _of_token(self, token: VerifiedToken, address: str) -> Principal:
        bindings = self._bindings()
        for (issuer, _, client), agent in bindings.jwt.items():
            if (issuer, client) == (token.issuer, token.client):
                # A user's token in an agent's hands, which may have been talked into this.
                raise TokenRefused(
                    f"token: its client is that of {agent}, which asks nothing in a person's name"
                )
        name = bindings.subjects.get((token.issuer, token.subject))
        if name is None:
            raise TokenRefused(
                "token: genuine, but its issuer and subject are bound to nobody who is enabled: "
                "bind them in the registry (principals, credentials.jwt)"
            )
        return named_principal(name, "jwt", token.token_id, address, token.expires_at)

    def _of_certificate(self, der: bytes | None, address: str) -> Principal:
        if der is None:
            raise CredentialRefused(
                "no credential: send `Authorization: Bearer <API key, token or operator's token>`, "
                "or a client certificate"
            )
        proved = workload(der, self._config.trust_domains, self._now())
        name = self._bindings().spiffe.get(proved.spiffe_id)
        if name is None:
            raise CredentialRefused(
                "client certificate: genuine, but its SPIFFE id is bound to nobody who is "
                "enabled: bind it in the registry (credentials.spiffe)"
            )
        return named_principal(name, "mtls", proved.fingerprint, address, proved.expires_at)

    def _caller(self, principal: Principal) -> Caller:
        """The principal with the roles of the registry in force."""
        registry = self._registry()
        issued_by = self._issuer(principal)
        if principal.kind == "operator":
            return Caller(principal, frozenset(standing(registry).roles))
        if principal.kind in ("agent", "relay"):
            return Caller(principal, _SENDER, issued_by=issued_by)
        member = registry.principals.get(principal.id) if registry else None
        if member is None or member.disabled:
            state = "disabled" if member else "not"
            raise CredentialRefused(
                f"{principal.id}: its credential is genuine, but it is {state} in the registry in "
                "force (principals)"
            )
        roles = frozenset(Role(word) for word in member.roles)
        return Caller(principal, roles, member.email, issued_by)

    def _issuer(self, principal: Principal) -> str:
        if principal.method != "api_key":
            return ""
        return self._keys.get(principal.credential).issued_by
