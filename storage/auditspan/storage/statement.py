"""Which format a statement names: our own programs' statements, where a client would append one."""

from itertools import pairwise

from auditspan.storage.errors import StatementRefused
from auditspan.storage.reading.lexer import Kind, tokens


def output_format(sql: str, default: str) -> str:
    """The format that the result of a statement has."""
    try:
        found = tokens(sql)
    except StatementRefused:
        # What is no statement names no format; whoever runs it says what is wrong with it.
        return default
    for word, following in pairwise(found):
        if word.is_word("format") and following.kind is Kind.WORD:
            default = following.value
    return default
