"""Cedar text cut into statements, with the place of every token.

Cedar's errors carry no position, so the position is found here: a statement is a policy up to its
`;`, and the offending token is the first that the parser refuses. The tokens are those of
https://docs.cedarpolicy.com/policies/syntax-grammar.html. A cut that Cedar would make elsewhere
ends in an error of the parser, never in a policy that is left out.
"""

import re
from bisect import bisect_left
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import cedarpy

from auditspan.policy.errors import Problem

MAX_TOKENS = 4_000
MAX_DEPTH = 64
"""Cedar's parser recurses and has no limit of its own: 1,000 brackets end the process."""

_TOKEN = re.compile(
    r"""(?P<skip>\s+|//[^\n]*)
    |"(?:\\.|[^"\\])*"
    |\?[A-Za-z_]\w*|[A-Za-z_]\w*|[0-9]+
    |::|==|!=|<=|>=|&&|\|\||.""",
    re.DOTALL | re.VERBOSE | re.ASCII,
)
_QUOTED = re.compile(r"`([^`]+)`|: ([^\s`]+)$")
_UNFINISHED = "unexpected end of input"


@dataclass(frozen=True, slots=True)
class Token:
    """A word of the source."""

    start: int
    """Offset of its first character."""
    text: str

    @property
    def end(self) -> int:
        """Offset behind its last character."""
        return self.start + len(self.text)


@dataclass(frozen=True, slots=True)
class Statement:
    """One policy as it stands in a source."""

    file: str
    source: str
    """The whole text of the file."""
    tokens: tuple[Token, ...]
    """Its tokens, the `;` included; never empty."""

    @property
    def text(self) -> str:
        """The policy alone."""
        return self.source[self.tokens[0].start : self.tokens[-1].end]

    def problem(self, message: str, at: Token | None = None) -> Problem:
        """A problem of this statement, at a token or at its start."""
        start = (at or self.tokens[0]).start
        line_start = self.source.rfind("\n", 0, start) + 1
        line = self.source[line_start:].split("\n", 1)[0].strip()
        number = self.source.count("\n", 0, start) + 1
        return Problem(self.file, number, start - line_start + 1, message, line[:200])

    def find(self, excerpt: str) -> Token | None:
        """The last token that is an excerpt, or where it begins last; None if nowhere."""
        for token in reversed(self.tokens):
            if token.text in (excerpt, f'"{excerpt}"'):
                return token
        words = [token.text for token in tokenize(excerpt)]
        for index in reversed(range(len(self.tokens) - len(words) + 1)):
            if words and [t.text for t in self.tokens[index : index + len(words)]] == words:
                return self.tokens[index]
        return None

    def find_any(self, message: str) -> Token | None:
        """Where something stands that a message quotes."""
        for groups in _QUOTED.findall(message):
            for quoted in filter(None, groups):
                found = self.find(quoted) or self.find(quoted.rpartition(".")[2])
                if found:
                    return found
        return None


def tokenize(source: str) -> Iterator[Token]:
    """The tokens of a text, without white space and comments."""
    for match in _TOKEN.finditer(source):
        if match["skip"] is None:
            yield Token(match.start(), match[0])


def statements(file: str, source: str) -> list[Statement]:
    """The policies of a source in their order; a last one may lack its `;`."""
    found: list[Statement] = []
    open_: list[Token] = []
    for token in tokenize(source):
        open_.append(token)
        if token.text == ";":
            found.append(Statement(file, source, tuple(open_)))
            open_ = []
    return [*found, Statement(file, source, tuple(open_))] if open_ else found


def oversized(statement: Statement) -> Problem | None:
    """What makes a statement unsafe to hand to the parser, if anything does."""
    depth = 0
    for index, token in enumerate(statement.tokens):
        depth += (token.text in "([{") - (token.text in ")]}")
        if depth > MAX_DEPTH:
            return statement.problem(f"is nested deeper than {MAX_DEPTH} brackets", token)
        if index >= MAX_TOKENS:
            return statement.problem(f"is longer than {MAX_TOKENS} tokens; split it", token)
    return None


def syntax_problem(statement: Statement, message: str) -> Problem:
    """Where a statement that the parser refuses is wrong."""
    if _UNFINISHED in message:
        return statement.problem(
            "policy ends here without `;`: close its brackets and end it", statement.tokens[-1]
        )
    tokens = statement.tokens
    refused = bisect_left(tokens, True, key=lambda token: _refused(statement, token))
    complete = refused >= len(tokens) - 1
    at = statement.find_any(message) if complete else tokens[refused]
    return statement.problem(message, at or tokens[min(refused, len(tokens) - 1)])


def _refused(statement: Statement, last: Token) -> bool:
    """Whether the parser stops at or before a token, and not because the text ends."""
    start = statement.tokens[0].start
    try:
        cedarpy.PolicySet.from_str(statement.source[start : last.end])
    except ValueError as error:
        return _UNFINISHED not in str(error)
    return False


def located(problems: Sequence[Problem]) -> tuple[Problem, ...]:
    """Problems in the order of their places, each once."""
    unique = dict.fromkeys(problems)
    return tuple(sorted(unique, key=lambda p: (p.file, p.line, p.column, p.message)))
