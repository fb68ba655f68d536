"""Resolves names: relations to the role's views, columns and functions to what a reader may name.

1. A relation is one of the role's views, a name that WITH gives in a query around it, a sub-query,
or a function that counts. A name of WITH may not be one of a view, so that no scope can turn one
into the other. 2. A column begins with a name that some view has as a column or that the statement
itself gives, and is never the name of a function that readers may not call: the engine takes a bare
name as a function where one is expected.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Final

from sqlglot import exp

from auditspan.storage.reading import refusals
from auditspan.storage.reading.allowed import lists
from auditspan.storage.reading.catalog import Catalog
from auditspan.storage.reading.refusals import refused
from auditspan.storage.role_views import cheapest, read_as

_UNITS: Final = frozenset(
    {
        *("nanosecond", "microsecond", "millisecond", "second", "minute", "hour", "day", "week"),
        *("month", "quarter", "year"),
    }
)
_COUNTS: Final = frozenset({"count", "countif"})
"""What takes `*` for the number of rows."""
_CONSTANTS: Final = frozenset({"inf", "nan"})


@dataclass(slots=True)
class Names:
    """What a statement names, as it is found."""

    tables: dict[str, None] = field(default_factory=dict)
    """Views that it reads."""
    columns: dict[str, None] = field(default_factory=dict)
    """Columns of views that it names; `*` if it takes all."""
    words: frozenset[str] = frozenset()
    """Every name in it, of whatever it is one."""
    owners: frozenset[str] = frozenset()
    """Names of relations that stand before a column."""


def resolve(tree: exp.Query, catalog: Catalog) -> Names:
    """Put the role's views in the place of relations, and check every other name."""
    columns = list(tree.find_all(exp.Column))
    for column in columns:
        _by_alias(column, catalog)
    names = Names(
        words=frozenset(word.name for word in tree.find_all(exp.Identifier)),
        owners=frozenset(column.table for column in columns),
    )
    _withs(tree, catalog)
    own = _own_names(tree)
    known = own | _roots(catalog)
    for column in columns:
        _column(column, catalog, known, names)
    if _takes_all(tree):
        names.columns["*"] = None
    for table in list(tree.find_all(exp.Table)):
        _relation(table, catalog, names)
    return names


def _takes_all(tree: exp.Query) -> bool:
    """Whether it takes columns of a view without naming them: `*`, `t.*`, COLUMNS('pattern')."""
    return any(
        _has_name(node) or _reads_view(node.find_ancestor(exp.Select))
        for node in tree.find_all(exp.Star, exp.Columns)
        if not _counts_rows(node)
    )


def _counts_rows(node: exp.Expr) -> bool:
    """Whether it is the `*` of `count(*)`; any other aggregate is given the columns."""
    plain = isinstance(node, exp.Star) and not any(node.args.values())
    return plain and node.parent is not None and node.parent.name.lower() in _COUNTS


def _has_name(node: exp.Expr) -> bool:
    """Whether it is part of what has a name: the engine takes the columns of the relations where
    that name is used, which may be a query inside."""
    around = node.find_ancestor(exp.Alias, exp.CTE, exp.Select)
    return isinstance(around, (exp.Alias, exp.CTE))


def _reads_view(select: exp.Select | None) -> bool:
    """Whether a relation stands in its own FROM and JOIN that is not one of WITH."""
    return select is not None and any(
        source.name not in set(withs_around(source)) for source in _sources(select)
    )


def _sources(select: exp.Select) -> list[exp.Table]:
    """The relations with a name in its own FROM and JOIN."""
    given = select.args.get("from_")
    joined = [join.this for join in select.args.get("joins") or ()]
    sources = [given.this, *joined] if given is not None else joined
    return [source for source in sources if isinstance(source, exp.Table)]


def _relation(table: exp.Table, catalog: Catalog, names: Names) -> None:
    if isinstance(table.this, exp.Anonymous):
        _row_function(table)
        return
    database, name = table.db, table.name
    if not isinstance(table.this, exp.Identifier):
        raise refused("a relation is a name, a sub-query or a function that counts")
    if not database and name in withs_around(table):
        return
    view = catalog.relation(database, name)
    names.tables[view] = None
    made = _read(view, table.alias or name, catalog, names)
    alias = table.args.get("alias") or exp.TableAlias(this=exp.to_identifier(name, quoted=True))
    table.set("this", exp.to_identifier(made, quoted=True))
    table.set("db", exp.to_identifier(catalog.database, quoted=True))
    table.set("alias", alias)
    if made != view and made in names.owners - {table.alias}:
        _hide(table, made, alias)


def _hide(table: exp.Table, made: str, alias: exp.TableAlias) -> None:
    """Put a query in the place of a view that was not named: a relation of the reader's own bears
    its name, and the engine would know both by it."""
    own = exp.TableAlias(this=exp.to_identifier(made, quoted=True))
    inner = exp.Table(this=table.this.copy(), db=table.args["db"].copy(), alias=own)
    select = exp.Select(expressions=[exp.Star()], from_=exp.From(this=inner))
    table.replace(exp.Subquery(this=select, alias=alias.copy()))


def _read(view: str, alias: str, catalog: Catalog, names: Names) -> str:
    """The view that is read for a name. The engine knows a relation by its own name beside its
    alias, and in a query inside before one around it: that has to stay what was sent."""
    wide = read_as(view, names.columns)
    made = cheapest(wide, names.words, catalog.relations)
    return wide if names.owners & ({wide, made} - {alias}) else made


def _row_function(table: exp.Table) -> None:
    call = table.this
    allowed = lists().row_functions
    if call.name.lower() not in allowed.names or table.args.get("db"):
        raise refused(
            f"calls {call.name[:60]}() in place of a table, which reaches outside the store or is "
            f"none of ours; readers have "
            f"{', '.join(sorted(allowed.names))}",
            refusals.ACCESS_DENIED,
        )
    for argument in call.expressions:
        number = isinstance(argument, exp.Literal) and not argument.is_string
        if not number or not argument.name.isdigit() or int(argument.name) > allowed.most:
            raise refused(
                f"{call.name}(): expected whole numbers up to {allowed.most}",
                refusals.ACCESS_DENIED,
            )


def _withs(tree: exp.Query, catalog: Catalog) -> None:
    """Check the names that WITH gives to queries."""
    for cte in tree.find_all(exp.CTE):
        if cte.args.get("scalar"):
            continue
        name = cte.alias
        if name in catalog.relations or name in lists().relations:
            raise refused(f"WITH {name[:60]}: that is the name of a view, give it another one")


def withs_around(node: exp.Expr) -> Iterator[str]:
    """Names that WITH gives to queries where a node stands."""
    inside, around = node, node.parent
    while around is not None:
        given = around.args.get("with_")
        if isinstance(around, exp.With):
            # A query sees those before it, and itself if the WITH is recursive.
            seen = around.expressions.index(inside) + bool(around.args.get("recursive"))
            yield from _queries(around.expressions[:seen])
        elif isinstance(given, exp.With) and given is not inside:
            yield from _queries(given.expressions)
        inside, around = around, around.parent


def _queries(ctes: Sequence[exp.Expr]) -> Iterator[str]:
    return (cte.alias for cte in ctes if not cte.args.get("scalar"))


def _own_names(tree: exp.Query) -> frozenset[str]:
    """Names that the statement gives itself: aliases, and arguments of lambdas."""
    own: set[str] = set()
    for node in tree.find_all(exp.Alias, exp.TableAlias, exp.Table, exp.Lambda, exp.CTE):
        if isinstance(node, exp.Lambda):
            own.update(argument.name for argument in node.expressions)
        else:
            own.add(node.alias_or_name)
    return frozenset(own | _of_row_functions(tree))


def _of_row_functions(tree: exp.Query) -> set[str]:
    called = any(isinstance(table.this, exp.Anonymous) for table in tree.find_all(exp.Table))
    return {"number", "zero", "generate_series"} if called else set()


def _roots(catalog: Catalog) -> frozenset[str]:
    return frozenset(
        root
        for columns in catalog.relations.values()
        for name in columns
        for root in (name, name.partition(".")[0])
    )


def _by_alias(column: exp.Column, catalog: Catalog) -> None:
    """Name the alias of a relation that a column names as `database.relation` although it has one.

    The JDBC driver asks so, and the engine knows both; our view in its place has another name.
    """
    select = column.find_ancestor(exp.Select) if column.db in catalog.databases else None
    if select is None:
        return
    aliases = [
        source.alias
        for source in _sources(select)
        if (source.db, source.name) == (column.db, column.table)
    ]
    # Of a relation that is joined with itself it may be either one.
    if len(aliases) == 1 and aliases[0]:
        column.set("table", exp.to_identifier(aliases[0], quoted=True))
        column.set("db", None)


def _column(column: exp.Column, catalog: Catalog, known: frozenset[str], names: Names) -> None:
    if column.db:
        if column.db not in catalog.databases:
            raise refusals.unknown("column", column.sql()[:80], (), refusals.UNKNOWN_COLUMN)
        column.set("db", None)
    if isinstance(column.this, exp.Star):
        return
    root = column.table or column.name
    alone = not column.table and not isinstance(column.parent, exp.Dot)
    if alone and root in catalog.refused:
        raise refused(
            f"{root[:60]!r} names a function that readers may not call; to name a "
            "column, write its table before it",
            refusals.ACCESS_DENIED,
        )
    all_ = isinstance(column.parent, exp.Ordered) and root.upper() == "ALL"
    if root not in known and root.lower() not in _UNITS | _CONSTANTS and not all_:
        raise refusals.unknown("column", root, known, refusals.UNKNOWN_COLUMN)
    names.columns[column.name] = None
