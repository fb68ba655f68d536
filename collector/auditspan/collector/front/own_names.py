"""A port of this machine answers to names of this machine only.

A page in a browser may give 127.0.0.1 a name of its own (DNS rebinding) and is then of one origin
with us, so that it reads what we answer. What it cannot change is that the Host header says so.
"""

import re
from collections.abc import Set
from typing import Final

from starlette.datastructures import Headers
from starlette.responses import JSONResponse
from starlette.types import ASGIApp, Receive, Scope, Send

LOOPBACK: Final = frozenset({"localhost", "127.0.0.1", "::1"})

# RFC 9110 §7.2
_HOST: Final = re.compile(r"(?:\[(?P<address>[0-9a-f:.]+)\]|(?P<name>[\w.-]+))(?::\d*)?", re.A)


class OwnNames:
    """An application that is asked by its own names."""

    def __init__(self, app: ASGIApp, names: Set[str]) -> None:
        self._app = app
        self._names = names

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer, or say that this is no name of ours."""
        if scope["type"] != "http" or host_of(Headers(scope=scope)) in self._names:
            await self._app(scope, receive, send)
            return
        error = {"code": "not_allowed", "message": "Host header: not a name of this collector",
                 "details": []}  # fmt: skip
        await JSONResponse({"error": error}, 403)(scope, receive, send)


def host_of(headers: Headers) -> str:
    """The name in the Host header without its port, in lower case; empty if it is none or two."""
    hosts = headers.getlist("host")
    match = _HOST.fullmatch(hosts[0].strip().lower()) if len(hosts) == 1 else None
    return match["address"] or match["name"] if match else ""
