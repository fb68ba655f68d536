"""Takes the closing `;`, `SETTINGS` and `FORMAT` off a statement; neither is left in what runs.

They count at the end of the whole statement alone; anywhere else the parser does not know them.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from typing import Final

from auditspan.storage.reading import refusals
from auditspan.storage.reading.lexer import Kind, Token
from auditspan.storage.reading.refusals import refused

FILTERS: Final = "additional_table_filters"
"""The setting by which Grafana's plugin adds a dashboard's filters: `{'table': 'condition'}`."""

_VALUES: Final = (Kind.NUMBER, Kind.TEXT, Kind.WORD)
_WORDS: Final = {"true": "1", "false": "0"}


@dataclass(frozen=True, slots=True)
class Split:
    """A statement and what stood behind it."""

    body: Sequence[Token]
    format: str = ""
    """Empty if it names none."""
    settings: Mapping[str, str] = field(default_factory=dict)
    filters: Mapping[str, str] = field(default_factory=dict)
    """Conditions by table."""


def split(found: Sequence[Token]) -> Split:
    """Take the clauses off."""
    body = _without_semicolons(found)
    format, settings, filters = "", dict[str, str](), dict[str, str]()
    while True:
        if not format and _names_format(body):
            format, body = body[-1].value, body[:-2]
        elif not settings and not filters and (at := _settings_at(body)) >= 0:
            settings, filters = _parsed(body[at + 1 :]) or ({}, {})
            body = body[:at]
        else:
            return Split(body, format, settings, filters)


def _without_semicolons(found: Sequence[Token]) -> Sequence[Token]:
    end = len(found)
    while end and found[end - 1].is_sign(";"):
        end -= 1
    body = found[:end]
    if any(token.is_sign(";") for token in body):
        raise refused("holds more than one statement, send them one by one")
    for word, following in pairwise(body):
        if word.is_word("into") and following.is_word("outfile"):
            raise refused("writes a file with INTO OUTFILE, which readers may not")
    if not body:
        raise refused("empty, expected a SELECT", refusals.SYNTAX_ERROR)
    return body


def _names_format(body: Sequence[Token]) -> bool:
    if len(body) < 3 or body[-1].kind not in (Kind.WORD, Kind.NAME):
        return False
    before, word = body[-3], body[-2]
    named = before.is_sign(".", ",") or before.is_word("as", "select", "by", "from", "join")
    return word.is_word("format") and not named


def _settings_at(body: Sequence[Token]) -> int:
    """Where the word SETTINGS stands that a list of settings follows up to the end; else -1."""
    for at in range(len(body) - 4, 0, -1):
        if body[at].is_word("settings") and _parsed(body[at + 1 :]) is not None:
            return at
    return -1


def _parsed(found: Sequence[Token]) -> tuple[dict[str, str], dict[str, str]] | None:
    """Settings and filters, if the tokens are a list of settings."""
    settings: dict[str, str] = {}
    filters: dict[str, str] = {}
    at = 0
    while at + 2 < len(found) and found[at].kind is Kind.WORD and found[at + 1].is_sign("="):
        name, value = found[at].value, found[at + 2]
        if name in settings or (name == FILTERS and filters):
            raise refused(f"setting {name[:60]} is given twice", refusals.UNKNOWN_SETTING)
        if name == FILTERS and value.is_sign("{"):
            end = _map(found, at + 3, filters)
        elif value.kind in _VALUES:
            word = value.kind is Kind.WORD
            settings[name] = _WORDS.get(value.value.lower(), value.value) if word else value.value
            end = at + 3
        else:
            return None
        if end == len(found):
            return settings, filters
        if end < 0 or not found[end].is_sign(","):
            return None
        at = end + 1
    return None


def _map(found: Sequence[Token], at: int, filters: dict[str, str]) -> int:
    """Where a map of texts ends that goes on here; -1 if it is none."""
    while at + 3 < len(found):
        key, colon, value, end = found[at : at + 4]
        if key.kind is not Kind.TEXT or not colon.is_sign(":") or value.kind is not Kind.TEXT:
            return -1
        filters[key.value] = value.value
        if end.is_sign("}"):
            return at + 4
        if not end.is_sign(","):
            return -1
        at += 4
    return -1
