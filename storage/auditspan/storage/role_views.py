"""What a reader and an investigator may ask: databases of views with the same names.

Readers never see a base table. A reader's views have no content (docs/reading-columns.md); an
investigator's have everything but salts and what only the collector needs.
"""

import re
from collections.abc import Collection, Iterator, Mapping, Sequence
from functools import cache
from importlib.resources import files
from importlib.resources.abc import Traversable
from typing import Final, Literal

import yaml

from auditspan.semconv.readers import HIDDEN_OPERATIONS
from auditspan.storage.columns import Column, of_registry
from auditspan.storage.reader_columns import PREFIX, in_place_of, reader_columns
from auditspan.storage.reading.allowed import lists
from auditspan.storage.render import Target

Access = Literal["reader", "investigator"]
"""Whose views."""

ACCESSES: Final[tuple[Access, ...]] = ("reader", "investigator")

CAPPED: Final = ("max_execution_time", "max_memory_usage", "max_result_bytes", "max_threads")
"""Settings that a reader may lower; all others that may be sent are those of `reading`."""

REVIEW_COLUMNS: Final = ("ReviewedBy", "ReviewedAt", "ReviewVerdict")
"""Columns that `audit_reviewed` has and `audit` has not."""

OFTEN: Final = ("ApprovalId", "ApprovalStatus", "CallNested")
"""Computed columns that `audit_stored` has: those of a decision chain."""

_FOLDER = files("auditspan.storage") / "sql" / "views"
_SHOWN = re.compile(r"\{shown (\w+)\}")
_UNSEALED = "unsealed"
"""The group of salts and of what took their place, which stand in no view."""


def role_database(database: str, access: Access) -> str:
    """The database that holds a role's views."""
    return f"{database}_{access}"


def read_as(view: str, columns: Collection[str]) -> str:
    """The view to read for a name, given the columns that a statement names (`*` for all).

    `audit` has the columns of reviews too, but costs no join where nobody asks for them.
    """
    asked = view == "audit" and not {"*", *REVIEW_COLUMNS}.isdisjoint(columns)
    return "audit_reviewed" if asked else view


def cheapest(view: str, words: Collection[str], views: Mapping[str, frozenset[str]]) -> str:
    """The view to read in place of one, given all names in a statement that takes no column by `*`.

    `views` are those of the role with their columns.
    """
    if view != "audit" or "audit_stored" not in views:
        return view
    return view if (views[view] - views["audit_stored"]).intersection(words) else "audit_stored"


def audit_columns(access: Access, columns: Sequence[Column] | None = None) -> tuple[str, ...]:
    """Columns of `audit` for a role, in their order."""
    known = of_registry() if columns is None else columns
    return tuple(
        column.name
        for column in known
        if column.group != _UNSEALED and not (access == "reader" and column.content)
    )


@cache
def tables() -> Mapping[str, Mapping[str, Sequence[str]]]:
    """Tables that are shown beside the records, with their columns by who may see them."""
    known: dict[str, dict[str, list[str]]] = yaml.safe_load(
        (_FOLDER / "tables.yaml").read_text("utf-8")
    )
    return known


def table_columns(table: str, access: Access) -> tuple[str, ...]:
    """Columns of such a table that a role sees; none if it does not see the table."""
    entry = tables()[table]
    return (*entry["columns"], *(entry.get("content", ()) if access == "investigator" else ()))


def texts(target: Target, access: Access | None, columns: Sequence[Column]) -> list[str]:
    """The statements that make the views of a role, or those beside the tables themselves."""
    here = target.database if access is None else role_database(target.database, access)
    made = [file.read_text("utf-8") for file in _files(_FOLDER)]
    if access is not None:
        made += [*_of_tables(access), *(f.read_text("utf-8") for f in _files(_FOLDER / "system"))]
    values = {
        "{columns}": _selected(access, columns),
        "{stored}": _selected(access, [c for c in columns if c.kind != "alias" or c.name in OFTEN]),
        "{rows}": _rows(access),
        "{global}": "GLOBAL " if target.cluster else "",
        "{settings}": ", ".join(f"'{name}'" for name in sorted({*CAPPED, *lists().settings})),
        "{here}": here,
        "{base}": target.database,
    }
    return [_filled(_in_place(text, access, columns), values) for text in made]


def _files(folder: Traversable) -> list[Traversable]:
    """In the order of their names, in which a view comes after those that it reads."""
    found = (file for file in folder.iterdir() if file.name.endswith(".sql"))
    return sorted(found, key=lambda file: file.name)


def _filled(text: str, values: Mapping[str, str]) -> str:
    for name, value in values.items():
        text = text.replace(name, value)
    return text


def _in_place(text: str, access: Access | None, columns: Sequence[Column]) -> str:
    if access == "reader":
        return _SHOWN.sub(lambda found: in_place_of(found[1], columns), text)
    return _SHOWN.sub(r"r.\1", text)


def _selected(access: Access | None, columns: Sequence[Column]) -> str:
    cut = reader_columns(columns) if access == "reader" else {}
    return ",\n    ".join(
        f"r.{PREFIX}{name} AS {name}" if name in cut else f"r.{name} AS {name}"
        for name in audit_columns(access or "investigator", columns)
    )


def _rows(access: Access | None) -> str:
    if access != "reader":
        return ""
    hidden = ", ".join(f"'{name}'" for name in HIDDEN_OPERATIONS)
    return f"WHERE r.Operation NOT IN ({hidden})"


def _of_tables(access: Access) -> Iterator[str]:
    for table in tables():
        if shown := table_columns(table, access):
            yield (
                f"CREATE OR REPLACE VIEW {{here}}.{{view {table}}} SQL SECURITY INVOKER AS\n"
                f"SELECT {', '.join(shown)}\nFROM {{base}}.{table};\n"
            )
