"""The registry as the rows that the templates print."""

from collections.abc import Iterator
from dataclasses import replace

from generator.load import Registry
from generator.model import UNSEALED, Attribute, ColumnEntry
from generator.sql import alias_expression, typed

from auditspan.semconv.column import Column, Group, Projection

TRUST = ("client", "guard", "gateway", "collector")
"""Who asserts, the least trusted first."""


def physical(registry: Registry) -> list[Column]:
    """Physical columns in their order."""
    backed = {a.ours.column: (section, a) for section, a in _placed(registry)}
    made = []
    placed = [(group.name, name) for group in registry.columns.groups for name in group.columns]
    for group, name in [*placed, *((UNSEALED, name) for name in registry.columns.unsealed)]:
        if name in backed:
            section, attribute = backed[name]
            made.append(_of_attribute(attribute, section, "physical", ""))
        else:
            made.append(_plain(name, registry.columns.columns[name], group))
    return made


def _plain(name: str, entry: ColumnEntry, group: str) -> Column:
    return Column(
        name,
        entry.clickhouse,
        group,
        "",
        "",
        "physical",
        "",
        entry.source,
        "record",
        entry.brief,
        entry.content,
        "",
    )


def aliases(registry: Registry) -> list[Column]:
    """Computed columns in the order of the reference page."""
    made = [
        _of_attribute(
            attribute,
            section,
            "alias",
            alias_expression(attribute.key, attribute.ours.clickhouse, attribute.ours.read),
        )
        for section, attribute in _placed(registry)
        if attribute.ours.storage == "alias"
    ]
    plain = [
        replace(_plain(name, e, "maps"), kind="alias", expression=e.expression, source="otlp")
        for name, e in registry.columns.columns.items()
        if e.expression
    ]
    return [*plain, *made]


def groups(registry: Registry) -> list[Group]:
    """Integrity groups in their order."""
    return [Group(g.name, g.erasable, g.brief, g.columns) for g in registry.columns.groups]


def projections(registry: Registry) -> list[Projection]:
    """Columns that decode takes from attributes, in the order of the columns."""
    order = [name for group in registry.columns.groups for name in group.columns]
    found = [a for a in registry.attributes if a.ours.source == "attribute"]
    return [
        Projection(
            a.ours.column,
            a.key,
            a.ours.clickhouse,
            a.ours.scope == "resource",
            typed(f"m['{a.key}']", a.ours.clickhouse),
        )
        for a in sorted(found, key=lambda a: order.index(a.ours.column))
    ]


def readable_attributes(registry: Registry) -> list[str]:
    """Attributes whose values a reader sees as they are."""
    ours = [
        a.key for a in registry.attributes if not (a.ours.content or a.ours.shown or a.is_template)
    ]
    return sorted([*ours, *registry.columns.readers.attributes])


def asserted_by(registry: Registry) -> dict[str, tuple[str, ...]]:
    """Who may assert each attribute, and each reserved family."""
    families = {f"{name}.*": who for name, who in registry.columns.reserved.items()}
    return {**{a.written: a.ours.asserted_by for a in registry.attributes}, **families}


def _placed(registry: Registry) -> Iterator[tuple[str, Attribute]]:
    for section, attributes in registry.sections.items():
        yield from ((section, a) for a in attributes if a.ours.column)


def _of_attribute(attribute: Attribute, section: str, kind: str, expression: str) -> Column:
    ours = attribute.ours
    return Column(
        ours.column,
        ours.clickhouse,
        ours.group,
        attribute.key,
        min(ours.asserted_by, key=TRUST.index),
        kind,
        expression,
        ours.source or " ".join(ours.read),
        section,
        attribute.brief,
        ours.content,
        ours.shown,
    )
