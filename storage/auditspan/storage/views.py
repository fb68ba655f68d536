"""What follows from the registry and the tables: ALIAS columns and views.

They hold no data, so they are made anew whenever their text changes; which text the database has
stands in `schema_migrations` under number 0. A store that a newer version has migrated keeps that
version's.
"""

import hashlib
from collections.abc import Sequence
from importlib.resources import files

from auditspan.storage.columns import Column, of_registry
from auditspan.storage.engine import Engine
from auditspan.storage.render import Target, statements

DERIVED = 0
"""The number under which `schema_migrations` holds the fingerprint."""


def synchronise(engine: Engine, columns: Sequence[Column] | None = None) -> bool:
    """Make ALIAS columns and views anew if they differ from this version's."""
    target = Target.of(engine)
    columns = of_registry() if columns is None else columns
    texts = [_aliases(columns), *_views(columns)]
    fingerprint = hashlib.sha256("\0".join(texts).encode()).hexdigest()
    if _fingerprint(engine) == fingerprint:
        return False
    for text in texts:
        for statement in statements(text, target):
            engine.command(statement)
    engine.command(
        f"INSERT INTO {target.table('schema_migrations')} (Number, Name, Checksum) "
        "SELECT {number:UInt32}, 'views', {checksum:String}",
        {"number": DERIVED, "checksum": fingerprint},
    )
    return True


def _fingerprint(engine: Engine) -> str:
    sql = "SELECT argMax(Checksum, AppliedAt) FROM schema_migrations WHERE Number = 0"
    return engine.raw(sql, "TSVRaw").decode().strip()


def _aliases(columns: Sequence[Column]) -> str:
    """One ALTER that adds the columns that are missing and renews the others."""
    clauses = []
    for column in columns:
        if column.kind == "alias":
            definition = f"`{column.name}` {column.type} ALIAS {column.expression}"
            clauses.append(f"ADD COLUMN IF NOT EXISTS {definition}")
            clauses.append(f"MODIFY COLUMN {definition}")
    joined = ",\n    ".join(clauses)
    return f"ALTER TABLE {{both audit_records}}\n    {joined};\n" if clauses else ""


def _views(columns: Sequence[Column]) -> list[str]:
    """The views' texts in the order of their names."""
    names = ",\n    ".join(f"`{column.name}`" for column in columns) or "*"
    folder = files("auditspan.storage") / "sql" / "views"
    found = sorted(file.name for file in folder.iterdir() if file.name.endswith(".sql"))
    return [(folder / name).read_text("utf-8").replace("{columns}", names) for name in found]
