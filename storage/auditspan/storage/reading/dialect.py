"""sqlglot's ClickHouse dialect with its translations taken out.

sqlglot knows functions by meaning, so that it can say them in another dialect; here a call is its
name and its arguments, and comes out as it went in. What sqlglot has a form for and the engine has
not, or reads otherwise, is changed here or refused by the tree's allow-list.
"""

from collections.abc import Callable
from typing import Any, ClassVar, Final

from sqlglot import exp
from sqlglot.dialects.clickhouse import ClickHouse
from sqlglot.generators.clickhouse import ClickHouseGenerator
from sqlglot.parsers.clickhouse import ClickHouseParser
from sqlglot.tokenizer_core import TokenType

LIMIT_BY: Final = "limit_by"
"""The argument of a Select that holds `LIMIT n BY columns`; sqlglot has one LIMIT only."""

_INFIX, _SPELLED = "infix", "spelled"


def type_text(kind: exp.DataType) -> str:
    """A type as it was written."""
    return str(kind.meta[_SPELLED])


class ReadingParser(ClickHouseParser):
    """Parses what a reader may send."""

    # ORDER BY and LIMIT behind a UNION belong to its last SELECT.
    MODIFIERS_ATTACHED_TO_SET_OP = False
    JOINS_HAVE_EQUAL_PRECEDENCE = False
    FUNCTIONS: ClassVar[dict[str, Callable[..., Any]]] = {}
    FUNCTION_PARSERS: ClassVar[dict[str, Callable[..., Any]]] = {
        name: ClickHouseParser.FUNCTION_PARSERS[name] for name in ("CAST", "COLUMNS")
    }
    NO_PAREN_FUNCTIONS: ClassVar[dict[TokenType, Any]] = {}
    NO_PAREN_FUNCTION_PARSERS: ClassVar[dict[str, Any]] = {
        "CASE": ClickHouseParser.NO_PAREN_FUNCTION_PARSERS["CASE"]
    }
    QUERY_MODIFIER_PARSERS: ClassVar[dict[TokenType, Any]] = {
        **{
            kind: parse
            for kind, parse in ClickHouseParser.QUERY_MODIFIER_PARSERS.items()
            if kind not in (TokenType.SETTINGS, TokenType.FORMAT)
        },
        TokenType.LIMIT: lambda self: self._limit(),
    }

    def _limit(self) -> tuple[str, exp.Expr | None]:
        limit = self._parse_limit()
        by = isinstance(limit, exp.Limit) and limit.args.get("expressions")
        return (LIMIT_BY if by else "limit"), limit

    def _negate_range(self, this: exp.Expr | None = None) -> exp.Expr | None:
        """`x NOT IN …` is not `NOT (x IN …)` to who compares the two."""
        negated = super()._negate_range(this)
        if isinstance(negated, exp.Not):
            negated.meta[_INFIX] = True
        return negated

    def _parse_in(self, this: exp.Expr | None, alias: bool = False) -> exp.In:
        """`x IN [1, 2]` is an array and no list."""
        if not self._match(TokenType.L_BRACKET, advance=False):
            return super()._parse_in(this, alias)
        return self.expression(exp.In(this=this, field=self._parse_bitwise()))

    def _parse_types(
        self,
        check_func: bool = False,
        schema: bool = False,
        allow_identifiers: bool = True,
        with_collation: bool = False,
    ) -> exp.Expr | None:
        """A type keeps its spelling, which sqlglot would replace by its own."""
        first = self._curr
        kind = super()._parse_types(check_func, schema, allow_identifiers, with_collation)
        if isinstance(kind, exp.DataType):
            kind.meta[_SPELLED] = self._find_sql(first, self._prev)
        return kind


class ReadingGenerator(ClickHouseGenerator):
    """Writes the tree as the engine reads it."""

    def offset_limit_modifiers(
        self, expression: exp.Expr, fetch: bool, limit: exp.Fetch | exp.Limit | None
    ) -> list[str]:
        """LIMIT BY comes before LIMIT."""
        rest = super().offset_limit_modifiers(expression, fetch, limit)
        return [self.sql(expression, LIMIT_BY), *rest]

    def interval_sql(self, expression: exp.Interval) -> str:
        """A number stays one; sqlglot makes a text of it."""
        value = expression.this
        number = isinstance(value, exp.Literal) and value.is_string and value.name.isdigit()
        text = value.name if number else self.sql(value)
        if not isinstance(value, (exp.Literal, exp.Column, exp.Paren, exp.Placeholder)):
            text = f"({text})"
        return f"INTERVAL {text} {self.sql(expression, 'unit')}"

    def datatype_sql(self, expression: exp.DataType) -> str:
        """The type as it was written."""
        return type_text(expression)

    def if_sql(self, expression: exp.If) -> str:
        """`a ? b : c`, which is a function to the engine; a CASE writes its own branches."""
        return self.func("if", *(expression.args.get(part) for part in ("this", "true", "false")))

    def not_sql(self, expression: exp.Not) -> str:
        """A NOT that stood inside its operator stays there."""
        inside = expression.this
        if expression.meta.get(_INFIX) and isinstance(inside, (exp.In, exp.Between)):
            return self.sql(inside)
        return f"NOT {self.sql(expression, 'this')}"

    def in_sql(self, expression: exp.In) -> str:
        """Every form of IN, with the NOT of its parent."""
        right = self.sql(expression, "query") or self.sql(expression, "field")
        right = right or f"({self.expressions(expression, flat=True)})"
        word = "GLOBAL " if expression.args.get("is_global") else ""
        return f"{self.sql(expression, 'this')} {word}{_not(expression)}IN {right}"

    def between_sql(self, expression: exp.Between) -> str:
        """BETWEEN, with the NOT of its parent."""
        low, high = (self.sql(expression, part) for part in ("low", "high"))
        return f"{self.sql(expression, 'this')} {_not(expression)}BETWEEN {low} AND {high}"


def _not(expression: exp.Expr) -> str:
    around = expression.parent
    negated = isinstance(around, exp.Not) and around.meta.get(_INFIX)
    return "NOT " if negated or _global(expression, around) else ""


def _global(expression: exp.Expr, around: exp.Expr | None) -> bool:
    """sqlglot makes a NOT around `x GLOBAL NOT IN …` without asking us."""
    return isinstance(around, exp.Not) and bool(expression.args.get("is_global"))


class Reading(ClickHouse):
    """The dialect of the read gate."""

    NORMALIZE_NOT_NULL = False

    class Tokenizer(ClickHouse.Tokenizer):
        """As ClickHouse's."""

    Parser = ReadingParser
    Generator = ReadingGenerator
