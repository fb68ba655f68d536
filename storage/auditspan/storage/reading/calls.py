"""Functions, types, lambdas and the right sides of IN: what a node of the tree says by itself."""

from collections.abc import Sequence
from typing import Final

from sqlglot import exp

from auditspan.storage.reading import refusals
from auditspan.storage.reading.allowed import functions
from auditspan.storage.reading.catalog import Catalog
from auditspan.storage.reading.dialect import type_text
from auditspan.storage.reading.names import withs_around
from auditspan.storage.reading.parse import Parsed
from auditspan.storage.reading.refusals import refused
from auditspan.storage.reading.types import check_type

_CALLS: Final = (
    exp.Anonymous,
    exp.AnonymousAggFunc,
    exp.CombinedAggFunc,
    exp.ParameterizedAgg,
    exp.CombinedParameterizedAgg,
)
_UNITS: Final = frozenset(
    {
        *("NANOSECOND", "MICROSECOND", "MILLISECOND", "SECOND", "MINUTE", "HOUR", "DAY", "WEEK"),
        *("MONTH", "QUARTER", "YEAR"),
    }
)


def check_node(node: exp.Expr, parsed: Parsed, catalog: Catalog) -> None:
    """Raise `StatementRefused` if a node may not stand in a reader's statement."""
    match node:
        case exp.Anonymous() if isinstance(node.parent, exp.Table):
            pass  # names.py resolves relations
        case _ if isinstance(node, _CALLS):
            _call(node, parsed, catalog)
        case exp.Cast():
            check_type(type_text(node.args["to"]))
        case exp.CastToStrType():
            _type_text(node.args["to"], parsed, "CAST")
        case exp.Placeholder():
            _parameter(node)
        case exp.Interval():
            _interval(node)
        case exp.In():
            _in(node)
        case exp.Dot() | exp.Columns():
            _member(node)
        case exp.Lambda():
            _lambda(node)
        case exp.Var() if not isinstance(node.parent, (exp.Interval, exp.Placeholder)):
            raise refused(f"{node.name[:40]!r} is no name of a column here")
        case _:
            pass


def _call(node: exp.Expr, parsed: Parsed, catalog: Catalog) -> None:
    name = node.name
    if not functions().callable(name):
        if name in catalog.refused:
            raise refused(f"{name[:60]}() is not for readers", refusals.ACCESS_DENIED)
        known = functions().plain | functions().aggregates | functions().windows
        raise refusals.unknown("function", name, known, refusals.UNKNOWN_FUNCTION)
    place = functions().typed.get(name.lower())
    if place is not None:
        arguments = node.expressions
        at = place - 1 if place > 0 else len(arguments) + place
        if len(arguments) < 2 or at >= len(arguments):
            raise refused(f"{name}(): expected the name of a type as a quoted text")
        _type_text(arguments[at], parsed, name)
    written = (exp.Array, exp.Placeholder)
    if name.lower() in functions().paired and not any(
        isinstance(a, written) for a in node.expressions
    ):
        raise refused(f"{name}(): expected one of the lists as [value, …] or a parameter")


def _type_text(argument: exp.Expr, parsed: Parsed, name: str) -> None:
    if not isinstance(argument, exp.Literal) or not argument.is_string:
        raise refused(f"{name}(): expected the name of a type as a quoted text")
    check_type(parsed.text(argument))


def _parameter(node: exp.Placeholder) -> None:
    kind = node.args.get("kind")
    if not node.name or not isinstance(kind, exp.DataType):
        raise refused(f"parameter {node.name[:40]!r}: expected {{name:Type}} of a value")
    check_type(type_text(kind))


def _interval(node: exp.Interval) -> None:
    unit = node.args.get("unit")
    if not isinstance(unit, exp.Var) or unit.name.upper().removesuffix("S") not in _UNITS:
        raise refused("INTERVAL: expected a number and a unit, as INTERVAL 7 DAY")


def _member(node: exp.Dot | exp.Columns) -> None:
    part = node.args["expression"] if isinstance(node, exp.Dot) else node.this
    if isinstance(node, exp.Columns):
        if not isinstance(part, exp.Literal):
            raise refused("COLUMNS(): expected one quoted pattern")
    elif not isinstance(part, (exp.Identifier, exp.Literal)):
        raise refused("a dot stands before the name or number of a member")


def _lambda(node: exp.Lambda) -> None:
    if not isinstance(node.parent, _CALLS) or not all(
        isinstance(argument, exp.Identifier) for argument in node.expressions
    ):
        raise refused("x -> … stands as an argument of a function alone")


def _in(node: exp.In) -> None:
    """The right side is a list of values, a parameter, a sub-query, or one that WITH names."""
    field = node.args.get("field")
    if isinstance(field, exp.Column) and not field.table and field.name in withs_around(node):
        table = exp.Table(this=field.this.copy())
        select = exp.Select(expressions=[exp.Star()], from_=exp.From(this=table))
        node.set("field", None)
        node.set("query", exp.Subquery(this=select))
        return
    values: Sequence[exp.Expr] = [*node.expressions, *([field] if field else [])]
    for value in values:
        named = next((n for n in value.walk(prune=_is_query) if isinstance(n, exp.Column)), None)
        if named is not None:
            raise refused(
                f"IN {named.sql()[:60]}: its right side is a list of values, a parameter, a "
                "sub-select or a name of WITH; write IN (SELECT …)"
            )
    query = node.args.get("query")
    if query is not None and not isinstance(query, (exp.Subquery, exp.Query)):
        raise refused("IN: expected a list of values or a sub-select")


def _is_query(node: exp.Expr) -> bool:
    return isinstance(node, exp.Query)
