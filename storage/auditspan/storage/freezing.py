"""A store's rows as files of one moment, and a new store made of such files.

Freezing is ClickHouse's `ALTER TABLE … FREEZE`: hard links to the parts of a table, which takes
milliseconds and no room. `BACKUP` would copy while the pipeline waits, and needs a right that lets
SQL write folders. A frozen part keeps what is erased meanwhile, so thaw soon.

A new store is made by our own migrations, and parts are attached to it: no statement of a backup is
ever run, as the definitions of tables in a copied store folder would be.
"""

import re
import shutil
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from auditspan.storage.cold_volume import known as cold_of
from auditspan.storage.engine import Engine
from auditspan.storage.errors import SchemaMismatch, StoreError
from auditspan.storage.migrations import applied, known, migrate
from auditspan.storage.render import Target

SHADOW: Final = "shadow"
"""Folder of a disk in which the engine freezes."""
_OURS: Final = "schema_migrations"
"""A new store has its own."""
_NAME: Final = re.compile(r"[a-z0-9]{1,64}")
_PARTITION: Final = re.compile(r"[A-Za-z0-9-]{1,128}")
_UUID: Final = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")
_TABLES: Final = (
    "SELECT name, toString(uuid) AS id FROM system.tables "
    "WHERE database = currentDatabase() AND engine = 'MergeTree' ORDER BY name"
)
_DETACHED: Final = (
    "SELECT DISTINCT partition_id AS id FROM system.detached_parts "
    "WHERE database = currentDatabase() AND table = {table:String} AND reason = ''"
)


@dataclass(frozen=True, slots=True)
class Frozen:
    """What was frozen."""

    name: str
    tables: Mapping[str, str]
    """Id of each table, by its name."""
    migrations: Mapping[int, str]
    """Checksums by number."""


def freeze(engine: Engine, name: str) -> Frozen:
    """Freeze all tables of an embedded store; the caller sees to it that nobody writes."""
    if not _NAME.fullmatch(name):
        raise StoreError(f"freeze: the name {name!r} is none, expected letters and digits")
    rows = engine.arrow(_TABLES).to_pylist()
    tables = {str(row["name"]): str(row["id"]) for row in rows if row["name"] != _OURS}
    done = applied(engine)
    for table in tables:
        engine.command(f"ALTER TABLE `{table}` FREEZE WITH NAME '{name}'")
    return Frozen(name, tables, done)


def frozen_files(store: Path, frozen: Frozen) -> Iterator[tuple[str, Path]]:
    """Every file as `<table>/<part>/…`, and where it lies."""
    for disk in _disks(store):
        for table, id in frozen.tables.items():
            if not _UUID.fullmatch(id):
                raise StoreError(f"table {table}: its id {id!r} is none")
            folder = disk / SHADOW / frozen.name / "store" / id[:3] / id
            for path in sorted(folder.rglob("*")):
                if path.is_file() and not path.is_symlink():
                    yield f"{table}/{path.relative_to(folder)}", path


def thaw(store: Path, name: str = "") -> None:
    """Let go of what was frozen under a name; without one of everything."""
    for disk in _disks(store):
        shutil.rmtree(disk / SHADOW / name if name else disk / SHADOW, ignore_errors=True)


def check_migrations(migrations: Mapping[int, str]) -> None:
    """Raises `SchemaMismatch` if another version of auditspan made the store, or a newer one."""
    ours = {migration.number: migration.checksum for migration in known()}
    for number, checksum in sorted(migrations.items()):
        if ours.get(number) != checksum:
            raise SchemaMismatch(
                f"migration {number}: the backup's store has it with checksum {checksum[:12]}, "
                f"this version with {ours.get(number, 'none')[:12]}: restore it with the version "
                "that made it, or a later one"
            )


def build(
    engine: Engine, migrations: Mapping[int, str], place: Callable[[str, Path], None]
) -> None:
    """Fill an empty store with parts: `place` puts those of a table into a folder that is there.

    The store gets the schema that the parts were made with, then the parts, then the newest schema,
    as if an older version had been upgraded. Raises `SchemaMismatch`, and what the engine says of
    parts that it cannot read.
    """
    check_migrations(migrations)
    migrate(engine, only=migrations)
    rows = engine.arrow(_TABLES).to_pylist()
    for row in rows:
        table, id = str(row["name"]), str(row["id"])
        if table == _OURS or engine.config.path is None:
            continue
        place(table, engine.config.path / "store" / id[:3] / id / "detached")
        name = Target.of(engine).table(table)
        for part in engine.arrow(_DETACHED, {"table": table}).to_pylist():
            if not _PARTITION.fullmatch(str(part["id"])):
                raise StoreError(f"table {table}: {part['id']!r} is no partition")
            engine.command(f"ALTER TABLE {name} ATTACH PARTITION ID '{part['id']}'")
    migrate(engine)


def _disks(store: Path) -> list[Path]:
    cold = cold_of(store)
    return [store, *([cold.path] if cold else [])]
