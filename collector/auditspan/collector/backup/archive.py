"""The two forms of a backup: a tar file (POSIX ustar, not compressed) and a folder.

Reading trusts nothing: only plain files with names of a data folder, each once, and never more
bytes than there are. Links, devices, sparse files, extended headers and whatever else tar knows
are refused. ClickHouse has compressed the rows already, and a file that cannot grow while it is
read is no bomb.
"""

import hashlib
import os
import stat
import tarfile
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO, Final, Protocol

from auditspan.collector.backup.errors import BackupInterrupted, BackupInvalid
from auditspan.collector.backup.manifest import NAME, checked_name

_BLOCK: Final = 512
_CHUNK: Final = 1 << 20
_OCTAL_SIZE: Final = 8**11
_NO_LINK: Final = os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC | os.O_NONBLOCK

Advance = Callable[[int], None]
"""Told of every piece of bytes."""


@dataclass(frozen=True, slots=True)
class Entry:
    """A file of a backup that is read; its bytes are taken before the next one is asked for."""

    name: str
    size: int
    chunks: Iterator[bytes]


class Sink(Protocol):
    """Where a backup is written."""

    def add(self, name: str, size: int, chunks: Iterable[bytes]) -> None: ...
    def finish(self) -> None: ...


@dataclass(slots=True)
class TarSink:
    """One file."""

    file: BinaryIO

    def add(self, name: str, size: int, chunks: Iterable[bytes]) -> None:
        """Append a file."""
        self.file.write(_header(name, size))
        for chunk in chunks:
            self.file.write(chunk)
        self.file.write(bytes(-size % _BLOCK))

    def finish(self) -> None:
        """The end, on disk."""
        self.file.write(bytes(2 * _BLOCK))
        self.file.flush()
        os.fsync(self.file.fileno())


@dataclass(slots=True)
class FolderSink:
    """A folder of files."""

    folder: Path

    def add(self, name: str, size: int, chunks: Iterable[bytes]) -> None:
        """Write a file."""
        write_file(self.folder / name, chunks)

    def finish(self) -> None:
        """On disk, as all else is."""
        os.sync()


def write_file(path: Path, chunks: Iterable[bytes]) -> None:
    """A new file for its owner alone; folders on the way are made."""
    private_folder(path.parent)
    flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC
    with os.fdopen(os.open(path, flags, 0o600), "wb") as file:
        for chunk in chunks:
            file.write(chunk)


def private_folder(path: Path) -> None:
    """A folder for its owner alone, with those on the way to it."""
    if not path.is_dir():
        private_folder(path.parent)
        path.mkdir(mode=0o700, exist_ok=True)


def chunks_of(path: Path, size: int) -> Iterator[bytes]:
    """The bytes of a file that has this size. Raises `BackupInterrupted` if it has not."""
    with os.fdopen(os.open(path, _NO_LINK), "rb") as file:
        left = size
        while left and (chunk := file.read(min(left, _CHUNK))):
            left -= len(chunk)
            yield chunk
        if left or file.read(1):
            raise BackupInterrupted(f"{path}: changed while it was copied: try again")


def hashed(chunks: Iterable[bytes], into: "hashlib._Hash", advance: Advance) -> Iterator[bytes]:
    """The same chunks, taken into a hash on their way."""
    for chunk in chunks:
        into.update(chunk)
        advance(len(chunk))
        yield chunk


def entries(source: Path) -> Iterator[Entry]:
    """What a backup holds, in its order; the manifest is the last. Raises `BackupInvalid`."""
    seen: set[str] = set()
    for entry in _of_folder(source) if source.is_dir() else _of_file(source):
        if NAME in seen:
            raise BackupInvalid(f"{source}: {entry.name} comes behind the manifest")
        if entry.name != NAME:
            checked_name(entry.name)
        if entry.name in seen:
            raise BackupInvalid(f"{source}: {entry.name} is in it twice")
        seen.add(entry.name)
        yield entry
    if NAME not in seen:
        raise BackupInvalid(f"{source}: has no {NAME}: it is no backup, or one that was cut off")


def size_of(source: Path) -> int:
    """Bytes of a backup."""
    if not source.is_dir():
        return source.stat().st_size
    return sum(path.lstat().st_size for path in source.rglob("*") if path.is_file())


def _of_folder(source: Path) -> Iterator[Entry]:
    paths = sorted(source.rglob("*"), key=lambda path: (path == source / NAME, str(path)))
    for path in paths:
        if path.is_symlink() or not (path.is_file() or path.is_dir()):
            raise BackupInvalid(f"{path}: expected a file or a folder")
        if path.is_file():
            size = path.lstat().st_size
            yield Entry(str(path.relative_to(source)), size, chunks_of(path, size))


def _of_file(source: Path) -> Iterator[Entry]:
    # To open a pipe waits for a writer, who may never come.
    with os.fdopen(os.open(source, os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK), "rb") as file:
        found = os.fstat(file.fileno())
        if not stat.S_ISREG(found.st_mode):
            raise BackupInvalid(f"{source}: expected a file or a folder")
        end = found.st_size
        while block := file.read(_BLOCK):
            if block == bytes(_BLOCK):
                return
            at = file.tell()
            name, size = _member(source, block)
            if size > end - at:
                raise BackupInvalid(
                    f"{source}: {name} should have {size} bytes, the file has {end - at} more"
                )
            yield Entry(name, size, _limited(file, size))
            file.seek(at + size + -size % _BLOCK)


def _member(source: Path, block: bytes) -> tuple[str, int]:
    try:
        info = tarfile.TarInfo.frombuf(block, "ascii", "strict")
    except (tarfile.HeaderError, UnicodeDecodeError, ValueError) as error:
        raise BackupInvalid(f"{source}: is no backup in a tar file: {error}") from error
    if info.type != tarfile.REGTYPE or info.size < 0:
        raise BackupInvalid(f"{source}: {info.name[:240]!r}: expected a plain file")
    return info.name, info.size


def _limited(file: BinaryIO, size: int) -> Iterator[bytes]:
    while size and (chunk := file.read(min(size, _CHUNK))):
        size -= len(chunk)
        yield chunk


def _header(name: str, size: int) -> bytes:
    info = tarfile.TarInfo(name)
    info.size, info.mode = min(size, _OCTAL_SIZE - 1), 0o600
    try:
        block = info.tobuf(tarfile.USTAR_FORMAT)
    except ValueError as error:
        raise BackupInvalid(f"{name}: cannot stand in a tar file: {error}") from error
    return block if size < _OCTAL_SIZE else _large(block, size)


def _large(block: bytes, size: int) -> bytes:
    """Eight gigabytes and more, as GNU tar and libarchive write it: a number of base 256."""
    block = block[:124] + b"\x80" + size.to_bytes(11) + block[136:]
    blank = block[:148] + b" " * 8 + block[156:]
    return block[:148] + b"%06o\0 " % sum(blank) + block[156:]
