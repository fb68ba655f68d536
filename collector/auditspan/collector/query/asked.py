"""What a request asks for, read strictly (https://clickhouse.com/docs/interfaces/http).

One statement, in the URL or the body; `param_*` and settings in the URL. What would give a request
another meaning on a server (another user's profile, a role, a session, uploaded tables) is refused
and not ignored. `session_id` alone is dropped, because clickhouse-connect makes one up for every
client: no session ever exists here.
"""

import zlib
from typing import Final

from starlette.requests import Request

from auditspan.collector.query.outcome import BAD_ARGUMENTS, SYNTAX_ERROR, Outcome
from auditspan.storage.query import Statement

MAX_STATEMENT: Final = 1_000_000
"""Bytes of a statement after decompression."""

_UNKNOWN_DATABASE: Final = 81
_OURS: Final = frozenset(
    {"query", "database", "default_format", "session_id", "quota_key", "log_comment", "compress"}
)
_REFUSED: Final = frozenset({"profile", "role", "decompress"})
_OF_SESSIONS: Final = frozenset({"session_id", "session_timezone"})
"""The only names with `session_` that mean something, or nothing at all, without a session."""


async def statement_of(request: Request, databases: frozenset[str]) -> Statement | Outcome:
    """The statement, or what is wrong with the request."""
    wrong = _wrong(request, databases)
    if wrong is not None:
        return wrong
    body = await _body(request)
    if isinstance(body, Outcome):
        return body
    url, headers = request.query_params, request.headers
    try:
        text = body.decode()
    except UnicodeDecodeError:
        return Outcome.error(BAD_ARGUMENTS, "statement: not UTF-8")
    in_url = url.get("query", "")
    if in_url.strip() and text.strip():
        return Outcome.error(BAD_ARGUMENTS, "statement: in the URL and in the body, expected one")
    return Statement(
        text if text.strip() else in_url,
        headers.get("x-clickhouse-format") or url.get("default_format") or "TabSeparated",
        {name[6:]: value for name, value in url.items() if name.startswith("param_")},
        {name: value for name, value in url.items() if not _is_ours(name)},
    )


def _wrong(request: Request, databases: frozenset[str]) -> Outcome | None:
    """What is wrong with everything but the body."""
    url, headers = request.query_params, request.headers
    names = [name for name, _ in url.multi_items()]
    if len(names) != len(set(names)):
        return Outcome.error(BAD_ARGUMENTS, "URL: a parameter is given twice")
    if url.get("compress", "0") != "0":
        return Outcome.error(BAD_ARGUMENTS, "URL: compress is not spoken here, ask for gzip")
    for name in names:
        if name in _REFUSED or (name.startswith("session_") and name not in _OF_SESSIONS):
            return Outcome.error(
                BAD_ARGUMENTS, f"URL: {name[:40]} has no meaning here, leave it out"
            )
    if headers.get("content-type", "").lower().startswith("multipart/"):
        return Outcome.error(BAD_ARGUMENTS, "body: no multipart, send the statement as it is")
    asked = headers.get("x-clickhouse-database") or url.get("database", "")
    if asked and asked not in databases:
        expected = " or ".join(sorted(databases))
        return Outcome.error(_UNKNOWN_DATABASE, f"database {asked[:60]}: expected {expected}")
    return None


def _is_ours(name: str) -> bool:
    return name in _OURS or name.startswith("param_")


async def _body(request: Request) -> bytes | Outcome:
    data = bytearray()
    async for chunk in request.stream():
        data += chunk
        if len(data) > MAX_STATEMENT:
            return _too_long()
    match request.headers.get("content-encoding", "identity").strip().lower():
        case "identity" | "":
            return bytes(data)
        case "gzip":
            return _gunzipped(bytes(data))
        case other:
            words = f"Content-Encoding {other[:20]!r}: expected identity or gzip"
            return Outcome.error(BAD_ARGUMENTS, words)


def _gunzipped(data: bytes) -> bytes | Outcome:
    reader = zlib.decompressobj(wbits=31)
    try:
        plain = reader.decompress(data, MAX_STATEMENT + 1)
    except zlib.error as error:
        return Outcome.error(BAD_ARGUMENTS, f"Content-Encoding gzip: {error}")
    if len(plain) > MAX_STATEMENT:
        return _too_long()
    if not reader.eof or reader.unused_data:
        return Outcome.error(BAD_ARGUMENTS, "Content-Encoding gzip: expected one whole stream")
    return plain


def _too_long() -> Outcome:
    return Outcome.error(SYNTAX_ERROR, f"statement: longer than {MAX_STATEMENT} bytes")
