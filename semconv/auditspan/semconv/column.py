"""What a column of `audit_records` is; `columns.py` lists them."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Column:
    """One column of `audit_records`."""

    name: str
    """Public name."""
    type: str
    """ClickHouse type."""
    group: str
    """Integrity group, one of `GROUPS`, or `unsealed`; a computed column is in that of its maps."""
    attribute: str
    """Attribute that it holds, "" for a column that no attribute backs."""
    asserted_by: str
    """The least trusted party that may assert the attribute: client, guard, gateway or collector;
    "" without an attribute. `ASSERTED_BY` has all of them."""
    kind: str
    """`physical` or `alias`."""
    expression: str
    """SQL of an alias, "" for a physical column."""
    source: str
    """`otlp`, `envelope`, `attribute` (decode fills it, later stages may set it), `derived`, `seal`
    (filled when the record is sealed), `erasure` (filled later: when a group is erased, or a hold
    placed) or, for an alias, the maps that it is read from in their order."""
    section: str
    """Part of the record it belongs to, as the reference page is divided."""
    brief: str
    """One sentence."""
    content: bool
    """A reader does not see it."""
    shown: str
    """SQL of what a reader sees in its place, "" for its own value."""


@dataclass(frozen=True, slots=True)
class Group:
    """An integrity group: what is sealed, and can be erased, together."""

    name: str
    """Its name."""
    erasable: bool
    """Whether it can be erased."""
    brief: str
    """What stands in it."""
    columns: tuple[str, ...]
    """Its physical columns in their order."""


@dataclass(frozen=True, slots=True)
class Projection:
    """An attribute that becomes a column when a segment is decoded."""

    column: str
    """Public name of the column."""
    attribute: str
    """Attribute name."""
    type: str
    """ClickHouse type of the column."""
    resource: bool
    """Whether the attribute stands on the resource and not on the span."""
    expression: str
    """SQL over a map `m` of the attributes as text."""
