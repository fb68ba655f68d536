"""The collector's data folder: what lies where, who may enter, and one process at a time.

data/                 0700
├── spool/            requests that were acknowledged, until their records are stored
├── batches/          processed batches, until their rows are known to be on disk
├── dead/             frames that can never be processed, each with its reason
├── store/            the embedded engine
├── registry/         the registry in force, readable by the engine
├── public/           public halves of keys
├── checkpoints/      the newest signed note of each log
├── anchors/          receipts of anchors, and how far each of them is
├── run/              unix socket of the engine, and which step it is in
├── tmp/              the engine's scratch files
├── forward/          batches that wait for another backend, and how far they are passed on
├── secrets/          keys and tokens; never within the engine's reach
│   └── log/          keys and state of the signing process, which reads nothing else
├── backup/           a snapshot while a backup is written of it; not always there
├── instance          this collector's id
├── front.json        where a running collector listens
└── lock              held while a process uses the folder
"""

import contextlib
import fcntl
import json
import os
import re
import secrets
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from auditspan.collector.errors import AlreadyRunning, DataDirInvalid
from auditspan.identity.files import write_atomic

_FOLDERS: Final = (
    "spool",
    "batches",
    "dead",
    "store",
    "registry",
    "public",
    "checkpoints",
    "anchors",
    "run",
    "tmp",
    "secrets",
    "forward",
)
SIGNER: Final = "secrets/log"
"""The folder of the signing process."""
_ENGINE_WRITES: Final = ("spool", "batches", "dead", "store", "run", "tmp")
_ENGINE_READS: Final = ("registry", "public", "checkpoints", "anchors")
_INSTANCE = re.compile(r"[a-z0-9]{8}")


@dataclass(frozen=True, slots=True)
class DataDir:
    """Paths below one data folder."""

    root: Path

    @property
    def instance(self) -> str:
        """This collector's id; part of every batch id."""
        return (self.root / "instance").read_text().strip()

    @property
    def front_json(self) -> Path:
        """Where a running collector says it listens."""
        return self.root / "front.json"

    @property
    def socket(self) -> Path:
        """Where the engine answers."""
        return self.root / "run" / "engine.sock"

    def folder(self, name: str) -> Path:
        """One of the folders above."""
        return self.root / name

    def secret(self, name: str) -> Path:
        """A file of the folder that only front reads."""
        return self.root / "secrets" / name

    def engine_writes(self) -> list[Path]:
        """What the engine may change."""
        return [self.root / name for name in _ENGINE_WRITES]

    def engine_reads(self) -> list[Path]:
        """What the engine may read besides."""
        return [self.root / name for name in _ENGINE_READS]


def prepare(root: Path) -> DataDir:
    """Create the folder, or check the one that is there. Raises `DataDirInvalid`."""
    root = root.absolute()
    _make(root, root, *(root / name for name in _FOLDERS))
    for path in (root, *(root / name for name in _FOLDERS)):
        _check_private(path)
    _make(root, root / SIGNER)
    for folder in (root / "secrets", root / SIGNER):
        for path in folder.iterdir():
            # Drafts of a collector that runs come and go.
            with contextlib.suppress(FileNotFoundError):
                _check_private(path)
    _ensure_instance(root / "instance")
    return DataDir(root)


@contextmanager
def locked(data: DataDir) -> Iterator[None]:
    """Hold the folder for this process; the lock ends with it. Raises `AlreadyRunning`."""
    with (data.root / "lock").open("a+") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            file.seek(0)
            raise AlreadyRunning(
                f"data folder {data.root} is in use by process {file.read().strip() or 'unknown'}: "
                "stop it, or use another folder"
            ) from error
        file.truncate(0)
        file.write(str(os.getpid()))
        file.flush()
        yield


def write_front(data: DataDir, addresses: dict[str, str]) -> None:
    """Tell the command line where this collector listens."""
    text = json.dumps({"pid": os.getpid(), **addresses}, indent=1) + "\n"
    write_atomic(data.front_json, text.encode())


def _make(root: Path, *folders: Path) -> None:
    try:
        for folder in folders:
            folder.mkdir(mode=0o700, parents=folder == root, exist_ok=True)
    except FileExistsError as error:
        raise DataDirInvalid(
            f"{folder} is no folder: expected one; move it away, or choose another data folder"
        ) from error
    except OSError as error:
        raise DataDirInvalid(f"data folder {root}: {error.strerror}: choose another") from error


def _check_private(path: Path) -> None:
    found = path.lstat()
    mode = stat.S_IMODE(found.st_mode)
    wanted = 0o700 if path.is_dir() else 0o600
    if path.is_symlink():
        raise DataDirInvalid(f"{path} is a symbolic link: expected the folder or file itself")
    if found.st_uid != os.getuid():
        raise DataDirInvalid(f"{path} belongs to uid {found.st_uid}: expected uid {os.getuid()}")
    if mode & 0o077:
        raise DataDirInvalid(
            f"{path} has mode {mode:04o}: expected {wanted:04o}; run `chmod {wanted:o} {path}`"
        )


def _ensure_instance(path: Path) -> None:
    if not path.exists():
        write_atomic(path, f"{secrets.token_hex(4)}\n".encode())
    text = path.read_text(errors="replace").strip()
    if not _INSTANCE.fullmatch(text):
        raise DataDirInvalid(f"{path}: expected 8 letters or digits, found {text[:20]!r}")
