"""What follows from the registry and the tables: ALIAS columns and views.

They hold no data, so they are made anew whenever their text changes; which text the database has
stands in `schema_migrations` under number 0. A store that a newer version has migrated keeps that
version's.
"""

import hashlib
from collections.abc import Sequence

from auditspan.storage.columns import Column, of_registry
from auditspan.storage.engine import Engine
from auditspan.storage.reader_columns import PREFIX, reader_columns
from auditspan.storage.render import Target, statements
from auditspan.storage.role_views import ACCESSES, role_database, texts

DERIVED = 0
"""The number under which `schema_migrations` holds the fingerprint."""


def synchronise(engine: Engine, columns: Sequence[Column] | None = None) -> bool:
    """Make ALIAS columns and views anew if they differ from this version's."""
    target = Target.of(engine)
    columns = of_registry() if columns is None else columns
    aliases, views = _aliases(columns), all_views(target, columns)
    text = "\0".join([*(definition for _, definition in aliases), *views])
    fingerprint = hashlib.sha256(text.encode()).hexdigest()
    if _fingerprint(engine) == fingerprint:
        return False
    for text in (_alter(engine, aliases), *views):
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


def _aliases(columns: Sequence[Column]) -> list[tuple[str, str]]:
    """Name and definition of each computed column."""
    made = {c.name: (c.type, c.expression) for c in columns if c.kind == "alias"}
    made |= {f"{PREFIX}{name}": what for name, what in reader_columns(columns).items()}
    return [
        (name, f"`{name}` {type} ALIAS {expression}") for name, (type, expression) in made.items()
    ]


def _alter(engine: Engine, aliases: Sequence[tuple[str, str]]) -> str:
    """One ALTER that adds what is missing and renews the rest."""
    sql = (
        "SELECT name FROM system.columns WHERE database = currentDatabase() "
        "AND table = 'audit_records'"
    )
    known = set(engine.raw(sql, "TSVRaw").decode().split())
    clauses = ",\n    ".join(
        f"{'MODIFY' if name in known else 'ADD'} COLUMN {definition}"
        for name, definition in aliases
    )
    return f"ALTER TABLE {{both audit_records}}\n    {clauses};\n" if clauses else ""


def all_views(target: Target, columns: Sequence[Column] | None = None) -> list[str]:
    """The statements that make every view, in order."""
    columns = of_registry() if columns is None else columns
    made = texts(target, None, columns)
    for access in ACCESSES:
        database = target.create_database(role_database(target.database, access))
        made += [database, *texts(target, access, columns)]
    return made
