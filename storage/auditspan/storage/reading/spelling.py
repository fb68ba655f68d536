"""Spellings of ClickHouse that the parser has no form for, written in one that it has.

| as sent | as parsed |
|---|---|
| `DATE '2026-01-01'` | `toDate('2026-01-01')` |
| `TIMESTAMP '2026-01-01 00:00:00'` | `toDateTime('2026-01-01 00:00:00')` |
| `INTERVAL '7 day'` | `INTERVAL 7 day` |
| `extract(year FROM t)` | `toYear(t)` |
"""

import re
from collections.abc import Sequence
from dataclasses import replace
from typing import Final

from auditspan.storage.reading.lexer import Kind, Token

_LITERALS: Final = {"date": "toDate", "timestamp": "toDateTime"}
_SPAN: Final = re.compile(r"(\d{1,9}) +([A-Za-z]{3,12})")
_PARTS: Final = {
    "second": "toSecond",
    "minute": "toMinute",
    "hour": "toHour",
    "day": "toDayOfMonth",
    "month": "toMonth",
    "quarter": "toQuarter",
    "year": "toYear",
}


def respelled(found: Sequence[Token]) -> list[Token]:
    """The tokens in the parser's spelling."""
    made: list[Token] = []
    at = 0
    while at < len(found):
        made += (new := _literal(found, at) or _span(found, at) or _part(found, at)) or [found[at]]
        at += 4 if new and found[at].is_word("extract") else 2 if new else 1
    return made


def _literal(found: Sequence[Token], at: int) -> list[Token]:
    word, text = found[at], _next(found, at)
    if not text or text.kind is not Kind.TEXT or not word.is_word(*_LITERALS) or _dotted(found, at):
        return []
    call = replace(word, value=_LITERALS[word.value.lower()])
    return [call, _sign(text, "("), text, _sign(text, ")")]


def _span(found: Sequence[Token], at: int) -> list[Token]:
    word, text = found[at], _next(found, at)
    if not text or text.kind is not Kind.TEXT or not word.is_word("interval"):
        return []
    span = _SPAN.fullmatch(text.value.strip())
    if span is None:
        return []
    return [
        word,
        replace(text, kind=Kind.NUMBER, value=span[1]),
        replace(text, kind=Kind.WORD, value=span[2]),
    ]


def _part(found: Sequence[Token], at: int) -> list[Token]:
    if not found[at].is_word("extract") or at + 3 >= len(found):
        return []
    bracket, part, from_ = found[at + 1 : at + 4]
    if not bracket.is_sign("(") or not part.is_word(*_PARTS) or not from_.is_word("from"):
        return []
    return [replace(found[at], value=_PARTS[part.value.lower()]), bracket]


def _dotted(found: Sequence[Token], at: int) -> bool:
    return at > 0 and found[at - 1].is_sign(".")


def _next(found: Sequence[Token], at: int) -> Token | None:
    return found[at + 1] if at + 1 < len(found) else None


def _sign(beside: Token, value: str) -> Token:
    return replace(beside, kind=Kind.SIGN, value=value)
