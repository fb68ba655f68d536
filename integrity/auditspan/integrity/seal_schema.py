"""Which columns are sealed how, as plain data (docs/integrity-format.md §2).

`sealed_columns.py`, generated from the registry, holds the one that is in force.
"""

from dataclasses import dataclass
from functools import cached_property
from typing import Final

CORE: Final = "core"
"""The name of the part that is no erasable group."""

KINDS: Final = ("string", "int", "float", "bool", "bool?", "float?", "bytes", "strings", "map")
"""Kinds of values, beside lists of tuples: `[kind,kind,…]`."""


@dataclass(frozen=True, slots=True)
class SealColumn:
    """One sealed column."""

    name: str
    """Its seal name, which is in the digests: the name of the column when it was added."""
    kind: str
    """How its value becomes bytes: one of `KINDS`, or `[kind,kind]` for a list of tuples."""


@dataclass(frozen=True, slots=True)
class SealGroup:
    """Columns that are sealed, and can be erased, together."""

    name: str
    """In the digests, and in clear."""
    columns: tuple[SealColumn, ...]
    """Names ascending."""


@dataclass(frozen=True)
class SealSchema:
    """A version of the canonical form: what stands in the core, and what in each group."""

    version: int
    """First byte of an entry."""
    core: tuple[SealColumn, ...]
    """Names ascending."""
    groups: tuple[SealGroup, ...]
    """Names ascending."""

    @classmethod
    def of(cls, version: int, groups: dict[str, dict[str, str]]) -> "SealSchema":
        """From kinds by column by group, `core` among them. Order does not matter."""
        ordered = {
            name: tuple(SealColumn(*pair) for pair in sorted(groups[name].items(), key=_by_name))
            for name in sorted(groups, key=str.encode)
        }
        core = ordered.pop(CORE)
        return cls(version, core, tuple(SealGroup(*pair) for pair in ordered.items()))

    @cached_property
    def kinds(self) -> dict[str, str]:
        """Kind by column."""
        columns = [*self.core, *(c for group in self.groups for c in group.columns)]
        return {column.name: column.kind for column in columns}


def _by_name(pair: tuple[str, str]) -> bytes:
    return pair[0].encode()
