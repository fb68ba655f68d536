"""A read-only ClickHouse HTTP interface (https://clickhouse.com/docs/interfaces/http).

Statements come in the URL or the body, with `param_*` and settings in the URL; results go out in
the format that the statement, `X-ClickHouse-Format` or `default_format` names, byte for byte as the
engine made them. Every statement needs a credential of somebody who may read, and stands in the
access log before its answer leaves. See docs/reading.md.
"""

from typing import Final
from urllib.parse import unquote

from starlette.applications import Starlette
from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response
from starlette.routing import Route

from auditspan.collector.query.answers import answered
from auditspan.collector.query.asked import statement_of
from auditspan.collector.query.claims import Claims, Interface
from auditspan.collector.query.gate import Gate, Refused
from auditspan.collector.query.hello import VERSION, hello, is_hello
from auditspan.collector.query.outcome import Outcome
from auditspan.collector.query.reading import Readers
from auditspan.identity.caller import Caller
from auditspan.storage.query import Statement

_INTERFACES: Final[dict[str, Interface]] = {"cli": "cli", "report": "report"}
_NONE: Final = Statement("")


def endpoint(gate: Gate, readers: Readers, database: str = "auditspan") -> Starlette:
    """The ASGI application."""
    databases = frozenset({database, "default"})

    async def ping(request: Request) -> Response:
        stranger = gate.stranger(request)
        if stranger is not None:
            return answered(request, stranger)
        return Response(b"Ok.\n", media_type="text/html; charset=UTF-8")

    async def query(request: Request) -> Response:
        if request.method == "GET" and "query" not in request.query_params:
            return await ping(request)
        admitted = await gate.admit(request)
        claims = claims_of(request)
        if isinstance(admitted, Refused):
            return await refuse(request, admitted, claims)
        return await read(request, admitted, claims)

    async def refuse(request: Request, refused: Refused, claims: Claims) -> Response:
        outcome = refused.outcome
        if refused.caller is not None:
            # What they asked is not read: it would let them write as much as they like.
            outcome = await readers.refused(refused.caller, claims, _NONE, outcome)
        return answered(request, outcome, refused.retry_after)

    async def read(request: Request, caller: Caller, claims: Claims) -> Response:
        try:
            asked = await statement_of(request, databases)
        except ClientDisconnect:
            return Response(status_code=499)
        if isinstance(asked, Outcome):
            return answered(request, await readers.refused(caller, claims, _NONE, asked))
        if is_hello(asked):
            version = await readers.read(request, caller, claims, VERSION)
            client = request.query_params.get("client_protocol_version", "")
            return answered(request, hello(version, client))
        return answered(request, await readers.read(request, caller, claims, asked))

    return Starlette(
        routes=[
            Route("/ping", ping, methods=["GET", "HEAD"]),
            Route("/", query, methods=["GET", "POST"]),
        ]
    )


def claims_of(request: Request) -> Claims:
    """What a client says of itself; words that nobody checks."""
    headers = request.headers
    return Claims(
        _INTERFACES.get(headers.get("x-auditspan-interface", ""), "endpoint"),
        unquote(headers.get("x-auditspan-report", "")),
        headers.get("user-agent", ""),
    )
