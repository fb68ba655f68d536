"""A snapshot becomes a backup: every file with its hash, the manifest last, then the name."""

import hashlib
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from typing import Final

from auditspan.collector.backup.archive import FolderSink, Sink, TarSink, chunks_of, hashed
from auditspan.collector.backup.drafts import draft
from auditspan.collector.backup.errors import BackupInterrupted, BackupRefused
from auditspan.collector.backup.manifest import NAME, Manifest, Member, digest_of
from auditspan.collector.backup.snapshot import Snapshot

TAR: Final = ".tar"
"""A backup whose name ends so is one file, any other a folder."""

Progress = Callable[[str, int, int], None]
"""What is done, how much of it, of how much."""


@dataclass(frozen=True, slots=True)
class Written:
    """A backup that is there."""

    path: Path
    digest: str
    files: int
    bytes: int


def write(snapshot: Snapshot, target: Path, progress: Progress) -> Written:
    """Write a backup to a place that is free. Raises `BackupError`."""
    target = target.absolute()
    if target.resolve().is_relative_to(snapshot.data.root.resolve()):
        raise BackupRefused(f"{target}: is in the data folder: what it saves would go with it")
    with _gone_is_interrupted():
        found = [(name, path, path.stat().st_size) for name, path in snapshot.members()]
    total = sum(size for _, _, size in found)
    members: list[Member] = []
    done = 0

    def advance(count: int) -> None:
        nonlocal done
        done += count
        progress("backup", done, total)

    # A target that cannot be made is no snapshot that is gone: only what is inside is read of it.
    with _sink(target) as sink, _gone_is_interrupted():
        for name, path, size in found:
            sha256 = hashlib.sha256()
            sink.add(name, size, hashed(chunks_of(path, size), sha256, advance))
            members.append(Member(name=name, size=size, sha256=sha256.hexdigest()))
        manifest = Manifest(
            auditspan=version("auditspan"), taken=snapshot.taken, files=tuple(members)
        ).to_bytes()
        sink.add(NAME, len(manifest), [manifest])
        sink.finish()
    return Written(target, digest_of(manifest), len(members), total)


@contextmanager
def _sink(target: Path) -> Iterator[Sink]:
    folder = target.suffix != TAR
    with draft(target, folder=folder) as path:
        if folder:
            yield FolderSink(path)
        else:
            with os.fdopen(os.open(path, os.O_WRONLY | os.O_NOFOLLOW), "wb") as file:
                yield TarSink(file)


@contextmanager
def _gone_is_interrupted() -> Iterator[None]:
    try:
        yield
    except FileNotFoundError as error:
        raise BackupInterrupted(f"{error.filename}: was removed meanwhile: try again") from error
