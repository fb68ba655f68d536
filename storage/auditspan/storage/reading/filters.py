"""Filters of a dashboard (`additional_table_filters`) as conditions in the statement itself.

The engine would parse the texts in that setting by itself. Here each is parsed and checked like any
other part of a statement: the table becomes `(SELECT * FROM table WHERE condition) AS table`.
"""

from collections.abc import Mapping

from sqlglot import exp

from auditspan.storage.reading import lexer, refusals
from auditspan.storage.reading.names import withs_around
from auditspan.storage.reading.parse import Parsed, parse, written
from auditspan.storage.reading.refusals import refused
from auditspan.storage.reading.spelling import respelled


def filtered(parsed: Parsed, filters: Mapping[str, str]) -> list[tuple[str, str]]:
    """Put the filters into the tree; gives each as it was sent and as it was understood."""
    compared: list[tuple[str, str]] = []
    for name, condition in filters.items():
        sent = f"SELECT 1 WHERE {condition}"
        one = parse(respelled(lexer.tokens(sent)))
        where = one.tree.args.get("where")
        if not isinstance(where, exp.Where) or set(_set(one.tree)) != {"expressions", "where"}:
            raise refused(f"filter of {name[:60]}: expected one condition", refusals.SYNTAX_ERROR)
        compared.append((sent, written(one.tree, one.texts, copy=True)))
        _moved(where, len(parsed.texts))
        parsed.texts.extend(one.texts)
        _apply(parsed.tree, name, where)
    return compared


def _set(tree: exp.Expr) -> list[str]:
    return [name for name, value in tree.args.items() if value not in (None, False, [])]


def _moved(where: exp.Expr, by: int) -> None:
    """Have the texts of a condition stand behind those of the statement."""
    for literal in where.find_all(exp.Literal):
        if literal.is_string:
            literal.set("this", f"s{int(literal.name[1:]) + by}")


def _apply(tree: exp.Query, name: str, where: exp.Expr) -> None:
    tables = [table for table in tree.find_all(exp.Table) if _is(table, name)]
    if not tables:
        raise refused(f"filter of {name[:60]}: the statement does not read it")
    for number, table in enumerate(tables):
        alias = table.args.get("alias") or exp.TableAlias(this=table.this.copy())
        if number:
            raise refused(f"filter of {name[:60]}: the statement reads it more than once")
        inner = table.copy()
        inner.set("alias", None)
        select = exp.Select(
            expressions=[exp.Star()], from_=exp.From(this=inner), where=where.copy()
        )
        table.replace(exp.Subquery(this=select, alias=alias.copy()))


def _is(table: exp.Table, name: str) -> bool:
    if not isinstance(table.this, exp.Identifier) or table.name in set(withs_around(table)):
        return False
    return name in (table.name, f"{table.db}.{table.name}")
