"""Statements other than SELECT: DESCRIBE and EXISTS of a plain name, SHOW of what there is.

SHOW never reaches the engine: it becomes a SELECT of the names that the role has.
"""

from collections.abc import Sequence

from auditspan.storage.errors import StatementRefused
from auditspan.storage.reading import refusals
from auditspan.storage.reading.allowed import lists
from auditspan.storage.reading.catalog import Catalog
from auditspan.storage.reading.lexer import Kind, Token, quoted_name, quoted_text
from auditspan.storage.reading.refusals import refused
from auditspan.storage.role_views import read_as

_NO_TABLE = "SELECT 0 AS result"


def described(found: Sequence[Token], catalog: Catalog) -> tuple[str, str]:
    """`DESCRIBE [TABLE] name` as it runs, and the view that it asks about."""
    database, name = _name(found, 1, ("table",), "DESCRIBE [TABLE] name")
    view = catalog.relation(database, name)
    read = read_as(view, "*")
    return f"DESCRIBE TABLE {quoted_name(catalog.database)}.{quoted_name(read)}", view


def existing(found: Sequence[Token], catalog: Catalog) -> tuple[str, str]:
    """`EXISTS [TABLE|VIEW] name` as it runs, and the view; that is empty if there is none."""
    database, name = _name(found, 1, ("table", "view"), "EXISTS [TABLE] name")
    try:
        view = catalog.relation(database, name)
    except StatementRefused:
        return _NO_TABLE, ""
    return f"EXISTS TABLE {quoted_name(catalog.database)}.{quoted_name(view)}", view


def shown(found: Sequence[Token], catalog: Catalog) -> str:
    """`SHOW TABLES [FROM database] [LIKE pattern]` or `SHOW DATABASES` as it runs."""
    words = [token.value.lower() if token.kind is Kind.WORD else "" for token in found]
    if words == ["show", "databases"]:
        return f"SELECT {quoted_text(catalog.base)} AS name"
    rest = list(found[2:]) if words[:2] == ["show", "tables"] else None
    names = [name for name in sorted(catalog.relations) if not name.startswith("system_")]
    if rest and rest[0].is_word("from", "in") and len(rest) > 1:
        names = _of_database(rest[1], catalog) or names
        rest = rest[2:]
    pattern = "%"
    if rest and rest[0].is_word("like") and len(rest) == 2 and rest[1].kind is Kind.TEXT:
        pattern, rest = rest[1].value, []
    if rest != []:
        raise refused("SHOW: expected SHOW TABLES [FROM name] [LIKE 'pattern'] or SHOW DATABASES")
    listed = ", ".join(quoted_text(name) for name in names)
    return f"SELECT arrayJoin([{listed}]) AS name WHERE name LIKE {quoted_text(pattern)}"


def _of_database(token: Token, catalog: Catalog) -> list[str]:
    """What `system` has for readers; nothing if it is the database of our views."""
    if token.value == "system":
        return [name for name in sorted(lists().system) if f"system_{name}" in catalog.relations]
    if token.value not in catalog.names:
        raise refusals.unknown("database", token.value, catalog.names, refusals.UNKNOWN_DATABASE)
    return []


def _name(found: Sequence[Token], at: int, words: tuple[str, ...], form: str) -> tuple[str, str]:
    """A database, which may be empty, and a name, which are all that is left."""
    if len(found) > at + 1 and found[at].is_word(*words):
        at += 1
    rest = found[at:]
    names = [token.value for token in rest if token.kind in (Kind.WORD, Kind.NAME)]
    if len(rest) == 1 and len(names) == 1:
        return "", names[0]
    if len(rest) == 3 and len(names) == 2 and rest[1].is_sign("."):
        return names[0], names[1]
    raise refused(f"expected {form} with a plain name", refusals.SYNTAX_ERROR)
