"""A port of this machine answers to names of this machine only."""

import asyncio

import httpx
import pytest
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import PlainTextResponse
from starlette.routing import Route

from auditspan.collector.front.own_names import LOOPBACK, OwnNames


async def _show(_: Request) -> PlainTextResponse:
    return PlainTextResponse("numbers")


APP = OwnNames(Starlette(routes=[Route("/metrics", _show)]), LOOPBACK | {"audit.internal"})


def ask(*hosts: str) -> httpx.Response:
    """One request with these Host headers."""

    async def once() -> httpx.Response:
        transport = httpx.ASGITransport(app=APP)
        headers = [("Host", host) for host in hosts]
        async with httpx.AsyncClient(transport=transport, base_url="http://x") as http:
            return await http.get("/metrics", headers=headers)

    return asyncio.run(once())


@pytest.mark.parametrize(
    "host", ["localhost", "LocalHost:8080", "127.0.0.1:1", "[::1]", "[::1]:8080", "audit.internal"]
)
def test_own_names_are_answered(host: str) -> None:
    """With and without a port, in any case."""
    assert ask(host).text == "numbers"


@pytest.mark.parametrize(
    "hosts",
    [
        ("evil.example",),
        ("127.0.0.1.evil.example:8080",),
        ("localhost.evil.example",),
        ("",),
        ("localhost", "evil.example"),
        ("[::1].evil.example",),
        ("localhost:80@evil.example",),
    ],
)
def test_other_names_are_not(hosts: tuple[str, ...]) -> None:
    """Nor no name, nor two."""
    response = ask(*hosts)
    assert (response.status_code, "numbers" in response.text) == (403, False)
