"""What a tree may be made of: kinds of nodes, each with the parts that it may have.

What is not in this list is refused, as is a part of a listed node that is not listed with it: a
kind of join, a clause, an option that a later version of the parser learns is refused until it is
here.
"""

from collections.abc import Iterator
from typing import Final

from sqlglot import exp

from auditspan.storage.reading.dialect import LIMIT_BY
from auditspan.storage.reading.refusals import refused

_BINARY: Final = frozenset({"this", "expression"})
_CALL: Final = frozenset({"this", "expressions"})
_JOIN_SIDES: Final = frozenset({"", "LEFT", "RIGHT", "FULL"})
_JOIN_KINDS: Final = frozenset(
    {"", "INNER", "OUTER", "CROSS", "SEMI", "ANTI", "ANY", "ALL", "ASOF", "ARRAY"}
)

NODES: Final[dict[type[exp.Expr], frozenset[str]]] = {
    # Queries
    exp.Select: frozenset(
        {
            *("with_", "expressions", "distinct", "from_", "joins", "where", "group", "having"),
            *("windows", "qualify", "order", LIMIT_BY, "limit", "offset"),
        }
    ),
    exp.Union: frozenset({"with_", "this", "expression", "distinct"}),
    exp.Intersect: frozenset({"with_", "this", "expression", "distinct"}),
    exp.Except: frozenset({"with_", "this", "expression", "distinct"}),
    exp.Subquery: frozenset({"this", "alias"}),
    exp.With: frozenset({"expressions", "recursive"}),
    exp.CTE: frozenset({"this", "alias", "scalar"}),
    # Relations
    exp.From: frozenset({"this"}),
    exp.Table: frozenset({"this", "db", "alias"}),
    exp.TableAlias: frozenset({"this"}),
    exp.Join: frozenset({"this", "on", "using", "side", "kind", "global_"}),
    # Clauses
    exp.Where: frozenset({"this"}),
    exp.Having: frozenset({"this"}),
    exp.Qualify: frozenset({"this"}),
    exp.Group: frozenset({"expressions", "all", "totals", "rollup", "cube", "grouping_sets"}),
    exp.GroupingSets: frozenset({"expressions"}),
    exp.Rollup: frozenset({"expressions"}),
    exp.Cube: frozenset({"expressions"}),
    exp.Order: frozenset({"expressions", "interpolate"}),
    exp.Ordered: frozenset({"this", "desc", "nulls_first", "with_fill"}),
    exp.WithFill: frozenset({"from_", "to", "step", "interpolate"}),
    exp.Limit: frozenset({"expression", "expressions", "limit_options", "offset"}),
    exp.LimitOptions: frozenset({"with_ties"}),
    exp.Offset: frozenset({"expression", "expressions"}),
    exp.Distinct: frozenset({"expressions", "on"}),
    # Names and values
    exp.Identifier: frozenset({"this", "quoted"}),
    exp.Column: frozenset({"this", "table", "db"}),
    exp.Dot: _BINARY,
    exp.Star: frozenset({"except_", "replace"}),
    exp.Columns: frozenset({"this"}),
    exp.Alias: frozenset({"this", "alias"}),
    exp.Literal: frozenset({"this", "is_string"}),
    exp.Boolean: frozenset({"this"}),
    exp.Null: frozenset(),
    exp.HexString: frozenset({"this", "is_integer"}),
    exp.BitString: frozenset({"this"}),
    exp.Placeholder: frozenset({"this", "kind"}),
    exp.Paren: frozenset({"this"}),
    exp.Tuple: frozenset({"expressions"}),
    exp.Array: frozenset({"expressions", "bracket_notation"}),
    exp.Bracket: frozenset({"this", "expressions", "offset"}),
    exp.Interval: frozenset({"this", "unit"}),
    exp.Var: frozenset({"this"}),
    # Calls
    exp.Anonymous: _CALL,
    exp.AnonymousAggFunc: _CALL,
    exp.CombinedAggFunc: _CALL,
    exp.ParameterizedAgg: frozenset({"this", "expressions", "params"}),
    exp.CombinedParameterizedAgg: frozenset({"this", "expressions", "params"}),
    exp.Lambda: frozenset({"this", "expressions"}),
    exp.Filter: _BINARY,
    exp.RespectNulls: frozenset({"this"}),
    exp.IgnoreNulls: frozenset({"this"}),
    exp.Window: frozenset({"this", "partition_by", "order", "spec", "alias", "over"}),
    exp.WindowSpec: frozenset({"kind", "start", "start_side", "end", "end_side"}),
    exp.Case: frozenset({"this", "ifs", "default"}),
    exp.If: frozenset({"this", "true", "false"}),
    exp.Exists: frozenset({"this"}),
    # Types
    exp.Cast: frozenset({"this", "to"}),
    exp.CastToStrType: frozenset({"this", "to"}),
    exp.DataType: frozenset({"this", "expressions", "nested", "nullable", "kind"}),
    exp.DataTypeParam: frozenset({"this"}),
    exp.ColumnDef: frozenset({"this", "kind"}),
    # Operators
    exp.And: _BINARY,
    exp.Or: _BINARY,
    exp.Xor: frozenset({"this", "expression", "expressions"}),
    exp.Not: frozenset({"this"}),
    exp.Neg: frozenset({"this"}),
    exp.Add: _BINARY,
    exp.Sub: _BINARY,
    exp.Mul: _BINARY,
    exp.Div: frozenset({"this", "expression", "typed", "safe"}),
    exp.IntDiv: _BINARY,
    exp.Mod: _BINARY,
    exp.DPipe: frozenset({"this", "expression", "safe"}),
    exp.EQ: _BINARY,
    exp.NEQ: _BINARY,
    exp.GT: _BINARY,
    exp.GTE: _BINARY,
    exp.LT: _BINARY,
    exp.LTE: _BINARY,
    exp.NullSafeEQ: _BINARY,
    exp.NullSafeNEQ: _BINARY,
    exp.Is: frozenset({"this", "expression", "negate"}),
    exp.Like: frozenset({"this", "expression", "negate"}),
    exp.ILike: frozenset({"this", "expression", "negate"}),
    exp.RegexpLike: _BINARY,
    exp.Escape: _BINARY,
    exp.Between: frozenset({"this", "low", "high"}),
    exp.In: frozenset({"this", "expressions", "query", "field", "is_global"}),
}

_SAID: Final = {
    "prewhere": "PREWHERE, which the views have no use for; write WHERE",
    "sample": "SAMPLE, which the views do not know",
    "laterals": "LATERAL",
    "catalog": "a name of more than two parts",
    "into": "INTO",
    "settings": "SETTINGS within a sub-query",
    "columns": "names of columns behind the alias of a relation; name them inside it",
    "final": "FINAL, which the views do not know",
    "hint": "a hint",
}


def nodes(tree: exp.Expr) -> Iterator[exp.Expr]:
    """Every node of a tree, each checked before it is given."""
    for node in tree.walk():
        parts = NODES.get(type(node))
        if parts is None:
            raise refused(f"{_name(node)} is not for readers")
        for part, value in node.args.items():
            if part not in parts and value not in (None, False, [], ""):
                raise refused(f"holds {_SAID.get(part, f'{_name(node)} with {part!r}')}")
        if isinstance(node, exp.Join):
            _join(node)
        yield node


def _join(join: exp.Join) -> None:
    side, kind = str(join.args.get("side") or ""), str(join.args.get("kind") or "")
    if side.upper() not in _JOIN_SIDES or kind.upper() not in _JOIN_KINDS:
        raise refused(f"{f'{side} {kind}'.strip()} JOIN is not for readers")


def _name(node: exp.Expr) -> str:
    said: dict[type[exp.Expr], str] = {
        exp.Final: "FINAL",
        exp.TableSample: "SAMPLE",
        exp.Apply: "APPLY",
        exp.Command: "this",
    }
    kind: type[exp.Expr] = type(node)
    return said.get(kind, kind.__name__.upper())
