"""The schema, brought up to date by numbered SQL files that are applied once and recorded.

1. Take the lock (`lock`), so that two writers never migrate at once.
2. Read which migrations the database has; one whose text changed since is an error, and so is
   one that this version does not know, unless it is newer: migrations only add, so an older
   version goes on working against a newer schema.
3. Apply the rest in order, statement by statement, and record each file with its checksum. A
   statement can be run again (`IF NOT EXISTS`), so that a crash half-way is repaired by the next
   start.
4. Bring what is derived from the registry up to date: ALIAS columns and views.
"""

import hashlib
import re
from collections.abc import Collection
from dataclasses import dataclass
from importlib.resources import files

from auditspan.storage.engine import Engine
from auditspan.storage.errors import SchemaMismatch
from auditspan.storage.lock import migration_lock
from auditspan.storage.render import Target, statements
from auditspan.storage.views import synchronise

_NAME = re.compile(r"(\d{4})_(\w+)\.sql")
_RECORD = """CREATE TABLE IF NOT EXISTS {local schema_migrations}
(
    Number UInt32,
    Name String,
    Checksum String,
    AppliedAt DateTime64(9, 'UTC') DEFAULT now64(9, 'UTC')
)
ENGINE = {engine} ORDER BY Number SETTINGS {durable}"""


@dataclass(frozen=True, slots=True)
class Migration:
    """One numbered SQL file."""

    number: int
    """Order of application."""
    name: str
    """What it does, from the file name."""
    text: str
    """Its statements, with placeholders."""

    @property
    def checksum(self) -> str:
        """SHA-256 of the text."""
        return hashlib.sha256(self.text.encode()).hexdigest()


def known() -> tuple[Migration, ...]:
    """The migrations of this version, in order."""
    found = []
    for file in (files("auditspan.storage") / "sql" / "migrations").iterdir():
        match = _NAME.fullmatch(file.name)
        if match:
            found.append(Migration(int(match[1]), match[2], file.read_text("utf-8")))
    return tuple(sorted(found, key=lambda migration: migration.number))


def migrate(engine: Engine, *, only: Collection[int] | None = None) -> tuple[int, ...]:
    """Bring the schema up to date; gives the numbers of the migrations that were applied.

    With `only` these and no others, for parts that were made when there were no more.
    """
    target = Target.of(engine)
    engine.command(target.create_database(target.database))
    with migration_lock(engine):  # 1
        for statement in statements(_RECORD, target):
            engine.command(statement)
        pending = _pending(applied(engine), known())  # 2
        if only is not None:
            pending = tuple(migration for migration in pending if migration.number in only)
        for migration in pending:  # 3
            for statement in statements(migration.text, target):
                engine.command(statement)
            _record(engine, target, migration)
        if only is None and not newer(engine):
            synchronise(engine)  # 4
    return tuple(migration.number for migration in pending)


def schema_statements(target: Target) -> list[str]:
    """Every statement of every migration, as it would run there; `migrate` records them too."""
    texts = (_RECORD, *(migration.text for migration in known()))
    made = (statement for text in texts for statement in statements(text, target))
    return [target.create_database(target.database), *made]


def applied(engine: Engine) -> dict[int, str]:
    """Checksums by number of what the database has."""
    rows = engine.arrow(
        "SELECT Number, Checksum FROM schema_migrations WHERE Number > 0 ORDER BY Number"
    ).to_pylist()
    return {row["Number"]: row["Checksum"] for row in rows}


def newer(engine: Engine) -> bool:
    """Whether a later version than this one has migrated the store."""
    return max(applied(engine), default=0) > max(migration.number for migration in known())


def _pending(done: dict[int, str], ours: tuple[Migration, ...]) -> tuple[Migration, ...]:
    checksums = {migration.number: migration.checksum for migration in ours}
    last = max(checksums)
    for number, checksum in done.items():
        if number <= last and checksums.get(number) != checksum:
            raise SchemaMismatch(
                f"migration {number}: the store has it with checksum {checksum[:12]}, this version "
                f"with {checksums.get(number, 'none')[:12]}; use the version that made the store"
            )
    return tuple(migration for migration in ours if migration.number not in done)


def _record(engine: Engine, target: Target, migration: Migration) -> None:
    engine.command(
        f"INSERT INTO {target.table('schema_migrations')} (Number, Name, Checksum) "
        "SELECT {number:UInt32}, {name:String}, {checksum:String}",
        {"number": migration.number, "name": migration.name, "checksum": migration.checksum},
    )
