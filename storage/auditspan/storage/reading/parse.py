"""From a statement to sqlglot's tree, and from the tree to a statement of our own making.

Texts never reach the parser: each stands as `'s0'`, `'s1'` … in what is parsed, and takes its place
again, quoted by us, in what was made of the tree.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from sqlglot import exp
from sqlglot.errors import ErrorLevel, SqlglotError

from auditspan.storage.errors import StatementRefused
from auditspan.storage.reading import lexer, refusals
from auditspan.storage.reading.dialect import Reading
from auditspan.storage.reading.lexer import Kind, Token
from auditspan.storage.reading.refusals import refused

_DIALECT: Final = Reading()
_STANDING: Final = re.compile(r"s(\d{1,6})")


@dataclass(frozen=True, slots=True)
class Parsed:
    """A tree with the texts that stand in it."""

    tree: exp.Query
    texts: list[str]

    def text(self, literal: exp.Literal) -> str:
        """The text that a literal stands for."""
        found = _STANDING.fullmatch(literal.name)
        if found is None or int(found[1]) >= len(self.texts):
            raise refused(f"a text {literal.name[:20]!r} came from nowhere")
        return self.texts[int(found[1])]


def parse(found: Sequence[Token]) -> Parsed:
    """The tree of one SELECT, UNION or WITH."""
    texts: list[str] = []
    words: list[str] = []
    for token in found:
        if token.kind is Kind.TEXT:
            words.append(f"'s{len(texts)}'")
            texts.append(token.value)
        else:
            words.append(token.sql())
    words = _spaced(words, found)
    text = "".join(words)
    try:
        trees = _DIALECT.parse(text, error_level=ErrorLevel.IMMEDIATE)
    except SqlglotError as error:
        raise _unparsed(error, words, found) from error
    except RecursionError as error:
        raise refused("nested too deep", refusals.TOO_DEEP) from error
    if len(trees) != 1 or not isinstance(trees[0], exp.Query):
        raise refused("expected one SELECT", refusals.SYNTAX_ERROR)
    return Parsed(trees[0], texts)


def _spaced(words: Sequence[str], found: Sequence[Token]) -> list[str]:
    """The words with spaces between, but inside `{name:Type}` as they came: the engine keeps the
    spelling of that type."""
    made: list[str] = []
    inside = False
    for word, token, following in zip(words, found, [*found[1:], None], strict=True):
        inside = token.is_sign("{") or (inside and not token.is_sign("}"))
        near = inside and following is not None and following.start == token.end
        made.append(word if near else f"{word} ")
    return made


def written(tree: exp.Expr, texts: Sequence[str], *, copy: bool = False) -> str:
    """The statement of a tree, with its texts in their places; the tree is spent without `copy`."""
    try:
        text = _DIALECT.generate(
            tree, copy=copy, comments=False, unsupported_level=ErrorLevel.RAISE
        )
    except SqlglotError as error:
        raise refused(f"cannot be written down again: {error}", refusals.SYNTAX_ERROR) from error
    except RecursionError as error:
        raise refused("nested too deep", refusals.TOO_DEEP) from error
    return _with_texts(text, texts)


def _with_texts(text: str, texts: Sequence[str]) -> str:
    parts: list[str] = []
    at, seen = 0, []
    for token in lexer.tokens(text):
        if token.kind is not Kind.TEXT:
            continue
        number = _STANDING.fullmatch(token.value)
        if number is None:
            raise refused(f"a text {token.value[:20]!r} came from nowhere")
        seen.append(int(number[1]))
        parts += [text[at : token.start], lexer.quoted_text(texts[seen[-1]])]
        at = token.end
    if sorted(seen) != list(range(len(texts))):
        raise refused(
            "a quoted text stands where a name belongs, or beside another one; "
            'names are written in "double quotes"',
            refusals.SYNTAX_ERROR,
        )
    return "".join([*parts, text[at:]])


def _unparsed(
    error: SqlglotError, words: Sequence[str], found: Sequence[Token]
) -> StatementRefused:
    details = getattr(error, "errors", None) or [{}]
    what = str(details[0].get("description") or "not understood").rstrip(".")
    column = details[0].get("col")
    token = _at(int(column), words, found) if isinstance(column, int) else None
    near = f", near {token.sql()[:40]!r} at {token.start + 1}" if token else ""
    return refused(
        f"syntax: {what[:1].lower()}{what[1:]}{near}; expected one SELECT as ClickHouse knows it",
        refusals.SYNTAX_ERROR,
    )


def _at(column: int, words: Sequence[str], found: Sequence[Token]) -> Token | None:
    """The token that ends at or after a column of the parsed text."""
    end = 0
    for word, token in zip(words, found, strict=True):
        end += len(word)
        if end >= column:
            return token
    return found[-1] if found else None
