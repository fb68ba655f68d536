"""Checks a reader's statement and makes the one that runs.

1. The statement becomes tokens (`lexer`), loses FORMAT and SETTINGS (`tail`), and becomes a tree
(`parse`). 2. The tree is written down as it is, for the engine to compare with what was sent
(`engine_check`). 3. Every node is held against allow-lists (`tree`, `calls`) and every name is
resolved (`names`). 4. The tree is written down again: that runs. 5. It goes through the same once
more and has to come out unchanged.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Literal

from sqlglot import exp

from auditspan.storage.errors import StatementRefused
from auditspan.storage.reading import plain, refusals
from auditspan.storage.reading.allowed import lists
from auditspan.storage.reading.calls import check_node
from auditspan.storage.reading.catalog import Catalog
from auditspan.storage.reading.dialect import type_text
from auditspan.storage.reading.filters import filtered
from auditspan.storage.reading.lexer import Token, tokens
from auditspan.storage.reading.literals import sought
from auditspan.storage.reading.names import resolve
from auditspan.storage.reading.parse import parse, written
from auditspan.storage.reading.refusals import refused
from auditspan.storage.reading.spelling import respelled
from auditspan.storage.reading.tail import Split, split
from auditspan.storage.reading.tree import nodes

__all__ = ["Checked", "Kind", "StatementRefused", "checked"]

Kind = Literal["select", "describe", "exists", "probe"]
"""`probe` reads no view: what clients ask before they ask anything, and SHOW."""


@dataclass(frozen=True, slots=True)
class Checked:
    """A statement that may run."""

    sql: str
    """What runs: made by us, without FORMAT and SETTINGS, every relation a view of the role."""
    kind: Kind
    compared: tuple[tuple[str, str], ...] = ()
    """What was sent, without FORMAT and SETTINGS, and our tree of it written down before any name
    was resolved, and the same of each filter: the engine has to read both as one."""
    format: str = ""
    """The format that it names; empty if it names none."""
    settings: Mapping[str, str] = field(default_factory=dict)
    """Settings that it asks for; they are not checked yet."""
    tables: tuple[str, ...] = ()
    """Views that it reads."""
    withs: tuple[str, ...] = ()
    """Names that it gives to queries by WITH."""
    columns: tuple[str, ...] = ()
    """Names of columns in it, `*` for all of a view."""
    literals: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    """Values that it compares with columns by equality."""
    bound: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    """Parameters that it compares with columns by equality."""
    params: Mapping[str, str] = field(default_factory=dict)
    """Names of its parameters with their types."""


def checked(sql: str, catalog: Catalog) -> Checked:
    """What may run in the place of a statement. Raises `StatementRefused`."""
    found = tokens(sql)
    parts = split(found)
    format = _format(parts.format)
    first = parts.body[0]
    if first.is_word("select", "with") or first.is_sign("("):
        made = _select(parts, sql[first.start : parts.body[-1].end], catalog)
        _stable(made, catalog)
    else:
        made = _other(parts.body, catalog)
    return replace(made, format=format, settings=parts.settings)


def _format(name: str) -> str:
    known = lists().formats.get(name.lower(), "")
    if name and not known:
        raise refusals.unknown("format", name, lists().formats.values(), refusals.UNKNOWN_FORMAT)
    return known


def _select(parts: Split, sent: str, catalog: Catalog) -> Checked:
    parsed = parse(respelled(parts.body))
    # Nothing was sent where our own statement comes back.
    compared = [(sent, written(parsed.tree, parsed.texts, copy=True))] if sent else []
    compared += filtered(parsed, parts.filters)
    for node in list(nodes(parsed.tree)):
        check_node(node, parsed, catalog)
    names = resolve(parsed.tree, catalog)
    values = sought(parsed)
    made = Checked(
        sql="",
        kind="select" if names.tables else "probe",
        compared=tuple(compared),
        tables=tuple(names.tables),
        withs=tuple(cte.alias for cte in parsed.tree.find_all(exp.CTE)),
        columns=tuple(names.columns),
        literals=values.literals,
        bound=values.bound,
        params={
            node.name: type_text(node.args["kind"])
            for node in parsed.tree.find_all(exp.Placeholder)
        },
    )
    return replace(made, sql=written(parsed.tree, parsed.texts))


def _stable(made: Checked, catalog: Catalog) -> None:
    again = _select(Split(tokens(made.sql)), "", catalog)
    if again.sql != made.sql:
        raise refused("reads differently the second time, write it in a simpler way")


def _other(body: Sequence[Token], catalog: Catalog) -> Checked:
    first = body[0]
    if first.is_word("describe", "desc"):
        sql, view = plain.described(body, catalog)
        return Checked(sql, "describe", tables=(view,))
    if first.is_word("exists"):
        sql, view = plain.existing(body, catalog)
        return Checked(sql, "exists", tables=(view,) if view else ())
    if first.is_word("show"):
        return Checked(plain.shown(body, catalog), "probe")
    raise refused(
        f"begins with {first.value[:40].lower()}, expected SELECT, WITH, DESCRIBE, EXISTS or "
        "SHOW TABLES",
        refusals.READONLY if first.value.isalpha() else refusals.SYNTAX_ERROR,
    )
