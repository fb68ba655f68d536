"""Checks that need more than one entry: names are unique, and what is named exists."""

from collections.abc import Iterator, Mapping, Sequence

from auditspan.registry.documents import Path
from auditspan.registry.entries import Content, Entry
from auditspan.registry.errors import Problem
from auditspan.registry.members import ControlsPolicy, Disabled, Member
from auditspan.registry.models import Agent, Example, Grant, Tool
from auditspan.registry.paths import parse
from auditspan.registry.problems import nearest


def check(content: Content) -> list[Problem]:
    """Everything that does not fit together."""
    entries = content.entries
    problems = [*_twice(entries), *_shared_credentials(entries)]
    for entry in entries:
        match entry.model:
            case Tool() as tool:
                problems += _outside_schema(entry, tool)
            case Grant() as grant:
                problems += _unknown(content, entry, ("agent",), grant.agent)
                for index, name in enumerate(grant.tools):
                    problems += _unknown(content, entry, ("tools", index), name)
            case Example() as example:
                problems += _unknown(content, entry, ("agent",), example.agent)
                problems += _unknown(content, entry, ("tool",), example.tool)
            case Disabled() as disabled:
                for index, name in enumerate(disabled.agents):
                    problems += _unknown(content, entry, ("agents", index), name)
    return problems


def _twice(entries: Sequence[Entry]) -> Iterator[Problem]:
    first: dict[tuple[str, str], Entry] = {}
    for entry in entries:
        if isinstance(entry.model, ControlsPolicy | Disabled):
            continue
        key = "id" if isinstance(entry.model, Agent | Grant | Member) else "name"
        identity = (entry.kind, str(getattr(entry.model, key)))
        other = first.setdefault(identity, entry)
        if other is not entry:
            where = f"{other.document.file}:{other.line}"
            yield entry.problem((key,), f"{identity[1]!r} is already in {where}; rename one")


def _shared_credentials(entries: Sequence[Entry]) -> Iterator[Problem]:
    """A credential that proves two agents, persons or services proves none."""
    owner: dict[object, str] = {}
    for entry in entries:
        if not isinstance(entry.model, Agent | Member):
            continue
        credentials = entry.model.credentials
        kind = "agent" if isinstance(entry.model, Agent) else "principal"
        name = f"{kind} {entry.model.id!r}"
        bound: tuple[tuple[str, tuple[object, ...]], ...] = (
            ("jwt", credentials.jwt),
            ("spiffe", credentials.spiffe),
        )
        for key, values in bound:
            for index, value in enumerate(values):
                other = owner.setdefault(value, name)
                if other != name:
                    path = ("credentials", key, index)
                    yield entry.problem(path, f"already proves the {other}; use another")


def _unknown(content: Content, entry: Entry, path: Path, name: str) -> Iterator[Problem]:
    kind = "agents" if path[0] in ("agent", "agents") else "tools"
    known = content.declared.get(kind, set())
    if name in known or kind in content.unreadable or (kind == "tools" and name in ("", "*")):
        return
    yield entry.problem(path, f"no {kind[:-1]} is called {name!r}" + nearest(name, known))


def _outside_schema(entry: Entry, tool: Tool) -> Iterator[Problem]:
    """A path whose first name the input schema does not know is a typing error."""
    properties = tool.arguments.get("properties")
    if not isinstance(properties, Mapping) or not properties:
        return
    paths: list[tuple[Path, str]] = [
        (("target", "id"), tool.target.id),
        (("target", "path"), tool.target.path),
        *((("data_subjects", index), path) for index, path in enumerate(tool.data_subjects)),
    ]
    for where, path in paths:
        name = parse(path)[0] if path else None
        if isinstance(name, str) and name not in properties:
            yield entry.problem(
                where, f"the arguments have no {name!r}" + nearest(name, properties)
            )
