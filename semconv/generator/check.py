"""What OpenTelemetry asks of names, and what our own annotations must agree on.

The rules are those of `weaver registry check` with the policies of opentelemetry-weaver-packages
(https://github.com/open-telemetry/opentelemetry-weaver-packages, `policies/check`), which run here
without Weaver. Each function gives the problems it finds, each in one line.
"""

import re
from collections import Counter
from collections.abc import Iterable, Iterator

from generator.load import Registry
from generator.model import UNSEALED, Attribute, Enumeration, GroupRef, Ref, Refs

_NAME = re.compile(r"^[a-z][a-z0-9]*([._][a-z0-9]+)*$")
_COLUMN = re.compile(r"^[A-Z][A-Za-z0-9]*$")
_OURS = "audit."
_TYPES = {
    "string": {"String"},
    "any": {"String"},
    "enum": {"String"},
    "int": {"UInt64", "UInt8"},
    "double": {"Nullable(Float64)"},
    "boolean": {"Nullable(Bool)", "Bool"},
    "string[]": {"Array(String)"},
}
_PHYSICAL_LIMIT = 70


def problems(registry: Registry) -> list[str]:
    """Everything that is wrong."""
    attributes = list(registry.attributes)
    names = [attribute.key for attribute in attributes]
    return [
        *well_formed(names),
        *repeated("attribute", names),
        *prefixes([*names, *registry.columns.foreign]),
        *constants(names),
        *plurals(attributes),
        *texts(attributes),
        *enumerations(attributes),
        *examples(attributes),
        *annotations(attributes),
        *readers(registry),
        *reservations(registry),
        *columns(registry),
        *references(registry),
    ]


def well_formed(names: Iterable[str]) -> Iterator[str]:
    """Lower case, dots between namespaces, at least one namespace."""
    for name in names:
        if not _NAME.match(name) or "." not in name:
            yield f"{name}: expected lower-case words joined by dots, with a namespace"


def repeated(what: str, names: Iterable[str]) -> Iterator[str]:
    """Every name stands once."""
    for name, count in Counter(names).items():
        if count > 1:
            yield f"{name}: this {what} is defined {count} times"


def prefixes(names: Iterable[str]) -> Iterator[str]:
    """No name is the namespace of another."""
    known = set(names)
    for name in sorted(known):
        parts = name.split(".")
        for end in range(1, len(parts)):
            if ".".join(parts[:end]) in known:
                yield f"{name}: its prefix {'.'.join(parts[:end])} is an attribute itself"


def constants(names: Iterable[str]) -> Iterator[str]:
    """No two names become one constant."""
    seen: dict[str, str] = {}
    for name in dict.fromkeys(names):
        other = seen.setdefault(constant(name), name)
        if other != name:
            yield f"{name}: becomes the same constant as {other}"


def constant(name: str) -> str:
    """The name of an attribute's constant."""
    return name.replace(".", "_").upper()


def plurals(attributes: Iterable[Attribute]) -> Iterator[str]:
    """Lists of ours have a plural name, and plain texts and numbers of ours do not."""
    for attribute in attributes:
        ours, last = attribute.key.startswith(_OURS), attribute.key.split(".")[-1]
        if ours and attribute.type_name.endswith("[]") and not _reads_plural(last):
            yield f"{attribute.key}: a list needs a plural name"


def _reads_plural(word: str) -> bool:
    # A chain of actors is named after the claim `act` of RFC 8693.
    return word.endswith("s") or word == "actor"


def texts(attributes: Iterable[Attribute]) -> Iterator[str]:
    """Every brief is a sentence."""
    for attribute in attributes:
        if not attribute.brief.endswith(".") or not attribute.brief[0].isupper():
            yield f"{attribute.key}: its brief has to be a sentence that ends in a period"
        if attribute.note and not attribute.note.endswith("."):
            yield f"{attribute.key}: its note has to end in a period"


def enumerations(attributes: Iterable[Attribute]) -> Iterator[str]:
    """Ids and values are unique and well-formed."""
    for attribute in attributes:
        if isinstance(attribute.type, Enumeration):
            members = attribute.type.members
            doubles = [
                *repeated("id", [member.id for member in members]),
                *repeated("value", [member.value for member in members]),
            ]
            yield from (f"{attribute.key}: {line}" for line in doubles)
            for member in members:
                if not _NAME.match(member.id):
                    yield f"{attribute.key}: member {member.id} is no id"
                if not member.brief.endswith("."):
                    yield f"{attribute.key}: the brief of {member.id} has to end in a period"


def examples(attributes: Iterable[Attribute]) -> Iterator[str]:
    """Texts and lists have examples, and every example has the type of its attribute."""
    kinds = {"string": str, "int": int, "double": float, "boolean": bool}
    for attribute in attributes:
        name = attribute.type_name.removeprefix("template[").removesuffix("]")
        base = name.removesuffix("[")
        if base in ("enum", "any"):
            continue
        if base == "string" and not attribute.examples:
            yield f"{attribute.key}: needs an example"
        for example in attribute.examples:
            items = example if isinstance(example, tuple) else (example,)
            listed = attribute.type_name.endswith("[]") == isinstance(example, tuple)
            if not listed or any(type(item) is not kinds[base] for item in items):
                yield f"{attribute.key}: example {example!r} is no {attribute.type_name}"


def annotations(attributes: Iterable[Attribute]) -> Iterator[str]:
    """What is said of a column is said in full."""
    for attribute in attributes:
        ours = attribute.ours
        if not ours.column:
            if ours.clickhouse or ours.group or ours.storage or ours.source or ours.read:
                yield f"{attribute.key}: has no column, so it needs nothing about one"
            continue
        if not _COLUMN.match(ours.column):
            yield f"{attribute.key}: column {ours.column} is no CamelCase name"
        plain = ours.clickhouse.replace("LowCardinality(String)", "String")
        if plain not in _TYPES.get(attribute.type_name, set()) and not _is_time(attribute):
            yield f"{attribute.key}: a {attribute.type_name} cannot be kept as {ours.clickhouse}"
        if ours.storage == "physical" and (not ours.source or ours.read):
            yield f"{attribute.key}: a physical column needs `source`, and no `read`"
        if ours.storage == "alias" and (not ours.read or ours.source or ours.group != "maps"):
            yield f"{attribute.key}: an alias needs `read` and the group maps, and no `source`"
        if not ours.storage or not ours.group:
            yield f"{attribute.key}: a column needs `storage` and `group`"
        if ours.source == "attribute" and "client" not in ours.asserted_by:
            yield f"{attribute.key}: decode would take from a client what it may not assert"
        if "span" in ours.read and not {"client", "guard"} & set(ours.asserted_by):
            yield f"{attribute.key}: read from a sender's map, but no sender may assert it"


def readers(registry: Registry) -> Iterator[str]:
    """What readers see is said once, and in the place of nothing that they do not see."""
    registered = {attribute.key for attribute in registry.attributes}
    extra = registry.columns.readers.attributes
    yield from repeated("attribute for readers", extra)
    yield from (
        f"{name}: registered, so say there that it is no content"
        for name in extra
        if name in registered
    )
    for attribute in registry.attributes:
        ours = attribute.ours
        if ours.shown and (ours.content or not ours.column):
            yield f"{attribute.key}: `shown` needs a column and `content: false`"
    for name in registry.columns.unsealed:
        if not registry.columns.columns[name].content:
            yield f"{name}: unsealed, so no reader may see it"


def _is_time(attribute: Attribute) -> bool:
    is_time = attribute.ours.clickhouse.startswith(("Nullable(Date", "Date32"))
    return attribute.type_name == "string" and is_time


def reservations(registry: Registry) -> Iterator[str]:
    """What is in a reserved family is asserted by nobody else."""
    for family, who in registry.columns.reserved.items():
        members = [a for a in registry.attributes if a.key == family or _within(a.key, family)]
        if not members:
            yield f"{family}: reserved, but nothing is in it"
        for attribute in members:
            if not set(attribute.ours.asserted_by) <= set(who):
                yield f"{attribute.key}: only {', '.join(who)} may assert {family}.*"


def _within(name: str, family: str) -> bool:
    return name.startswith(f"{family}.")


def columns(registry: Registry) -> Iterator[str]:
    """Order, groups and attributes agree on the physical columns."""
    backed = {a.ours.column: a for a in registry.attributes if a.ours.column}
    named = [a.ours.column for a in registry.attributes if a.ours.column]
    yield from repeated("column", [*named, *registry.columns.columns])
    listed = {name: group.name for group in registry.columns.groups for name in group.columns}
    listed |= dict.fromkeys(registry.columns.unsealed, UNSEALED)
    physical = {name for name, a in backed.items() if a.ours.storage == "physical"}
    physical |= {name for name, entry in registry.columns.columns.items() if not entry.expression}
    in_groups = [name for group in registry.columns.groups for name in group.columns]
    yield from repeated("column of a group", [*in_groups, *registry.columns.unsealed])
    yield from (f"{name}: physical, but in no group" for name in sorted(physical - set(listed)))
    yield from (f"{name}: in a group, but not defined" for name in sorted(set(listed) - physical))
    if len(listed) > _PHYSICAL_LIMIT:
        yield f"{len(listed)} physical columns, expected at most {_PHYSICAL_LIMIT}"
    for name in sorted(physical & backed.keys() & listed.keys()):
        if backed[name].ours.group != listed[name]:
            yield f"{name}: group {backed[name].ours.group}, but listed in {listed[name]}"


def references(registry: Registry) -> Iterator[str]:
    """What a span names exists, and stands on it once."""
    known = {attribute.key for attribute in registry.attributes}
    groups = {group.id: group.attributes for group in registry.groups}
    types = {span.type for span in registry.spans}
    yield from repeated("span", [span.type for span in registry.spans])
    signals = [(span.type, span.attributes) for span in registry.spans]
    for refinement in registry.refinements:
        signals.append((refinement.id, refinement.attributes))
        if refinement.ref not in types:
            yield f"{refinement.id}: refines {refinement.ref}, which is not defined"
    for name, refs in [*groups.items(), *signals]:
        if not _NAME.match(name):
            yield f"{name}: expected lower-case words joined by dots"
        for ref in _flat(refs):
            if ref.ref not in known:
                yield f"{name}: names {ref.ref}, which is not defined"
        for group in (ref.ref_group for ref in refs if isinstance(ref, GroupRef)):
            if group not in groups:
                yield f"{name}: names the group {group}, which is not defined"


def _flat(refs: Refs) -> list[Ref]:
    return [ref for ref in refs if isinstance(ref, Ref)]
