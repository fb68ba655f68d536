"""A backup becomes a data folder: checked in a folder beside it, which gets its name at the end.

1. Every file is unpacked and hashed; the manifest has to name each, and no other.
2. The store is made by our migrations and gets the parts (`storage/freezing.py`).
3. Whoever restores looks at it (`check`), and may refuse.
4. A record of the restore goes into the spool, and erasures that are to be repeated, for the next
   start to seal; all of it to disk.
5. The folder gets its name.

Nothing is taken of a backup but files of a data folder: no definition of a table, no link, no mode.
"""

import asyncio
import hashlib
import os
import shutil
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Generic, TypeVar

from auditspan.collector.backup.archive import Entry, entries, hashed, size_of, write_file
from auditspan.collector.backup.drafts import draft
from auditspan.collector.backup.erased_again import Again, Certificate, erased_again
from auditspan.collector.backup.errors import BackupInvalid, BackupRefused
from auditspan.collector.backup.kinds import restored
from auditspan.collector.backup.manifest import (
    INSTANCE,
    MOST_BYTES,
    NAME,
    Manifest,
    Member,
    digest_of,
)
from auditspan.collector.backup.writing import Progress
from auditspan.collector.control.records import ControlRecord
from auditspan.collector.control.stopped import operator, submitting
from auditspan.collector.data_dir import DataDir, prepare
from auditspan.storage.engine import Engine, open_embedded
from auditspan.storage.errors import StorageError
from auditspan.storage.freezing import build, check_migrations

_PARTS: Final = ".parts"
_STORE: Final = "store/"
_SPARE: Final = 64 << 20
"""Bytes that a disk has to have left."""
_R = TypeVar("_R")

Check = Callable[[DataDir, Engine], _R]
"""Looks at what was restored and raises if it is not to be kept."""


@dataclass(frozen=True, slots=True)
class Restored(Generic[_R]):
    """A data folder that was made of a backup."""

    manifest: Manifest
    digest: str
    checked: _R | None
    """What `check` says; None if the records are on a server."""
    again: tuple[Again, ...] = ()
    """Erasures that were given."""


def restore(
    source: Path,
    target: Path,
    check: Check[_R],
    progress: Progress,
    *,
    digest: str = "",
    erased: Sequence[Certificate] = (),
) -> Restored[_R]:
    """Make a data folder of a backup, in a place that is free.

    With a `digest` it has to be that backup. What was `erased` since is asked for
    again. Raises `BackupError`, and what `check` raises.
    """
    with draft(target, folder=True) as folder:
        _expect_room(source, folder)
        text = _unpacked(source, folder, progress)
        manifest, found = Manifest.of(text), digest_of(text)
        if digest and digest.removeprefix("sha256:") != found.removeprefix("sha256:"):
            raise BackupInvalid(f"{source}: its digest is {found}, expected {digest}")
        data = _prepared(source, folder, manifest)
        checked, again = None, list[Again]()
        with _store(data, manifest, source) as engine:
            if engine is not None:
                checked = check(data, engine)
                again = list(erased_again(data, engine, erased, operator().id, time.time_ns()))
        shutil.rmtree(folder / _PARTS, ignore_errors=True)
        records = [restored(operator().id, time.time_ns(), found, manifest)]
        records += [each.record for each in again if each.record is not None]
        asyncio.run(_submit(data, records))
        os.sync()
    return Restored(manifest, found, checked, tuple(again))


def _prepared(source: Path, folder: Path, manifest: Manifest) -> DataDir:
    if not (folder / INSTANCE).is_file():
        raise BackupInvalid(f"{source}: {INSTANCE} is missing")
    data = prepare(folder)
    if data.instance != manifest.taken.instance:
        raise BackupInvalid(
            f"{source}: {INSTANCE} is {data.instance}, its manifest says {manifest.taken.instance}"
        )
    return data


async def _submit(data: DataDir, records: Sequence[ControlRecord]) -> None:
    with submitting(data) as submit:
        for record in records:
            await submit(record.to_json())


def _unpacked(source: Path, folder: Path, progress: Progress) -> bytes:
    """All files in place; the manifest's text, which fits them."""
    found: dict[str, Member] = {}
    text, done, total = b"", 0, size_of(source)

    def advance(count: int) -> None:
        nonlocal done
        done += count
        progress("restore", min(done, total), total)

    for entry in entries(source):
        if entry.name == NAME:
            text = _text(entry)
        else:
            sha256 = hashlib.sha256()
            write_file(_place(folder, entry.name), hashed(entry.chunks, sha256, advance))
            found[entry.name] = Member(name=entry.name, size=entry.size, sha256=sha256.hexdigest())
    _expect_same(source, Manifest.of(text), found)
    return text


def _expect_same(source: Path, manifest: Manifest, found: dict[str, Member]) -> None:
    named = {member.name: member for member in manifest.files}
    if len(named) != len(manifest.files):
        raise BackupInvalid(f"{source}: its manifest names a file twice")
    for name in sorted({*named, *found}):
        if name not in found:
            raise BackupInvalid(f"{source}: {name} is missing")
        if name not in named:
            raise BackupInvalid(f"{source}: {name} is not in its manifest")
        if named[name] != found[name]:
            raise BackupInvalid(
                f"{source}: {name} is damaged or was changed: expected SHA-256 "
                f"{named[name].sha256}, found {found[name].sha256}"
            )


def _text(entry: Entry) -> bytes:
    if entry.size > MOST_BYTES:
        raise BackupInvalid(f"{NAME}: expected at most {MOST_BYTES} bytes, found {entry.size}")
    return b"".join(entry.chunks)


def _place(folder: Path, name: str) -> Path:
    return folder / _PARTS / name.removeprefix(_STORE) if name.startswith(_STORE) else folder / name


@contextmanager
def _store(data: DataDir, manifest: Manifest, source: Path) -> Iterator[Engine | None]:
    """The store with all parts; None if the records are on a server."""
    parts = data.root / _PARTS
    if manifest.taken.store == "server":
        if parts.exists():
            raise BackupInvalid(f"{source}: has records, and says that they are on a server")
        yield None
        return
    check_migrations(manifest.taken.migrations)
    waiting = {path.name for path in parts.iterdir()} if parts.exists() else set()

    def place(table: str, folder: Path) -> None:
        waiting.discard(table)
        for part in sorted((parts / table).glob("*")):
            part.rename(folder / part.name)

    with closing(open_embedded(data.folder("store"))) as engine:
        try:
            build(engine, manifest.taken.migrations, place)
        except (StorageError, OSError) as error:
            raise BackupInvalid(f"{source}: its records cannot be read: {error}") from error
        if waiting:
            raise BackupInvalid(f"{source}: no version has a table {min(waiting)}")
        yield engine


def _expect_room(source: Path, folder: Path) -> None:
    wanted, free = size_of(source) + _SPARE, shutil.disk_usage(folder).free
    if wanted > free:
        raise BackupRefused(f"{folder.parent}: {wanted} bytes are needed, {free} are free")
