"""Who may ask the endpoint: whoever holds the operator's token, from a host name that is ours."""

import base64
import binascii
import hmac
from collections.abc import Callable

from starlette.requests import Request

from auditspan.collector.front.limits import WindowLimit
from auditspan.collector.query.outcome import Outcome

_REQUIRED_PASSWORD, _AUTHENTICATION_FAILED, _BAD_ARGUMENTS, _QUOTA_EXCEEDED = 194, 516, 36, 201
_SECRETS_IN_URL = frozenset({"password", "user", "token", "access_token", "key", "jwt"})

LOOPBACK = frozenset({"localhost", "127.0.0.1", "::1"})


class Gate:
    """Checks a request before a byte of its body is read."""

    def __init__(
        self,
        token: Callable[[], str],
        hosts: frozenset[str] = LOOPBACK,
        failures: WindowLimit | None = None,
    ) -> None:
        self._token = token
        self._hosts = hosts
        self._failures = failures or WindowLimit(30)

    def refusal(self, request: Request) -> Outcome | None:
        """Why a request may not go on, None if it may."""
        if _host(request) not in self._hosts:
            # A page elsewhere may name our address as its own (DNS rebinding).
            return Outcome.error(_BAD_ARGUMENTS, "Host header: not a name of this endpoint")
        if _SECRETS_IN_URL & {name.lower() for name in request.query_params}:
            return Outcome.error(
                _BAD_ARGUMENTS,
                "URL: user, password and token do not belong there, use X-ClickHouse-Key, "
                "Authorization: Basic or Bearer",
            )
        return self._authenticate(request)

    def _authenticate(self, request: Request) -> Outcome | None:
        sender = request.client.host if request.client else ""
        if self._failures.wait(sender) > 0:
            return Outcome.error(_QUOTA_EXCEEDED, "too many failed attempts, wait a minute")
        given = _credentials(request)
        if not given:
            return Outcome.error(_REQUIRED_PASSWORD, "token: none given, expected the operator's")
        expected = self._token().encode()
        if len(given) == 1 and expected and hmac.compare_digest(given[0], expected):
            return None
        self._failures.add(sender)
        return Outcome.error(_AUTHENTICATION_FAILED, "token: not the operator's")


def _host(request: Request) -> str:
    host = request.headers.get("host", "")
    if host.startswith("["):
        return host[1:].partition("]")[0].lower()
    return host.rpartition(":")[0].lower() if ":" in host else host.lower()


def _credentials(request: Request) -> list[bytes]:
    """The tokens that a request carries; more than one is a mistake or an attempt."""
    given = [value.encode() for value in request.headers.getlist("x-clickhouse-key") if value]
    for value in request.headers.getlist("authorization"):
        scheme, _, rest = value.partition(" ")
        if scheme.lower() == "bearer":
            given.append(rest.strip().encode())
        elif scheme.lower() == "basic":
            given.append(_password(rest))
    return given


def _password(encoded: str) -> bytes:
    try:
        return base64.b64decode(encoded, validate=True).partition(b":")[2]
    except (binascii.Error, ValueError):
        return b""
