"""Types that a statement may name: in CAST, `::`, parameters, and as a text in some functions."""

from collections.abc import Sequence

from auditspan.storage.errors import StatementRefused
from auditspan.storage.reading import lexer, refusals
from auditspan.storage.reading.allowed import lists
from auditspan.storage.reading.lexer import Kind, Token
from auditspan.storage.reading.refusals import refused

_NAMED = frozenset({"tuple"})


def check_type(text: str) -> None:
    """Raise `StatementRefused` unless every type in it may be named."""
    found = lexer.tokens(text)
    end = _type(found, 0, text)
    if end != len(found):
        raise _unknown(text, found[end].value)


def _type(found: Sequence[Token], at: int, text: str) -> int:
    """Where the type ends that begins here."""
    if at >= len(found) or found[at].kind is not Kind.WORD:
        raise _unknown(text, found[at].value if at < len(found) else "nothing")
    name = found[at].value.lower()
    if name not in lists().types:
        raise _unknown(text, found[at].value)
    at += 1
    if at == len(found) or not found[at].is_sign("("):
        return at
    while not found[at].is_sign(")"):
        at = _argument(found, at + 1, text, named=name in _NAMED)
        if at >= len(found) or not found[at].is_sign(",", ")"):
            raise _unknown(text, found[at].value if at < len(found) else "nothing")
    return at + 1


def _argument(found: Sequence[Token], at: int, text: str, *, named: bool) -> int:
    if found[at].kind in (Kind.NUMBER, Kind.TEXT):
        at += 1
        if at + 1 < len(found) and found[at].is_sign("="):
            at += 2 + found[at + 1].is_sign("-")
        return at
    two = at + 1 < len(found) and found[at + 1].kind is Kind.WORD
    return _type(found, at + 1 if named and two else at, text)


def _unknown(text: str, name: str) -> StatementRefused:
    return refused(
        f"type {text[:60]!r}: {name[:40]!r} is no type that readers may name",
        refusals.UNKNOWN_TYPE,
    )
