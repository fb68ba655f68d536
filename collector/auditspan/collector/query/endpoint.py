"""A read-only ClickHouse HTTP interface (https://clickhouse.com/docs/interfaces/http).

Statements come in the URL or the body, with `param_*` and settings in the URL; results go out in
the format that the statement, `X-ClickHouse-Format` or `default_format` names. In this version it
is the operator's: every statement needs the token. Nothing here allows another origin.
"""

import gzip
import secrets
import zlib
from collections.abc import Callable

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from auditspan.collector.query.access import LOOPBACK, Gate
from auditspan.collector.query.outcome import OK, Answer, Outcome
from auditspan.storage.query import Statement

MAX_STATEMENT = 1_000_000
"""Bytes of a statement after decompression."""

_TOO_LONG, _NOT_UTF8, _UNKNOWN_DATABASE, _UNKNOWN_ENCODING = 62, 36, 81, 36
_GZIP_WORTH = 1_000


def endpoint(
    answer: Answer,
    token: Callable[[], str],
    hosts: frozenset[str] = LOOPBACK,
    database: str = "auditspan",
) -> Starlette:
    """The ASGI application. `token` is asked at each request, so that it can be changed."""
    gate = Gate(token, hosts)

    async def ping(_: Request) -> Response:
        return Response(b"Ok.\n", media_type="text/html; charset=UTF-8")

    async def query(request: Request) -> Response:
        refused = gate.refusal(request)
        if refused is None and request.method == "GET" and "query" not in request.query_params:
            return await ping(request)
        if refused is not None:
            return _response(request, refused)
        read = await _statement(request, database)
        return _response(request, read if isinstance(read, Outcome) else await answer(read))

    return Starlette(
        routes=[
            Route("/ping", ping, methods=["GET", "HEAD"]),
            Route("/", query, methods=["GET", "POST"]),
        ]
    )


async def _statement(request: Request, database: str) -> Statement | Outcome:
    """What a request asks for, or what is wrong with it."""
    body = await _body(request)
    if isinstance(body, Outcome):
        return body
    try:
        text = "\n".join(filter(None, [request.query_params.get("query", ""), body.decode()]))
    except UnicodeDecodeError:
        return Outcome.error(_NOT_UTF8, "statement: not UTF-8")
    url, headers = request.query_params, request.headers
    asked = headers.get("x-clickhouse-database") or url.get("database", "")
    if asked not in ("", database, "default"):
        return Outcome.error(_UNKNOWN_DATABASE, f"database {asked[:60]}: expected {database}")
    return Statement(
        text,
        headers.get("x-clickhouse-format") or url.get("default_format") or "TabSeparated",
        {name[6:]: value for name, value in url.items() if name.startswith("param_")},
        {name: value for name, value in url.items() if not _is_ours(name)},
    )


def _is_ours(name: str) -> bool:
    return name in ("query", "database", "default_format") or name.startswith("param_")


async def _body(request: Request) -> bytes | Outcome:
    data = bytearray()
    async for chunk in request.stream():
        data += chunk
        if len(data) > MAX_STATEMENT:
            return Outcome.error(_TOO_LONG, f"statement: longer than {MAX_STATEMENT} bytes")
    match request.headers.get("content-encoding", "identity").lower():
        case "identity":
            return bytes(data)
        case "gzip":
            return _gunzipped(bytes(data))
        case other:
            words = f"Content-Encoding {other[:20]!r}: expected identity or gzip"
            return Outcome.error(_UNKNOWN_ENCODING, words)


def _gunzipped(data: bytes) -> bytes | Outcome:
    reader = zlib.decompressobj(wbits=31)
    try:
        plain = reader.decompress(data, MAX_STATEMENT + 1)
    except zlib.error as error:
        return Outcome.error(_UNKNOWN_ENCODING, f"Content-Encoding gzip: {error}")
    if len(plain) > MAX_STATEMENT:
        return Outcome.error(_TOO_LONG, f"statement: longer than {MAX_STATEMENT} bytes")
    return plain


def _response(request: Request, outcome: Outcome) -> Response:
    headers = {
        "X-ClickHouse-Timezone": "UTC",
        "X-ClickHouse-Server-Display-Name": "auditspan",
        "X-ClickHouse-Query-Id": _query_id(request),
        "Cache-Control": "no-store",
    }
    body = outcome.body
    if outcome.code == OK:
        headers["X-ClickHouse-Format"] = outcome.format
        headers["Vary"] = "Accept-Encoding"
        if len(body) > _GZIP_WORTH and _wants_gzip(request):
            body = gzip.compress(body, 1)
            headers["Content-Encoding"] = "gzip"
    else:
        headers["X-ClickHouse-Exception-Code"] = str(outcome.code)
    media = _MEDIA.get(outcome.format, "application/octet-stream")
    return Response(body, _STATUS.get(outcome.code, 400), headers, media)


def _query_id(request: Request) -> str:
    asked = request.query_params.get("query_id", "")
    harmless = asked.isascii() and asked.replace("-", "").isalnum() and len(asked) <= 64
    return asked if harmless else secrets.token_hex(8)


def _wants_gzip(request: Request) -> bool:
    offered = request.headers.get("accept-encoding", "").lower().split(",")
    asked = request.query_params.get("enable_http_compression") == "1"
    return asked and any(item.strip().startswith("gzip") for item in offered)


# https://github.com/ClickHouse/ClickHouse/blob/master/src/Server/HTTP/exceptionCodeToHTTPStatus.cpp
_STATUS = {
    OK: 200,
    194: 401,  # REQUIRED_PASSWORD
    516: 403,  # AUTHENTICATION_FAILED
    497: 403,  # ACCESS_DENIED
    47: 404,  # UNKNOWN_IDENTIFIER
    60: 404,  # UNKNOWN_TABLE
    81: 404,  # UNKNOWN_DATABASE
    46: 404,  # UNKNOWN_FUNCTION
    164: 403,  # READONLY
    201: 429,  # QUOTA_EXCEEDED
    202: 503,  # TOO_MANY_SIMULTANEOUS_QUERIES
    210: 503,  # NETWORK_ERROR
    159: 500,  # TIMEOUT_EXCEEDED
    241: 500,  # MEMORY_LIMIT_EXCEEDED
    1002: 500,  # UNKNOWN_EXCEPTION
}
_MEDIA = {
    "TabSeparated": "text/tab-separated-values; charset=UTF-8",
    "TSV": "text/tab-separated-values; charset=UTF-8",
    "TabSeparatedWithNames": "text/tab-separated-values; charset=UTF-8",
    "CSV": "text/csv; charset=UTF-8; header=absent",
    "CSVWithNames": "text/csv; charset=UTF-8; header=present",
    "JSON": "application/json; charset=UTF-8",
    "JSONEachRow": "application/x-ndjson; charset=UTF-8",
    "JSONCompact": "application/json; charset=UTF-8",
    "Pretty": "text/plain; charset=UTF-8",
    "PrettyCompact": "text/plain; charset=UTF-8",
}
