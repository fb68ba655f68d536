"""What a reader and an investigator may ask: databases of views with the same names.

Readers never see a base table. A reader's views have no content (docs/reading-columns.md); an
investigator's have everything but salts and what only the collector needs.
"""

from collections.abc import Mapping, Sequence
from importlib.resources import files
from typing import Final, Literal

import yaml

from auditspan.storage.columns import Column, of_registry

Access = Literal["reader", "investigator"]
"""Whose views."""

ACCESSES: Final[tuple[Access, ...]] = ("reader", "investigator")

_FOLDER = files("auditspan.storage") / "sql" / "views"
_INTERNAL = frozenset({"RecordSalt", "GroupSalts", "Redacted"})
_CONTENT = frozenset(
    {
        *("ToolArguments", "ToolResult", "StatusMessage", "PolicyReason", "ResourceAttributes"),
        *("SpanAttributes", "AttributeTypes", "OtlpExtras", "Events", "Links", "Derived"),
    }
)


def role_database(database: str, access: Access) -> str:
    """The database that holds a role's views."""
    return f"{database}_{access}"


def audit_columns(access: Access, columns: Sequence[Column] | None = None) -> tuple[str, ...]:
    """Columns of `audit` for a role, in their order."""
    hidden = _INTERNAL | (_CONTENT if access == "reader" else frozenset())
    known = of_registry() if columns is None else columns
    return tuple(column.name for column in known if column.name not in hidden)


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


def texts(database: str, access: Access | None, columns: Sequence[Column]) -> list[str]:
    """The statements that make the views of a role, or those beside the tables themselves."""
    here = database if access is None else role_database(database, access)
    shown = audit_columns(access or "investigator", columns)
    names = ",\n    ".join(f"`{name}`" for name in shown)
    found = sorted(file.name for file in _FOLDER.iterdir() if file.name.endswith(".sql"))
    made = [(_FOLDER / name).read_text("utf-8").replace("{columns}", names) for name in found]
    made += [] if access is None else _of_tables(access)
    return [text.replace("{here}", here).replace("{base}", database) for text in made]


def _of_tables(access: Access) -> list[str]:
    return [
        f"CREATE OR REPLACE VIEW {{here}}.{{view {table}}} AS\n"
        f"SELECT {', '.join(shown)}\nFROM {{base}}.{table};\n"
        for table in tables()
        if (shown := table_columns(table, access))
    ]
