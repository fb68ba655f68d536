"""What can be told about an altered record: whether a column, or a group, was empty when sealed.

An entry holds one hash over the core and all commitments, and nothing in the store says what these
were, so in general nobody can tell which of them differs. But that a single column is empty can be
tried: if the record without it is the one that was sealed, it was filled later.
"""

from collections.abc import Iterator, Mapping
from typing import Final

from auditspan.integrity.canonical import record_digest
from auditspan.integrity.errors import ValueInvalid
from auditspan.integrity.sealed_columns import SCHEMA
from auditspan.reports.verification.asking import Ask, rows
from auditspan.reports.verification.row_values import stored_rows

_CONTENT: Final = slice(6, 38)
"""Of an entry of 38 bytes."""
_GROUPS: Final[Mapping[str, frozenset[str]]] = {
    group.name: frozenset(column.name for column in group.columns) for group in SCHEMA.groups
}


def filled_later(ask: Ask, log: str, index: int) -> str:
    """What stands in a record and was not there when it was sealed; empty if that is not it."""
    found = stored_rows(ask, log, index, index + 1, everything=True)
    entries = rows(ask, "entries", log=log, first=index, end=index + 1)
    if len(found) != 1 or len(entries) != 1 or found[0].salts:
        return ""
    sealed, row = bytes(entries[0]["Entry"])[_CONTENT], found[0]
    for name, columns in _tries(row.values):
        values = {key: value for key, value in row.values.items() if key not in columns}
        try:
            if record_digest(values, row.salt, SCHEMA) == sealed:
                return name
        except ValueInvalid:
            continue
    return ""


def _tries(values: Mapping[str, object]) -> Iterator[tuple[str, frozenset[str]]]:
    for column in values:
        yield f"column {column}", frozenset({column})
    for group, columns in _GROUPS.items():
        if len(columns & values.keys()) > 1:
            yield f"group {group}", columns
