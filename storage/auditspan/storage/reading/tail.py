"""Takes the closing `;`, `SETTINGS` and `FORMAT` off a statement; neither is left in what runs.

They count at the end of the whole statement alone; anywhere else the parser does not know them.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Final

from auditspan.storage.reading import refusals
from auditspan.storage.reading.lexer import Kind, Token
from auditspan.storage.reading.refusals import refused

_VALUES: Final = (Kind.NUMBER, Kind.TEXT, Kind.WORD)


@dataclass(frozen=True, slots=True)
class Split:
    """A statement and what stood behind it."""

    body: Sequence[Token]
    format: str
    """Empty if it names none."""
    settings: Mapping[str, str]


def split(found: Sequence[Token]) -> Split:
    """Take the clauses off."""
    body = _without_semicolons(found)
    format, settings = "", dict[str, str]()
    while True:
        if not format and _names_format(body):
            format, body = body[-1].value, body[:-2]
        elif not settings and (at := _settings_at(body)) is not None:
            settings, body = _settings(body[at + 1 :]), body[:at]
        else:
            return Split(body, format, settings)


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
    if (
        len(body) < 3
        or body[-1].kind not in (Kind.WORD, Kind.NAME)
        or not body[-2].is_word("format")
    ):
        return False
    before = body[-3]
    return not before.is_sign(".", ",") and not before.is_word("as", "select", "by")


def _settings_at(body: Sequence[Token]) -> int | None:
    """Where the word SETTINGS stands, if a list of settings follows it up to the end."""
    at = len(body)
    while at >= 4 and _is_setting(body[at - 3 : at]):
        at -= 4
        if body[at].is_word("settings"):
            return at
        if not body[at].is_sign(","):
            return None
    return None


def _is_setting(three: Sequence[Token]) -> bool:
    name, sign, value = three
    return name.kind is Kind.WORD and sign.is_sign("=") and value.kind in _VALUES


def _settings(found: Sequence[Token]) -> dict[str, str]:
    settings: dict[str, str] = {}
    for at in range(0, len(found), 4):
        name, value = found[at].value, found[at + 2]
        if name in settings:
            raise refused(f"setting {name[:60]} is given twice", refusals.UNKNOWN_SETTING)
        word = value.value.lower()
        plain = (
            {"true": "1", "false": "0"}.get(word, word) if value.kind is Kind.WORD else value.value
        )
        settings[name] = plain
    return settings
