"""ASGI middleware: a request's bearer token says on whose behalf the agent acts while serving it.

    app = IdentityMiddleware(app, purpose="support")

It proves nothing to the application: put it behind what authenticates requests, so that only tokens
which are accepted there are exchanged. https://asgi.readthedocs.io/en/latest/specs/main.html
"""

from collections.abc import Awaitable, Callable, Iterable, MutableMapping
from typing import Any

from auditspan.instrumentation.host import contain
from auditspan.instrumentation.identity import identify

# Any is what the specification's own types (asgiref.typing) come down to for a middleware.
Scope = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[MutableMapping[str, Any]]]
Send = Callable[[MutableMapping[str, Any]], Awaitable[None]]
Application = Callable[[Scope, Receive, Send], Awaitable[None]]
MAX_TOKEN = 16_384


class IdentityMiddleware:
    """Wraps an application."""

    def __init__(self, app: Application, *, purpose: str = "", trigger: str = "http") -> None:
        self._app = app
        self._purpose = purpose
        self._trigger = trigger

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one connection."""
        if scope.get("type") not in ("http", "websocket"):
            await self._app(scope, receive, send)
            return
        token = bearer_token(scope.get("headers", ()))
        async with identify(user_token=token, purpose=self._purpose, trigger=self._trigger):
            await self._app(scope, receive, send)


@contain("")
def bearer_token(headers: Iterable[tuple[bytes, bytes]]) -> str:
    """The token of an `Authorization: Bearer` header (RFC 6750 §2.1), "" without exactly one."""
    found = [value for name, value in headers if name.lower() == b"authorization"]
    scheme, _, token = found[0].partition(b" ") if len(found) == 1 else (b"", b"", b"")
    text = token.strip()
    if scheme.lower() != b"bearer" or not text.isascii() or len(text) > MAX_TOKEN:
        return ""
    return text.decode("ascii")
