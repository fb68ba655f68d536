"""What a reader's statement may be: one SELECT or one question about the schema.

The engine refuses writes on a read-only connection; it does not refuse everything that reaches
outside (`INTO OUTFILE`, the function `file()`, a second statement in the same text). This looks at
the statement's words with texts and comments taken out. It is a second wall: the first is that the
engine process cannot open what it must not read.
"""

import re
from itertools import pairwise

from auditspan.storage.errors import StatementRefused

_TOKEN = re.compile(
    r"""(?P<space>\s+|--[^\n]*|\#[ !][^\n]*|/\*.*?\*/)
    |(?P<text>'(?:[^'\\]|\\.|'')*')
    |(?P<name>`(?:[^`\\]|\\.|``)*`|"(?:[^"\\]|\\.|"")*")
    |(?P<word>[^\W\d]\w*)
    |(?P<heredoc>\$\w*\$)
    |(?P<other>.)""",
    re.X | re.S,
)
_FIRST = frozenset({"select", "with", "show", "describe", "desc", "explain", "exists", "("})
_OUTSIDE = re.compile(
    r"(file|url|remote|remotesecure|cluster|clusterallreplicas|executable|input|python|sqlite|mysql"
    r"|postgresql|mongodb|redis|jdbc|odbc|gcs|oss|cosn|paimon|ytsaurus|arrowflight|loop"
    r"|(s3|hdfs|azureblobstorage|iceberg|deltalake|hudi|url|file|paimon)\w*|catboost\w*)"
)
_WRITES = frozenset(
    {
        *("insert", "alter", "create", "drop", "truncate", "rename", "exchange", "attach"),
        *("detach", "delete", "update", "optimize", "system", "kill", "set", "use", "grant"),
        *("revoke", "move", "backup", "restore", "undrop", "copy", "execute", "begin", "commit"),
    }
)
_READONLY, _SYNTAX_ERROR = 164, 62

PLACEHOLDER = re.compile(r"\{\s*(\w+)\s*:\s*([^{}]+)\}")
"""A `{name:Type}` parameter in a statement."""


def readable(sql: str) -> str:
    """The statement without a closing semicolon, or `StatementRefused`."""
    sql = sql.strip()
    words = _words(sql)
    while words and words[-1] == ";":
        words.pop()
        sql = sql[: sql.rindex(";")].rstrip() if sql.endswith(";") else sql
    if not words:
        raise StatementRefused("statement: empty, expected a SELECT", 62)
    if words[0] not in _FIRST:
        raise _refused(
            f"begins with {words[0]}, expected one of {', '.join(sorted(_FIRST))}",
            _READONLY if words[0] in _WRITES else _SYNTAX_ERROR,
        )
    if ";" in words:
        raise _refused("holds more than one statement, send them one by one")
    for word, following in zip(words, [*words[1:], ""], strict=True):
        if word == "into" and following == "outfile":
            raise _refused("writes a file with INTO OUTFILE, which readers may not")
        if following == "(" and _OUTSIDE.fullmatch(word):
            raise _refused(f"calls {word}(), which reaches outside the store")
    return sql


def output_format(sql: str, default: str) -> str:
    """The format that the result of a statement has."""
    words = [word for word in _TOKEN.finditer(sql) if word.lastgroup != "space"]
    for word, following in pairwise(words):
        if word["word"] and word["word"].lower() == "format" and following["word"]:
            default = following["word"]
    return default


def _words(sql: str) -> list[str]:
    """The statement in lower case, texts and comments left out; names without their quotes."""
    words = []
    for token in _TOKEN.finditer(sql):
        if token.lastgroup == "heredoc":
            raise _refused("holds a $heredoc$, write it as a quoted text")
        if token.lastgroup == "name":
            words.append(token[0][1:-1].lower())
        elif token.lastgroup not in ("space", "text"):
            words.append(token[0].lower())
    return words


def _refused(why: str, code: int = _READONLY) -> StatementRefused:
    return StatementRefused(f"statement: {why}", code)
