"""Outcomes as HTTP answers in the way of ClickHouse's interface; nothing allows another origin."""

import gzip
import math
import secrets
from typing import Final

from starlette.requests import Request
from starlette.responses import Response

from auditspan.collector.query.outcome import OK, Outcome

_GZIP_WORTH: Final = 1_000


def answered(request: Request, outcome: Outcome, retry_after: float = 0.0) -> Response:
    """The answer for an outcome."""
    headers = {
        "X-ClickHouse-Timezone": "UTC",
        "X-ClickHouse-Server-Display-Name": "auditspan",
        "X-ClickHouse-Query-Id": _query_id(request),
        "Cache-Control": "no-store",
        "X-Content-Type-Options": "nosniff",
        "Cross-Origin-Resource-Policy": "same-origin",
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
        if outcome.code in _TRY_AGAIN:
            headers["Retry-After"] = str(max(1, math.ceil(retry_after)))
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


_TRY_AGAIN: Final = frozenset({201, 202, 210})

# https://github.com/ClickHouse/ClickHouse/blob/master/src/Server/HTTP/exceptionCodeToHTTPStatus.cpp
# but for 202, which is 500 there: 429 is what clients wait and try again for.
_STATUS: Final = {
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
    202: 429,  # TOO_MANY_SIMULTANEOUS_QUERIES
    210: 503,  # NETWORK_ERROR
    159: 500,  # TIMEOUT_EXCEEDED
    241: 500,  # MEMORY_LIMIT_EXCEEDED
    1002: 500,  # UNKNOWN_EXCEPTION
}
_MEDIA: Final = {
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
