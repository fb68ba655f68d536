"""A folder outside of the data folder, one note a size: as good as whoever keeps that folder.

Files are made once, on disk before the receipt, and never written again: read-only, and a name that
is taken is refused by the kernel. Whoever may write the folder can still delete them; another
owner, another machine or `chattr +a` keeps them (docs/anchors.md).
"""

import asyncio
import contextlib
import errno
import os
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO, Final

from auditspan.collector.anchors.config import FileAnchorConfig
from auditspan.collector.anchors.errors import AnchorRefused, AnchorUnavailable, AnchorUnusable
from auditspan.integrity.anchors import Receipt, check_same_tree, path_of
from auditspan.integrity.checkpoint import checkpoint_of
from auditspan.integrity.errors import NoteInvalid
from auditspan.integrity.note import MAX_BYTES

TYPE: Final = "file"


@dataclass(frozen=True, slots=True)
class FileAnchor:
    """See `anchor.Anchor`."""

    config: FileAnchorConfig
    data: Path
    """The data folder, which whoever restores a backup replaces as a whole."""
    now: Callable[[], float] = time.time

    @property
    def name(self) -> str:
        """As the configuration calls it."""
        return self.config.name

    @property
    def cadence(self) -> float:
        """Seconds between two notes."""
        return self.config.cadence_seconds

    async def prepare(self) -> None:
        """Raises `AnchorUnusable` if the folder is not there, or inside of the data folder."""
        folder = self.config.folder
        if not folder.is_dir():
            raise AnchorUnusable(f"anchor {self.name}: folder {folder} is not there: make it")
        inside = folder.resolve().is_relative_to(self.data.resolve())
        if inside or self.data.resolve().is_relative_to(folder.resolve()):
            raise AnchorUnusable(
                f"anchor {self.name}: folder {folder} and data folder {self.data} lie in each "
                "other, so that both go back with one backup: choose a folder elsewhere, best on "
                "another disk or machine"
            )
        if not os.access(folder, os.W_OK | os.X_OK):
            raise AnchorUnusable(f"anchor {self.name}: folder {folder} cannot be written to")

    async def anchor(self, note: bytes) -> Receipt:
        """See `anchor.Anchor`."""
        return await asyncio.to_thread(self._keep, note)

    async def check(self, receipt: Receipt, note: bytes) -> Receipt:
        """The kept note is there and of the same tree; `local`, since nobody else vouches."""
        await asyncio.to_thread(self._compare, receipt.note, note)
        return receipt

    def _keep(self, note: bytes) -> Receipt:
        path = self._path(note)
        try:
            if not path.exists():
                path.parent.mkdir(mode=0o755, exist_ok=True)
                _sync(self.config.folder)
                _write_once(path, note)
            kept = self._compare(note, note)
        except OSError as error:
            raise AnchorUnavailable(f"anchor {self.name}: {path}: {error.strerror}") from error
        return Receipt(TYPE, self.name, int(self.now()), kept, place=str(path))

    def _compare(self, receipt_note: bytes, note: bytes) -> bytes:
        path = self._path(note)
        try:
            with path.open("rb") as file:
                kept = file.read(MAX_BYTES + 1)
            for each in (receipt_note, kept):
                check_same_tree(each, note, f"anchor {self.name}: {path}")
        except FileNotFoundError as error:
            raise AnchorRefused(f"anchor {self.name}: {path} was there and is gone") from error
        except NoteInvalid as error:
            raise AnchorRefused(str(error)) from error
        return kept

    def _path(self, note: bytes) -> Path:
        return self.config.folder / path_of(checkpoint_of(note))


def _write_once(path: Path, data: bytes) -> None:
    """A whole file or none, and never over one that is there.

    The file gets its name when it is on disk. So nothing is deleted, which a folder with `chattr
    +a` does not allow; file systems that know no nameless files get a draft that is.
    """
    try:
        descriptor = os.open(path.parent, os.O_WRONLY | os.O_TMPFILE, 0o444)
    except OSError as error:
        if error.errno not in (errno.EOPNOTSUPP, errno.EISDIR, errno.EINVAL, errno.ENOENT):
            raise
        _write_draft(path, data)
    else:
        with os.fdopen(descriptor, "wb") as file:
            _written(file, data)
            with contextlib.suppress(FileExistsError):
                # Only so is the link followed to the file itself.
                os.link(f"/proc/self/fd/{descriptor}", path, src_dir_fd=0, follow_symlinks=True)
    _sync(path.parent)


def _write_draft(path: Path, data: bytes) -> None:
    draft = path.with_name(f".{path.name}.{os.getpid()}")
    draft.unlink(missing_ok=True)
    flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW
    with os.fdopen(os.open(draft, flags, 0o444), "wb") as file:
        _written(file, data)
    with contextlib.suppress(FileExistsError):
        os.link(draft, path)
    draft.unlink()


def _written(file: BinaryIO, data: bytes) -> None:
    file.write(data)
    file.flush()
    os.fsync(file.fileno())


def _sync(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
