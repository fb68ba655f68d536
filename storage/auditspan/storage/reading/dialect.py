"""sqlglot's ClickHouse dialect with its translations taken out.

sqlglot knows functions by meaning, so that it can say them in another dialect; here a call is its
name and its arguments, and comes out as it went in. What sqlglot has a form for and the engine has
not, or reads otherwise, is changed here or refused by the tree's allow-list.
"""

from collections.abc import Callable
from typing import Any, ClassVar

from sqlglot import exp
from sqlglot.dialects.clickhouse import ClickHouse
from sqlglot.generators.clickhouse import ClickHouseGenerator
from sqlglot.parsers.clickhouse import ClickHouseParser
from sqlglot.tokenizer_core import TokenType

LIMIT_BY = "limit_by"
"""The argument of a Select that holds `LIMIT n BY columns`; sqlglot has one LIMIT only."""


class ReadingParser(ClickHouseParser):
    """Parses what a reader may send."""

    MODIFIERS_ATTACHED_TO_SET_OP = False
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


class Reading(ClickHouse):
    """The dialect of the read gate."""

    class Tokenizer(ClickHouse.Tokenizer):
        """As ClickHouse's."""

    Parser = ReadingParser
    Generator = ReadingGenerator
