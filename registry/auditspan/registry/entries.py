"""The entries of a bundle while it is read: the models and where they were written."""

from dataclasses import dataclass, field

from pydantic import BaseModel, JsonValue

from auditspan.registry.documents import Document, Path
from auditspan.registry.errors import Problem


@dataclass(frozen=True, slots=True)
class Entry:
    """An agent, tool, grant, example, person or service, or a file of rules, with its place."""

    kind: str
    """The folder it stands in, or its file if that is beside the folders."""
    model: BaseModel
    """What it says."""
    document: Document
    """Where it was read."""
    base: Path
    """Where it stands in the document: () or the index in its list."""

    def problem(self, path: Path, message: str) -> Problem:
        """A problem inside this entry."""
        return self.document.problem((*self.base, *path), message)

    @property
    def line(self) -> int:
        """The line it starts on."""
        return self.document.places.get(self.base, (0, 0))[0]


@dataclass(slots=True)
class Content:
    """What has been read so far."""

    entries: list[Entry] = field(default_factory=list)
    """The valid ones."""
    problems: list[Problem] = field(default_factory=list)
    """What is wrong with the others."""
    declared: dict[str, set[str]] = field(default_factory=dict)
    """Names by kind, of invalid entries too: a typing error in a tool must not also be reported
    at everything that names it."""
    unreadable: set[str] = field(default_factory=set)
    """Kinds of which a file could not be read, so that names may be missing."""

    def declare(self, kind: str, value: JsonValue) -> None:
        """Note the name under which an entry can be referred to."""
        key = "id" if kind in ("agents", "principals") else "name"
        name = value.get(key) if isinstance(value, dict) else None
        if isinstance(name, str):
            self.declared.setdefault(kind, set()).add(name)
