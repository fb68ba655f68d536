"""Who may ask the endpoint, before a byte of a body is read.

1. The Host header is a name of ours: a page elsewhere may give our address a name of its own (DNS
   rebinding). 2. No web page asks, whatever it carries along. 3. No secret is in the URL. 4. A
   credential proves somebody: nobody is trusted for their address, this machine's neither. 5. Their
   roles in the registry in force allow to read.
"""

import base64
import binascii
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Final

from starlette.requests import Request

from auditspan.collector.front.own_names import LOOPBACK, host_of
from auditspan.collector.front.peer_certificate import peer_certificate
from auditspan.collector.front.refusals import Refusal, TooManyRequests, Unavailable
from auditspan.collector.query.outcome import (
    ACCESS_DENIED,
    AUTHENTICATION_FAILED,
    BAD_ARGUMENTS,
    NETWORK_ERROR,
    QUOTA_EXCEEDED,
    REQUIRED_PASSWORD,
    Access,
    Outcome,
)
from auditspan.identity.caller import Caller
from auditspan.identity.credentials import Credentials
from auditspan.identity.errors import NotPermitted
from auditspan.identity.roles import Action

Authenticate = Callable[[Credentials], Awaitable[Caller]]
"""`Authority.authenticate`; raises `Refusal`."""

_SECRETS: Final = frozenset(
    {"password", "user", "token", "access_token", "key", "jwt", "api_key", "apikey", "auth"}
    | {"authorization", "x-clickhouse-key", "x-clickhouse-user", "secret"}
)
_FROM_NO_PAGE: Final = frozenset({"", "none"})


@dataclass(frozen=True, slots=True)
class Refused:
    """A request that goes no further."""

    outcome: Outcome
    """What to answer."""
    caller: Caller | None = None
    """Who asked, if that was proved."""
    retry_after: float = 0.0
    """Seconds to wait, 0 if nothing can be said."""


class Gate:
    """Lets readers in."""

    def __init__(self, authenticate: Authenticate, hosts: frozenset[str] = LOOPBACK) -> None:
        self._authenticate = authenticate
        self._hosts = hosts

    def stranger(self, request: Request) -> Outcome | None:
        """Why nobody may ask like this, whoever they are; None if they may go on."""
        if host_of(request.headers) not in self._hosts:
            return Outcome.error(BAD_ARGUMENTS, "Host header: not a name of this endpoint")
        site = request.headers.get("sec-fetch-site", "").lower()
        if "origin" in request.headers or site not in _FROM_NO_PAGE:
            return Outcome.error(ACCESS_DENIED, "web pages are not answered here")
        if _SECRETS & {name.lower() for name in request.query_params}:
            return Outcome.error(
                BAD_ARGUMENTS,
                "URL: user, password and token do not belong there, use X-ClickHouse-Key, "
                "Authorization: Basic or Bearer",
            )
        return None

    async def admit(self, request: Request) -> Caller | Refused:
        """Who asks, and may read."""
        stranger = self.stranger(request)
        if stranger is not None:
            return Refused(stranger)
        try:
            credentials = _credentials(request)
            if credentials.authorization is None and credentials.peer_certificate is None:
                words = "token: none given, send it as X-ClickHouse-Key or as Bearer token"
                return Refused(Outcome.error(REQUIRED_PASSWORD, words))
            caller = await self._authenticate(credentials)
        except Refusal as refusal:
            return Refused(_outcome(refusal), retry_after=refusal.retry_after)
        try:
            caller.require(Action.READ)
        except NotPermitted as error:
            return Refused(Outcome.error(ACCESS_DENIED, str(error)), caller)
        return caller


def access_of(caller: Caller) -> Access:
    """Which views the roles open; those with content hold the access log as well."""
    both = caller.may(Action.READ_CONTENT) and caller.may(Action.READ_ACCESS)
    return "investigator" if both else "reader"


def _outcome(refusal: Refusal) -> Outcome:
    if isinstance(refusal, TooManyRequests):
        return Outcome.error(QUOTA_EXCEEDED, str(refusal))
    if isinstance(refusal, Unavailable):
        return Outcome.error(NETWORK_ERROR, str(refusal))
    return Outcome.error(AUTHENTICATION_FAILED, str(refusal))


def _credentials(request: Request) -> Credentials:
    """What a request proves itself with; more than one token is a mistake or an attempt."""
    given = [value for value in request.headers.getlist("x-clickhouse-key") if value]
    given += [_token(value) for value in request.headers.getlist("authorization")]
    address = request.client.host if request.client else ""
    # Of two, somebody in between may have looked at the other one: together they prove nobody.
    header = " ".join(["Bearer", *(token or "-" for token in given)]) if given else None
    return Credentials(header, peer_certificate(request), address)


def _token(header: str) -> str:
    """The token of an Authorization header, of Basic the password; empty if there is none."""
    scheme, _, rest = header.partition(" ")
    if scheme.lower() == "bearer":
        return rest.strip()
    if scheme.lower() != "basic":
        return ""
    try:
        return base64.b64decode(rest, validate=True).partition(b":")[2].decode()
    except (binascii.Error, ValueError):
        return ""
