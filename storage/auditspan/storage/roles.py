"""The roles of a server, as statements for its administrator.

`sql/roles.sql` says what each role is for. The rights on columns follow from the registry: a new
column is content until somebody says that it is not, here as in the views.
"""

import re
from collections.abc import Iterator

from auditspan.semconv.columns import GROUPS, UNSEALED
from auditspan.semconv.readers import HIDDEN_OPERATIONS
from auditspan.storage.columns import of_registry
from auditspan.storage.otlp import data
from auditspan.storage.reader_columns import PREFIX, reader_columns
from auditspan.storage.render import Target, statements
from auditspan.storage.role_views import ACCESSES, Access, audit_columns, table_columns, tables

ROLES = ("reader", "investigator", "writer", "repair", "migrator", "eraser")

_EACH = re.compile(r"\{each (\w+)\}")
_TABLE = re.compile(r"\{table (\w+)\}")
_RECORDS = "audit_records"
_REPAIRED = (_RECORDS, "audit_log_entries")
"""Tables that hold rows of batches, besides those that readers see."""


def role_statements(target: Target) -> list[str]:
    """What an administrator runs, in order."""
    text = (
        data("roles.sql")
        .replace("{columns}", "".join(f"{each};\n" for each in _readable(target)))
        .replace("{repairs}", "".join(f"{each};\n" for each in _repairs(target)))
        .replace("{hidden}", ", ".join(f"'{name}'" for name in HIDDEN_OPERATIONS))
        .replace("{erasable}", ", ".join(_erasable()))
        .replace("{on}", target.on)
        .replace("{database}", target.database)
    )
    text = _TABLE.sub(lambda found: target.table(found[1]), text)
    return [made for statement in statements(text, target) for made in _on_each(statement, target)]


def readable_columns(table: str, access: Access) -> tuple[str, ...]:
    """Columns of a table that the role has to be able to read for its views."""
    if table != _RECORDS:
        return table_columns(table, access)
    if access == "investigator":
        return audit_columns(access)
    cut = reader_columns(of_registry())
    whole = [name for name in audit_columns(access) if name not in cut]
    return (*whole, *(f"{PREFIX}{name}" for name in cut))


def _readable(target: Target) -> Iterator[str]:
    for access in ACCESSES:
        for table in (_RECORDS, *tables()):
            if columns := readable_columns(table, access):
                yield (
                    f"GRANT{target.on} SELECT({', '.join(columns)}) "
                    f"ON {target.database}.{{each {table}}} TO auditspan_{access}"
                )


def _repairs(target: Target) -> Iterator[str]:
    for table in (*_REPAIRED, *tables()):
        yield (
            f"GRANT{target.on} ALTER DELETE ON {target.database}.{target.table(table)} "
            "TO auditspan_repair"
        )


def _erasable() -> list[str]:
    return [*(name for group in GROUPS if group.erasable for name in group.columns), *UNSEALED]


def _on_each(statement: str, target: Target) -> list[str]:
    """A statement about a table; on a cluster also about its part on each shard."""
    found = _EACH.search(statement)
    if not found:
        return [statement]
    names = [found[1], f"{found[1]}_local"] if target.cluster else [found[1]]
    return [_EACH.sub(name, statement) for name in names]
