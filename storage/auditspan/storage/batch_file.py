"""The rows of a processed batch on disk, as they are to be inserted.

With its seal beside it (`sealing/seal_file.py`) a batch is never computed again.

An Arrow IPC file (https://arrow.apache.org/docs/format/Columnar.html#ipc-file-format) whose schema
metadata says version and batch id. It is written beside its name, fsynced, renamed, and the folder
is fsynced: after `write` returns it is there whole, before it is not there at all.
"""

import os
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

import pyarrow as pa

from auditspan.storage.errors import BatchFileInvalid, StoreFull
from auditspan.wire.segments import sync_folder

VERSION = 2
"""2: with the columns of the seal."""

_CHUNK_ROWS = 4_000
"""What the engine works on at once when it seals a batch: values of many more do not stay in the
processor's cache, and their memory is fetched anew for each expression."""

_FORMAT = b"auditspan.batch"
_BATCH_ID = b"auditspan.batch.id"


@dataclass(frozen=True, slots=True)
class BatchFile:
    """A batch as it was read from disk."""

    batch_id: str
    """Which batch it is."""
    table: pa.Table
    """Its rows, as they are to be inserted."""


def write_batch(path: Path, table: pa.Table, batch_id: str) -> None:
    """Put a batch on disk for good; one that is there already is replaced as a whole."""
    described = table.replace_schema_metadata({_FORMAT: str(VERSION), _BATCH_ID: batch_id})
    fresh = path.with_name(f".{path.name}.new")
    try:
        with _private(fresh) as file:
            with pa.ipc.new_file(file, described.schema) as writer:
                writer.write_table(described, max_chunksize=_CHUNK_ROWS)
            file.flush()
            os.fsync(file.fileno())
        fresh.replace(path)
        sync_folder(path.parent)
    except OSError as error:
        fresh.unlink(missing_ok=True)
        raise StoreFull(f"batch file {path}: {error}") from error


def read_batch(path: Path) -> BatchFile:
    """Read a batch back; a file that is torn or not ours raises `BatchFileInvalid`."""
    try:
        with pa.memory_map(str(path)) as source:
            table = pa.ipc.open_file(source).read_all()
    except (pa.ArrowInvalid, OSError) as error:
        raise BatchFileInvalid(f"batch file {path}: {error}") from error
    metadata = table.schema.metadata or {}
    version = metadata.get(_FORMAT, b"none").decode()
    if version != str(VERSION):
        raise BatchFileInvalid(
            f"batch file {path}: format version {version}, expected {VERSION}; "
            "finish it with the version of auditspan that wrote it"
        )
    return BatchFile(metadata[_BATCH_ID].decode(), table.replace_schema_metadata(None))


def _private(path: Path) -> BinaryIO:
    """A new file that only we may read, whatever the process's umask is."""
    return os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "wb")
