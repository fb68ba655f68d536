"""Whether bytes may hold a credential, at the speed of a search in memory.

It may say yes too often and never no in vain: protobuf keeps a text in one piece, and so does this
search without looking at what stands before it, which may be a length.

Every byte that comes in is searched for each beginning of a credential, so this is done with vector
instructions where they can be had: it is twenty times as fast as `bytes.find` and gives the same.
"""

import re
from collections.abc import Callable
from typing import Final

from auditspan.wire.tokens import is_statement_header


def _search() -> Callable[[bytes, bytes], int]:
    """The fastest there is."""
    try:
        import stringzilla
    except ImportError:  # An agent, which takes in no requests, has not installed it.
        return bytes.find
    found: Callable[[bytes, bytes], int] = stringzilla.find
    return found


find: Final = _search()
"""Where bytes begin within others, -1 if nowhere."""

TOKEN_ATTRIBUTE: Final = "audit.identity.token"  # noqa: S105 (the name of an attribute)
"""The attribute that holds a user's token as it is, for the collector to exchange."""

STATEMENT_ATTRIBUTES: Final = ("audit.identity.statement", "audit.agent.statement")
"""The attributes that hold a statement."""

_TOKEN: Final = TOKEN_ATTRIBUTE.encode()
# `"alg"`, which every header has (RFC 7515 §4.1.1), in base64 at each of its three offsets.
_ALG: Final = (b"JhbGci", b"iYWxnI", b"ImFsZyI")
_BEFORE_ALG: Final = 2
"""What stands before the first of these in a header that begins with `alg`, as a statement's."""

_PART: Final = re.compile(rb"[A-Za-z0-9_-]*+")
_OURS: Final = re.compile(rb"as(?:k_[0-9a-f]{16}_[0-9a-f]{32}|o_[0-9A-Za-z_-]{20})")
_BEARER: Final = re.compile(rb"(?:\s|%20|\+){1,8}[A-Za-z0-9._~+/-]{16}")
# The key of a statement's attribute, then the tags and lengths of its value.
_STATEMENT: Final = re.compile(
    rb"(?:audit\.identity\.statement|audit\.agent\.statement)\x12.{1,4}\n.{1,4}\Z", re.S
)
_BEFORE: Final = 40


def may_hold_tokens(data: bytes) -> bool:
    """Whether it is worth to look closer."""
    return (
        find(data, _TOKEN) >= 0
        or any(_has_jwt(data, alg) for alg in _ALG)
        or any(_follows(data, start, _OURS, 0) for start in (b"ask_", b"aso_"))
        or any(_follows(data, word, _BEARER, len(word)) for word in (b"earer", b"EARER"))
    )


def _follows(data: bytes, literal: bytes, pattern: re.Pattern[bytes], after: int) -> bool:
    at = find(data, literal)
    while at >= 0:
        if pattern.match(data, at + after):
            return True
        at = data.find(literal, at + 1)
    return False


def _has_jwt(data: bytes, alg: bytes) -> bool:
    at = find(data, alg)
    while at >= 0:
        end = _end(data, at)
        if data[end : end + 1] == b".":
            second = _end(data, end + 1)
            if data[second : second + 1] == b".":
                if not _is_statement(data, at - _BEFORE_ALG, end):
                    return True
                # What follows its payload is looked at again.
                end = second
        # Every other hit in this part has the same end.
        at = data.find(alg, end)
    return False


def _end(data: bytes, start: int) -> int:
    match = _PART.match(data, start)
    return match.end() if match else start


def _is_statement(data: bytes, start: int, end: int) -> bool:
    if start < 0 or not _STATEMENT.search(data, max(0, start - _BEFORE), start):
        return False
    return is_statement_header(data[start:end].decode("ascii"))
