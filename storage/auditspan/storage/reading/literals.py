"""Which values a statement looks for in which columns: who asked about whom."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from sqlglot import exp

from auditspan.storage.reading.parse import Parsed


@dataclass(frozen=True, slots=True)
class Sought:
    """Values that are compared with columns by equality, IN or has()."""

    literals: Mapping[str, tuple[str, ...]]
    """By column, as `UserId` or `SpanAttributes['user.id']`."""
    bound: Mapping[str, tuple[str, ...]]
    """Names of parameters by column, whose values come with the request."""


def sought(parsed: Parsed) -> Sought:
    """What a tree compares."""
    literals: dict[str, dict[str, None]] = {}
    bound: dict[str, dict[str, None]] = {}
    for subject, value in _pairs(parsed):
        column = _column(subject, parsed)
        for leaf in value.walk() if column else ():
            if isinstance(leaf, exp.Placeholder):
                bound.setdefault(column, {})[leaf.name] = None
            elif isinstance(leaf, exp.Literal):
                text = parsed.text(leaf) if leaf.is_string else leaf.name
                literals.setdefault(column, {})[text] = None
    return Sought(
        {column: tuple(values) for column, values in literals.items()},
        {column: tuple(names) for column, names in bound.items()},
    )


def _pairs(parsed: Parsed) -> Iterator[tuple[exp.Expr, exp.Expr]]:
    for node in parsed.tree.walk():
        match node:
            case exp.EQ() | exp.NullSafeEQ():
                yield node.this, node.args["expression"]
                yield node.args["expression"], node.this
            case exp.In():
                for value in (*node.expressions, node.args.get("field")):
                    if isinstance(value, exp.Expr):
                        yield node.this, value
            case exp.Anonymous() if node.name.lower() in _HAS and len(node.expressions) == 2:
                yield node.expressions[0], node.expressions[1]
            case _:
                pass


_HAS = frozenset({"has", "hasany", "hasall", "equals"})


def _column(node: exp.Expr, parsed: Parsed) -> str:
    """The column's name without its table; empty if the node is none."""
    match node:
        case exp.Paren():
            return _column(node.this, parsed)
        case exp.Column() if not isinstance(node.this, exp.Star):
            return node.name
        case exp.Dot():
            return f"{_column(node.this, parsed)}.{node.name}"
        case exp.Bracket() if isinstance(key := node.expressions[0], exp.Literal):
            inside = _column(node.this, parsed)
            text = parsed.text(key) if key.is_string else key.name
            return f"{inside}[{text!r}]" if inside else ""
        case _:
            return ""
