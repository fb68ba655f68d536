"""Which relations, columns and functions there are, as the engine says; names are held against it.

A role's relations are what stands in its database of views; nothing else has a name for a reader.
"""

import threading
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final

from auditspan.storage.engine import Engine
from auditspan.storage.errors import StatementRefused
from auditspan.storage.reading import refusals
from auditspan.storage.reading.allowed import functions, lists
from auditspan.storage.role_views import Access, role_database

_KEPT_SECONDS: Final = 30.0
_FRESH_SECONDS: Final = 1.0
"""A catalog that is younger is fresh; whoever asks for what is not there cannot have more read."""


@dataclass(frozen=True, slots=True)
class Functions:
    """Functions of the engine that a reader may not call."""

    exact: frozenset[str] = frozenset()
    """By their names."""
    any_case: frozenset[str] = frozenset()
    """In lower case, of those that the engine finds in any case."""

    def __contains__(self, name: str) -> bool:
        return name in self.exact or name.lower() in self.any_case


@dataclass(frozen=True, slots=True)
class Catalog:
    """What one role may name."""

    base: str
    """The store's database, as readers know it."""
    database: str
    """The role's database of views."""
    names: frozenset[str]
    """What a statement may call that database."""
    relations: Mapping[str, frozenset[str]] = field(repr=False)
    """Views with their columns."""
    refused: Functions = field(default_factory=Functions, repr=False)
    """What the engine would find under a name that is no column."""

    @property
    def databases(self) -> frozenset[str]:
        """What may stand before a relation."""
        return self.names | {"system"}

    def relation(self, database: str, name: str) -> str:
        """The view that a name means."""
        view = lists().relations.get(name, name)
        if database == "system":
            view = f"system_{name}" if name in lists().system else ""
        elif database and database not in self.names:
            raise refusals.refused(
                f"there is no database {database[:80]!r} for readers, "
                f"leave it out or write {self.base}",
                refusals.UNKNOWN_DATABASE,
            )
        if name in self.relations and database != "system":
            return name
        if view in self.relations:
            return view
        raise self.unknown(f"{database}.{name}" if database else name)

    def unknown(self, name: str) -> StatementRefused:
        """The refusal of a relation."""
        return refusals.unknown("table", name, self.relations, refusals.UNKNOWN_TABLE)


def load(engine: Engine, access: Access) -> Catalog:
    """Read the catalog of a role from its store."""
    base = engine.config.database
    database = role_database(base, access)
    columns = engine.raw(
        "SELECT table, name FROM system.columns WHERE database = {database:String}",
        "TSVRaw",
        {"database": database},
    )
    relations: dict[str, set[str]] = {}
    for line in columns.decode().splitlines():
        table, _, column = line.partition("\t")
        relations.setdefault(table, set()).add(column)
    return Catalog(
        base,
        database,
        frozenset({base, "default", database}),
        {table: frozenset(names) for table, names in relations.items()},
        _refused_functions(engine),
    )


def _refused_functions(engine: Engine) -> Functions:
    found = engine.raw("SELECT name, case_insensitive FROM system.functions", "TSVRaw").decode()
    exact: set[str] = set()
    any_case: set[str] = set()
    for line in found.splitlines():
        name, _, case_insensitive = line.partition("\t")
        if not functions().callable(name):
            exact.add(name)
            if case_insensitive == "1":
                any_case.add(name.lower())
    return Functions(frozenset(exact), frozenset(any_case))


class Catalogs:
    """Catalogs that were read, kept for a while."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._kept: dict[tuple[str, str, str, Access], tuple[float, Catalog]] = {}

    def of(self, engine: Engine, access: Access, *, fresh: bool = False) -> Catalog:
        """The catalog of a role, read anew if it is old or shall be fresh."""
        config = engine.config
        key = (str(config.path), config.url, config.database, access)
        with self._lock:
            kept = self._kept.get(key)
        most = _FRESH_SECONDS if fresh else _KEPT_SECONDS
        if kept and time.monotonic() - kept[0] < most:
            return kept[1]
        made = load(engine, access)
        if kept and kept[1] == made:
            made = kept[1]  # the same object is quickly seen to be the same
        with self._lock:
            self._kept[key] = (time.monotonic(), made)
        return made
