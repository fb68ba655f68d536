"""What the reference page says of attributes, spans and dialects."""

from generator.dialects import Dialect, Source
from generator.load import Registry
from generator.model import Attribute, Conditionally, Level, Ours, Ref, Refs, Scalar
from jinja2 import Environment

from auditspan.semconv.column import Column
from auditspan.semconv.findings import MEANINGS

_TITLES = {
    "record": "Record",
    "agent": "Agent",
    "principal": "Principal",
    "authorization": "Authorization",
    "action": "Action",
    "context": "Context",
    "policy": "Policy",
    "content": "Content",
    "outcome": "Outcome",
    "usage": "Usage",
    "risk": "Risk",
    "compliance": "Compliance and integrity",
}


def page(
    environment: Environment,
    registry: Registry,
    columns: list[Column],
    dialects: tuple[Dialect, ...],
) -> str:
    """The reference page."""
    environment.filters |= {
        "cell": cell,
        "examples": examples,
        "level": level,
        "readers": readers,
        "source": source,
        "who": who,
    }
    return environment.get_template("semconv.md.j2").render(
        sections=[(_TITLES[name], attributes) for name, attributes in registry.sections.items()],
        plain=[column for column in columns if not column.attribute],
        columns=columns,
        groups=registry.columns.groups,
        unsealed=registry.columns.unsealed,
        reserved=registry.columns.reserved,
        spans=registry.spans,
        refinements=registry.refinements,
        refs=lambda attributes: expanded(registry, attributes),
        dialects=dialects,
        findings=MEANINGS,
    )


def expanded(registry: Registry, refs: Refs) -> list[Ref]:
    """The attributes of a span, those of its groups too; what it says itself goes before."""
    groups = {group.id: group.attributes for group in registry.groups}
    found: dict[str, Ref] = {}
    for ref in refs:
        for each in (ref,) if isinstance(ref, Ref) else groups[ref.ref_group]:
            found.setdefault(each.ref, each)
    return list(found.values())


def cell(text: str) -> str:
    """A text as it can stand in a table."""
    return text.replace("|", "\\|").replace("\n", " ")


def who(names: tuple[str, ...]) -> str:
    """Who may assert something, in a word or two."""
    if len(names) == 4:
        return "anybody"
    return ", ".join(names)


def readers(what: Ours | Column) -> str:
    """Whether a reader sees something, in a word."""
    if what.content:
        return "–"
    return "cut" if what.shown else "yes"


def examples(attribute: Attribute) -> str:
    """Examples, or the values of an enumeration."""
    if attribute.type_name == "enum" and not isinstance(attribute.type, str):
        return ", ".join(f"`{member.value}`" for member in attribute.type.members)
    return ", ".join(f"`{_example(example)}`" for example in attribute.examples)


def _example(example: Scalar | tuple[Scalar, ...]) -> str:
    if isinstance(example, tuple):
        return "[" + ", ".join(f'"{item}"' for item in example) + "]"
    return str(example).lower() if isinstance(example, bool) else str(example)


def level(level: Level) -> str:
    """A requirement level in words."""
    if isinstance(level, Conditionally):
        return f"required if: {level.conditionally_required}"
    return level.replace("_", "-")


def source(source: Source) -> str:
    """Where a dialect says something, in words."""
    text = f"name `{source.span_name}`" if source.span_name else f"`{source.attribute}`"
    if source.event:
        text += f" of event `{source.event}`"
    if source.inside:
        text += f", key `{source.inside}`"
    if source.values:
        words = (
            f"`{word}` → {f'`{ours}`' if ours else '–'}" for word, ours in source.values.items()
        )
        text += f": {', '.join(words)}"
    if source.when:
        text += f" (if `{source.when.attribute}` is {', '.join(source.when.values)})"
    return cell(text)
