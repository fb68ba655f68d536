"""Splits a statement into ClickHouse's tokens, and refuses what is too long, too deep or unusual.

Comments are dropped here, texts are decoded, and only ASCII stands outside texts: what the parser
gets is made of these tokens alone, so no two readers of a text can see another end of it.
https://github.com/ClickHouse/ClickHouse/blob/master/src/Parsers/Lexer.cpp
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from auditspan.storage.errors import StatementRefused

MAX_LENGTH: Final = 200_000
"""Characters of a statement."""
MAX_TOKENS: Final = 10_000
"""Tokens of a statement."""
MAX_NAME: Final = 128
"""Characters of a word, a name or a number."""
MAX_DEPTH: Final = 32
"""Brackets within brackets."""

SYNTAX_ERROR: Final = 62
_TOO_BIG, _TOO_DEEP = 168, 167  # TOO_BIG_AST, TOO_DEEP_AST


class Kind(StrEnum):
    """What a token is."""

    WORD = "word"
    NAME = "name"
    TEXT = "text"
    NUMBER = "number"
    SIGN = "sign"


@dataclass(frozen=True, slots=True)
class Token:
    """One token."""

    kind: Kind
    value: str
    """The word, number or sign as it is written; a name or text without quotes and escapes."""
    start: int
    """Where it begins in the statement."""
    end: int
    """Where it ends."""

    def is_word(self, *words: str) -> bool:
        """Whether it is one of these words, which are in lower case."""
        return self.kind is Kind.WORD and self.value.lower() in words

    def is_sign(self, *signs: str) -> bool:
        """Whether it is one of these signs."""
        return self.kind is Kind.SIGN and self.value in signs

    def sql(self) -> str:
        """As it is written in a statement that we make."""
        if self.kind is Kind.NAME:
            return quoted_name(self.value)
        return quoted_text(self.value) if self.kind is Kind.TEXT else self.value


_TOKEN = re.compile(
    r"""(?P<space>[ \t\r\n\f\v]+|--[^\n]*|\#[ !][^\n]*|/\*(?s:.*?)\*/)
    |(?P<word>[A-Za-z_][A-Za-z0-9_]*)
    |(?P<number>0[xX][0-9a-fA-F]+|0[bB][01]+|(?:\d+(?:_\d+)*(?:\.\d*)?|\.\d+)(?:[eE][+-]?\d+)?)
    |(?P<text>'(?:[^'\\]|\\.|'')*')
    |(?P<name>`(?:[^`\\]|\\.|``)*`|"(?:[^"\\]|\\.|"")*")
    |(?P<sign>->|::|\|\||<=>|[<>!=]=|<>|[-+*/%<>=,.()\[\]{}?:;])""",
    re.X | re.S,
)
_MEMBER = re.compile(r"(?P<number>\d+)")
_DOT = re.compile(r"(?P<sign>\.)")
_OPENING, _CLOSING = frozenset("([{"), {")": "(", "]": "[", "}": "{"}
_PLAIN_NAME = re.compile(r"[\w .:/@%#+()\[\]*,=<>|&?!~^;{}$-]+")


def tokens(sql: str) -> list[Token]:
    """The tokens of a statement, comments left out."""
    if len(sql) > MAX_LENGTH:
        raise StatementRefused(
            f"statement: {len(sql)} characters, at most {MAX_LENGTH} are read", _TOO_BIG
        )
    found: list[Token] = []
    for token in _scan(sql):
        if len(found) == MAX_TOKENS:
            raise StatementRefused(
                f"statement: more than {MAX_TOKENS} words and signs; give a long list as a "
                "parameter of type Array",
                _TOO_BIG,
            )
        found.append(token)
    _balanced(found)
    return found


def _scan(sql: str) -> Iterator[Token]:
    at = 0
    last: Token | None = None
    while at < len(sql):
        member = _member(sql, at, last)
        match = member or _TOKEN.match(sql, at)
        if match is None:
            raise _unreadable(sql, at)
        kind = str(match.lastgroup)
        at = match.end()
        if kind == "space":
            continue
        if kind == "number" and at < len(sql) and (sql[at].isalnum() or sql[at] == "_"):
            raise _unreadable(sql, match.start())
        last = _token(kind, match[0], match.start(), at)
        yield last


def _member(sql: str, at: int, last: Token | None) -> re.Match[str] | None:
    """The dot or the number of a member of a tuple: `t.1.2` is no fraction."""
    if last is None or last.end != at:
        return None
    if last.is_sign("."):
        return _MEMBER.match(sql, at)
    named = last.kind in (Kind.WORD, Kind.NAME, Kind.NUMBER) or last.is_sign(")", "]")
    return _DOT.match(sql, at) if named else None


def _token(kind: str, text: str, start: int, end: int) -> Token:
    if kind == "text":
        return Token(Kind.TEXT, _unescaped(text), start, end)
    if kind != "name":
        if len(text) > MAX_NAME:
            raise _refused(f"a {kind} of {len(text)} characters at {start + 1}, at most {MAX_NAME}")
        return Token(Kind(kind), text, start, end)
    name = _unescaped(text)
    if not _PLAIN_NAME.fullmatch(name) or not name.isprintable() or len(name) > MAX_NAME:
        raise _refused(
            f"the quoted name {name[:40]!r} at {start + 1}: expected at most {MAX_NAME} letters, "
            "digits, spaces and signs without quotes and backslashes"
        )
    return Token(Kind.NAME, name, start, end)


def _balanced(found: list[Token]) -> None:
    open_: list[str] = []
    for token in found:
        if token.kind is not Kind.SIGN:
            continue
        if token.value in _OPENING:
            open_.append(token.value)
            if len(open_) > MAX_DEPTH:
                raise StatementRefused(
                    f"statement: more than {MAX_DEPTH} brackets within brackets at "
                    f"{token.start + 1}",
                    _TOO_DEEP,
                )
        elif token.value in _CLOSING and (not open_ or open_.pop() != _CLOSING[token.value]):
            raise _refused(f"{token.value!r} at {token.start + 1} closes nothing")
    if open_:
        raise _refused(f"{open_[-1]!r} is never closed")


# https://github.com/ClickHouse/ClickHouse/blob/master/src/IO/ReadHelpers.h parseEscapeSequence
_ESCAPES: Final = {
    "a": "\a",
    "b": "\b",
    "e": "\x1b",
    "f": "\f",
    "n": "\n",
    "r": "\r",
    "t": "\t",
    "v": "\v",
    "0": "\0",
    "N": "",
}
_KEPT: Final = frozenset("\\'\"`/=")
_ESCAPE = re.compile(r"\\x([0-9a-fA-F]{2})|\\(.)|(['\"`])\3", re.S)


def _unescaped(literal: str) -> str:
    """The content of a quoted text or name."""
    body = literal[1:-1]
    if "\\" not in body and literal[0] not in body:
        return body
    if not re.search(r"\\x", body):
        return _ESCAPE.sub(_escape, body)
    # `\\xNN` are bytes, and so may be parts of a letter.
    text = _ESCAPE.sub(_escape, body).encode("utf-8", "surrogateescape")
    try:
        return text.decode()
    except UnicodeDecodeError as error:
        raise _refused(
            r"a text with \xNN that is not UTF-8; write it as unhex('…') instead"
        ) from error


def _escape(match: re.Match[str]) -> str:
    if match[1]:
        byte = int(match[1], 16)
        return chr(byte) if byte < 0x80 else chr(0xDC00 + byte)
    if match[3]:
        return match[3]
    # The engine keeps the backslash of an escape that it does not know.
    return _ESCAPES.get(match[2], match[2] if match[2] in _KEPT else match[0])


def quoted_text(text: str) -> str:
    """A text as a literal."""
    for plain, escaped in _TO_ESCAPE:
        text = text.replace(plain, escaped)
    return f"'{text}'"


_TO_ESCAPE: Final = (("\\", "\\\\"), ("'", "\\'"), ("\0", "\\0"), ("\n", "\\n"), ("\r", "\\r"))


def quoted_name(name: str) -> str:
    """A name in backticks; the lexer lets no name through that would need an escape there."""
    return f"`{name}`"


def _unreadable(sql: str, at: int) -> StatementRefused:
    char = sql[at]
    line, column = sql.count("\n", 0, at) + 1, at - sql.rfind("\n", 0, at)
    where = f"line {line}, column {column}"
    if char in "'\"`":
        return _refused(f"the text or name that begins at {where} never ends")
    if char == "$":
        return _refused(f"$ at {where}: no heredocs, write a quoted text")
    if not char.isascii():
        return _refused(f"{char!a} at {where} stands outside a text; only ASCII may")
    return _refused(f"{sql[at : at + 10]!a} at {where} is no word, number or sign of a SELECT")


def _refused(why: str) -> StatementRefused:
    return StatementRefused(f"statement: {why}", SYNTAX_ERROR)
