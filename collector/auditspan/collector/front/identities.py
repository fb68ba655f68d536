"""`POST /v1/identities`: a user's token against a statement that may travel on spans.

    {"user_token": "<JWT>"}  →  200 {"statement": "<JWS>", "expires_at": <Unix seconds>}
    {"agent": "<agent id>"}  →  the same, from a relay that may name the agents behind it

    400 malformed     401 not authenticated     403 may not     413 too large     415 not JSON
    422 the user's token is refused     429, 503 try again after `Retry-After`

An error is `{"error": "<word>", "message": "<what to do>", "retryable": <bool>}`. The token is
checked, never kept, logged or sent back.
"""

import json
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from math import ceil
from typing import Final

from auditspan.collector.front.auth_config import IdentitiesConfig, token_verifier
from auditspan.collector.front.authentication import Authenticator
from auditspan.collector.front.limits import WindowLimit
from auditspan.collector.front.refusals import NotAllowed, Refusal, TooManyRequests, Unavailable
from auditspan.collector.front.tokens import Tokens
from auditspan.identity.credentials import Credentials
from auditspan.identity.errors import IdentityError, TokenRefused
from auditspan.identity.principal import Principal
from auditspan.identity.statement import Statement, StatementSigner
from auditspan.identity.strict_json import loads_object
from auditspan.identity.user_claims import ClaimNames, statement_of

MAX_BODY: Final = 32_768
"""Bytes of a request."""

MAX_STATEMENT: Final = 8_192
"""Characters of a statement, which stands on every span."""

OUTCOMES: Final = (
    "issued",
    "malformed",
    "refused",
    "unauthenticated",
    "not_allowed",
    "too_many_requests",
    "unavailable",
)
"""What is counted; a fixed set, never a value of a client."""


class Malformed(Refusal):
    """The body is not a request of ours."""

    status = 400
    grpc = "INVALID_ARGUMENT"
    code = "malformed"


class TooLarge(Malformed):
    """The body is longer than any token."""

    status = 413


class NotJson(Malformed):
    """The body is declared as something else than JSON."""

    status = 415


class TokenNotAccepted(Refusal):
    """The user's token proves nobody."""

    status = 422
    grpc = "INVALID_ARGUMENT"
    code = "refused"


@dataclass(frozen=True, slots=True)
class Answer:
    """An HTTP answer with a JSON body."""

    status: int
    body: bytes = field(repr=False)
    headers: Mapping[str, str]


class Identities:
    """Makes statements for those who may have them."""

    def __init__(
        self,
        config: IdentitiesConfig,
        authenticator: Authenticator,
        signer: StatementSigner,
        *,
        count: Callable[[str], None] = lambda outcome: None,
        now: Callable[[], float] = time.time,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """`count` is called once per request with one of `OUTCOMES`."""
        self._config = config
        self._authenticator = authenticator
        self._signer = signer
        self._count = count
        self._now = now
        self._tokens = Tokens(token_verifier(config.issuers, now))
        self._issuers = {issuer.issuer: issuer for issuer in config.issuers}
        self._requests = WindowLimit(config.requests_per_minute, clock=clock)

    async def answer(self, credentials: Credentials, content_type: str, body: bytes) -> Answer:
        """Answer a request. Raises nothing."""
        try:
            asked = _parse(content_type, body)
            principal = await self._authenticator.authenticate(credentials)
            if "agent" in asked:
                statement = self.name_agent(principal, asked["agent"])
            else:
                statement = await self.exchange(principal, asked["user_token"])
            text = self.signed(statement)
        except Refusal as refusal:
            self._count(refusal.code)
            return refused(refusal)
        self._count("issued")
        return answer_of(200, {"statement": text, "expires_at": statement.expires_at})

    async def exchange(self, principal: Principal, token: str) -> Statement:
        """What a user's token says, bound to the principal that presented it. Raises `Refusal`."""
        self._admit(principal)
        try:
            proved = await self._tokens.verify(token)
            self._check_presenter(principal, proved.issuer, proved.client)
            issuer = self._issuers[proved.issuer]
            names = ClaimNames(issuer.organisation_claims, issuer.role_claims)
            lifetime = self._config.lifetime_seconds
            return statement_of(proved, principal.id, self._now(), lifetime, names)
        except TokenRefused as error:
            raise TokenNotAccepted(f"user_token: {error}") from error
        except IdentityError as error:
            raise Unavailable(f"user_token: {error}", retry_after=60.0) from error

    def name_agent(self, principal: Principal, agent: str) -> Statement:
        """A statement in which a relay names the agent behind it. Raises `Refusal`."""
        listed = self._config.relays_name_agents
        allowed = {name if name.startswith("service:") else f"relay:{name}" for name in listed}
        if principal.id not in allowed:
            raise NotAllowed(
                "agent: only a relay or service listed in identities.relays_name_agents may name "
                "an agent"
            )
        self._admit(principal)
        now = int(self._now())
        return Statement(
            kind="agent",
            subject=agent,
            issuer=principal.id,
            issued_at=now,
            expires_at=now + self._config.lifetime_seconds,
            principal=principal.id,
        )

    async def keep_fresh(self) -> None:
        """Fetch key sets now and then, for ever; run it as a task and cancel it at the end."""
        await self._tokens.keep_fresh()

    def _admit(self, principal: Principal) -> None:
        if principal.kind == "anonymous" and not self._config.anonymous:
            raise NotAllowed(
                "statements are for senders with credentials: use an API key "
                "(`auditspan keys issue`), or set identities.anonymous"
            )
        if wait := self._requests.wait(principal.id):
            raise TooManyRequests("too many exchanges by this principal, wait", wait)
        self._requests.add(principal.id)

    def _check_presenter(self, principal: Principal, issuer: str, client: str) -> None:
        allowed = self._issuers[issuer].presenters.get(client)
        if allowed is not None and principal.id not in allowed:
            raise NotAllowed("user_token: its client's tokens are not for this principal")

    def signed(self, statement: Statement) -> str:
        """The text of a statement. Raises `TokenNotAccepted` if it is too long to travel."""
        text = self._signer.sign(statement)
        if len(text) > MAX_STATEMENT:
            raise TokenNotAccepted(
                f"user_token: its claims make a statement of more than {MAX_STATEMENT} characters, "
                "which is too much for every span: narrow the token's roles and scopes"
            )
        return text


def _parse(content_type: str, body: bytes) -> dict[str, str]:
    """The one field of a request."""
    # A page in a browser cannot send this type elsewhere without being asked about it first.
    if content_type.partition(";")[0].strip().lower() != "application/json":
        raise NotJson("content type: expected application/json")
    if len(body) > MAX_BODY:
        raise TooLarge(f"body: more than {MAX_BODY} bytes")
    try:
        fields = loads_object(body)
    except ValueError as error:
        raise Malformed("body: expected a JSON object") from error
    values = {name: value for name, value in fields.items() if isinstance(value, str) and value}
    if len(values) != len(fields) or set(values) not in ({"user_token"}, {"agent"}):
        raise Malformed('body: expected {"user_token": "…"}, or {"agent": "…"} of a relay')
    if len(values.get("agent", "")) > 256:
        raise Malformed("agent: more than 256 characters")
    return values


def refused(refusal: Refusal) -> Answer:
    """The answer to whoever may not have what they ask for."""
    body = {"error": refusal.code, "message": str(refusal), "retryable": refusal.retryable}
    headers = {}
    if refusal.retry_after:
        headers["Retry-After"] = str(ceil(refusal.retry_after))
    if refusal.status == 401:
        headers["WWW-Authenticate"] = "Bearer"
    return answer_of(refusal.status, body, headers)


def answer_of(
    status: int, body: Mapping[str, object], headers: Mapping[str, str] | None = None
) -> Answer:
    """An answer that nobody on the way keeps."""
    always = {"Content-Type": "application/json", "Cache-Control": "no-store"}
    return Answer(status, json.dumps(body).encode(), {**always, **(headers or {})})
