"""Credentials within text: JSON web tokens, API keys of ours, and what stands after `Bearer`.

A JWS or JWE (RFC 7515 §3.1, RFC 7516 §3.1) is told from a dotted name by its header, which is read.
Every search is linear in the length of the text, whatever the text is.
"""

import base64
import binascii
import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from typing import Final, Literal

Kind = Literal["jwt", "api_key", "bearer"]

STATEMENT_TYPE: Final = "auditspan-identity+jwt"
"""Header `typ` of a statement, which is for the collector to read and opens no door."""

_RUN: Final = re.compile(r"[A-Za-z0-9_.-]{20,}+")
# `{"` in base64, and `{` before a space, a tab or the end of a line.
_HEADER: Final = re.compile(r"e(?:yJ|yA[gi]|wo[Jgi]|w0K|wk[Ji])")
# As `identity.api_keys` and the collector's operator token are made.
_OURS: Final = re.compile(r"ask_[0-9a-f]{16}_[0-9a-f]{32,}+|aso_[0-9A-Za-z_-]{20,}+")
_BEARER: Final = re.compile(r"(?i:bearer)(?:\s|%20|\+){1,8}([A-Za-z0-9._~+/-]{16,}+=*+)")
_JWS: Final = re.compile(r"(?:[A-Za-z0-9_-]++\.){2}[A-Za-z0-9_-]++\Z")
_MAX_HEADER: Final = 8192
_MAX_STARTS: Final = 8
"""A longer part with more beginnings of a header is taken for one unread."""


@dataclass(frozen=True, slots=True)
class Token:
    """Where in a text a credential is."""

    start: int
    end: int
    kind: Kind


def find_tokens(text: str) -> tuple[Token, ...]:
    """The credentials in a text, in order and without overlaps."""
    found: list[Token] = []
    last = 0
    for token in sorted(_candidates(text), key=lambda token: (token.start, -token.end)):
        if token.start >= last:
            found.append(token)
            last = token.end
    return tuple(found)


def is_statement(text: str) -> bool:
    """Whether a text is a statement and nothing beside it."""
    return _JWS.match(text) is not None and is_statement_header(text.partition(".")[0])


@lru_cache(256)
def is_statement_header(part: str) -> bool:
    """Whether this is the first part of a statement."""
    header = _header(part)
    return header is not None and header.get("typ") == STATEMENT_TYPE


def _candidates(text: str) -> Iterator[Token]:
    # What is more exactly known comes first where two begin at one place.
    if "." in text:
        yield from _jwts(text)
    if "ask_" in text or "aso_" in text:
        for match in _OURS.finditer(text):
            yield Token(match.start(), match.end(), "api_key")
    if "earer" in text or "EARER" in text:
        for match in _BEARER.finditer(text):
            if not _inside(match[1]):
                yield Token(match.start(1), match.end(1), "bearer")


def _inside(text: str) -> bool:
    """Whether what stands after `Bearer` begins as a credential of the other kinds."""
    return _OURS.match(text) is not None or any(token.start == 0 for token in _jwts(text))


def _jwts(text: str) -> Iterator[Token]:
    for run in _RUN.finditer(text):
        parts = run[0].split(".")
        start = run.start()
        skip = 0
        for position in range(len(parts) - 2):
            part = parts[position]
            if skip:
                skip -= 1
            # The second part of a JWE may be empty, that of a JWS not.
            elif any(parts[position + 1 : position + 3]) and (found := _starts(part)) is not None:
                header, length = found
                skip = length - 1
                end = start + sum(map(len, parts[position : position + length])) + length - 1
                yield Token(start + header, min(end, run.end()), "jwt")
            start += len(part) + 1


def _starts(part: str) -> tuple[int, int] | None:
    """Where in a part a header begins, and of how many parts its token is."""
    for tried, match in enumerate(_HEADER.finditer(part)):
        if tried == _MAX_STARTS or len(part) - match.start() > _MAX_HEADER:
            return match.start(), 3
        header = _header(part[match.start() :])
        if header is not None:
            return match.start(), 5 if "enc" in header else 3
    return None


def _header(part: str) -> dict[str, object] | None:
    try:
        header = json.loads(base64.urlsafe_b64decode(part + "=" * (-len(part) % 4)))
    except (binascii.Error, ValueError, RecursionError):
        return None
    return header if isinstance(header, dict) and "alg" in header else None
