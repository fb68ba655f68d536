"""The files of a data folder at one moment, as hard links and small copies beside it.

Front makes it while the engine holds still, or the command line of a stopped collector; then the
pipeline goes on, and the backup is written of the snapshot in all calm.

data/backup/<id>/taken.json   what the snapshot is of (`manifest.Taken`)
data/backup/<id>/files/       the files, but for the store's, which are frozen in the store
data/backup/<id>/lock         held by whoever reads; a snapshot that nobody reads is removed
"""

import contextlib
import errno
import os
import re
import shutil
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from auditspan.collector.backup.archive import private_folder
from auditspan.collector.backup.errors import BackupInterrupted
from auditspan.collector.backup.manifest import FOLDERS, INSTANCE, Taken, checked_name
from auditspan.collector.data_dir import SIGNER, DataDir
from auditspan.identity.files import write_atomic
from auditspan.storage.freezing import Frozen, frozen_files, thaw

PLACE: Final = "backup"
"""Folder of snapshots in a data folder; the engine cannot read it."""
LOCK: Final = "lock"
_TAKEN: Final = "taken.json"
_FILES: Final = "files"
_STORE: Final = "store"
_LINKED: Final = {"batches", "dead", "forward"}
"""Folders whose files are replaced and never appended to."""
_CLOSED: Final = ".seg"
_NO_SECRETS: Final = tuple(
    f"{SIGNER}/{name}" for name in ("state.json", "root.jsonl", "root.index")
)
"""What was signed: as precious as the keys, and no secret."""
_PASSING: Final = re.compile(r"\..*\.[0-9a-f]{12}|\..*\.new|\.lock|\..*\.lock|\.salvage-.*")
"""Drafts and locks."""


@dataclass(frozen=True, slots=True)
class Snapshot:
    """A snapshot that is there."""

    data: DataDir
    id: str
    taken: Taken
    frozen: Frozen | None
    """What was frozen in an embedded store."""

    @property
    def folder(self) -> Path:
        """Where it lies."""
        return self.data.root / PLACE / self.id

    def members(self) -> Iterator[tuple[str, Path]]:
        """Names in the backup, and the files. Raises `BackupInterrupted`, `BackupInvalid`."""
        files = self.folder / _FILES
        for path in sorted(files.rglob("*")):
            if path.is_file():
                yield checked_name(str(path.relative_to(files))), path
        some = False
        if self.frozen is not None:
            for name, path in frozen_files(self.data.folder(_STORE), self.frozen):
                yield checked_name(f"{_STORE}/{name}"), path
                some = True
            if self.taken.size and not some:
                raise BackupInterrupted(
                    "what was frozen of the store is gone, as after a new start of the engine: "
                    "try again"
                )
        if not (self.folder / _TAKEN).exists():
            raise BackupInterrupted("the snapshot was removed while it was read: try again")


def take(data: DataDir, id: str, taken: Taken, frozen: Frozen | None) -> Snapshot:
    """Copy and link what a data folder holds now; the store was frozen before."""
    files = data.root / PLACE / id / _FILES
    private_folder(files)
    _file(data.root / INSTANCE, files / INSTANCE)
    for name in FOLDERS:
        if name not in (_STORE, "secrets", "spool"):
            _tree(data.folder(name), files / name, linked=name in _LINKED)
    left_out = _secrets(data, files, wanted=taken.secrets)
    _spool(data.folder("spool"), files / "spool")
    taken = taken.model_copy(update={"left_out": left_out})
    write_atomic(files.parent / LOCK, b"")
    write_atomic(files.parent / _TAKEN, taken.model_dump_json().encode())
    return Snapshot(data, id, taken, frozen)


def opened(data: DataDir, id: str, frozen: Frozen | None) -> Snapshot:
    """A snapshot that a collector took. Raises `BackupInterrupted` if it is not there."""
    try:
        text = (data.root / PLACE / id / _TAKEN).read_bytes()
    except FileNotFoundError as error:
        raise BackupInterrupted(f"backup {id}: its snapshot is not there: try again") from error
    return Snapshot(data, id, Taken.model_validate_json(text), frozen)


def frozen_of(name: str, tables: Mapping[str, object]) -> Frozen:
    """What was frozen, by what an answer says of its tables."""
    return Frozen(name, {table: str(id) for table, id in tables.items()}, {})


def drop(data: DataDir, id: str) -> None:
    """Remove a snapshot, and what was frozen for it."""
    thaw(data.folder(_STORE), id)
    shutil.rmtree(data.root / PLACE / id, ignore_errors=True)


def drop_all(data: DataDir) -> None:
    """Remove what a crash left."""
    shutil.rmtree(data.root / PLACE, ignore_errors=True)


def _tree(folder: Path, to: Path, *, linked: bool) -> None:
    for path in sorted(folder.rglob("*")):
        if path.is_file() and not path.is_symlink() and not _PASSING.fullmatch(path.name):
            _file(path, to / path.relative_to(folder), linked=linked)


def _secrets(data: DataDir, files: Path, *, wanted: bool) -> tuple[str, ...]:
    """Keys and tokens if they are wanted, else what was signed; the names of the others."""
    root, left_out = data.folder("secrets"), []
    for path in sorted(root.rglob("*")):
        name = str(path.relative_to(data.root))
        if not path.is_file() or path.is_symlink() or _PASSING.fullmatch(path.name):
            continue
        if wanted or name in _NO_SECRETS:
            _file(path, files / name)
        else:
            left_out.append(name)
    return tuple(left_out)


def _spool(folder: Path, to: Path) -> None:
    """Front goes on writing: a segment that is closed between two looks is there in the second."""
    to.mkdir(mode=0o700)
    for _ in range(2):
        for path in sorted(folder.iterdir()):
            if path.is_symlink() or not path.is_file() or _PASSING.fullmatch(path.name):
                continue
            copy = to / path.name
            if path.suffix == _CLOSED and not copy.exists():
                _file(path, copy, linked=True)
                copy.with_suffix(".open").unlink(missing_ok=True)
            elif path.suffix != _CLOSED and not copy.with_suffix(_CLOSED).exists():
                copy.unlink(missing_ok=True)
                _file(path, copy)


def _file(path: Path, to: Path, *, linked: bool = False) -> None:
    private_folder(to.parent)
    # One that is gone meanwhile was replaced or is not needed any more.
    with contextlib.suppress(FileNotFoundError):
        if not (linked and _link(path, to)):
            shutil.copyfile(path, to, follow_symlinks=False)
            to.chmod(0o600)


def _link(path: Path, to: Path) -> bool:
    """False if the folders are on two disks."""
    try:
        os.link(path, to, follow_symlinks=False)
    except OSError as error:
        if error.errno not in (errno.EXDEV, errno.EPERM, errno.EMLINK):
            raise
        return False
    return True
