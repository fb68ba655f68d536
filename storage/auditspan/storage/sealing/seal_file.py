"""The seal of a batch on disk: its entries, its place in the log, and the tree before it.

From the moment that `write_seal` has returned, the batch of that name (`batch_file.py`) exists and
is never computed again: its salts are random, and another computation would make another tree of
the same size. The file holds no content of records.

Format: one line of JSON, the entries of 38 bytes each, and the SHA-256 of all that.
"""

import hashlib
import json
from dataclasses import dataclass
from pathlib import Path

from auditspan.identity.files import write_atomic
from auditspan.integrity.canonical import ENTRY_BYTES
from auditspan.storage.errors import BatchFileInvalid, StoreFull

VERSION = 1
_HASH_BYTES = 32


@dataclass(frozen=True, slots=True)
class Body:
    """What an entry that is no record says, as it was sealed."""

    index: int
    kind: int
    text: str


@dataclass(frozen=True, slots=True)
class Seal:
    """A batch's part of the log."""

    batch_id: str
    log_id: str
    """Origin of the log."""
    first_index: int
    """Index of the first entry."""
    entries: bytes
    """All entries, in the order of their indices."""
    rows: int
    """How many of them are records; these stand side by side."""
    first_row: int
    """Index of the first record."""
    bodies: tuple[Body, ...]
    """The others."""
    sealed_at: int
    """Unix nanoseconds."""
    before: tuple[bytes, ...]
    """Roots of the complete subtrees of the tree before the batch, the largest first."""

    @property
    def count(self) -> int:
        """How many entries there are."""
        return len(self.entries) // ENTRY_BYTES

    @property
    def end(self) -> int:
        """Index behind the last entry."""
        return self.first_index + self.count


def write_seal(path: Path, seal: Seal) -> None:
    """Put a seal on disk for good. Raises `StoreFull`."""
    head = {
        "version": VERSION,
        "batch": seal.batch_id,
        "log": seal.log_id,
        "first": seal.first_index,
        "rows": seal.rows,
        "first_row": seal.first_row,
        "bodies": [[body.index, body.kind, body.text] for body in seal.bodies],
        "sealed_at": seal.sealed_at,
        "before": [root.hex() for root in seal.before],
    }
    data = json.dumps(head).encode() + b"\n" + seal.entries
    try:
        write_atomic(path, data + hashlib.sha256(data).digest())
    except OSError as error:
        raise StoreFull(f"seal {path}: {error}") from error


def read_seal(path: Path) -> Seal:
    """Read a seal back; one that is torn or not ours raises `BatchFileInvalid`."""
    try:
        data = path.read_bytes()
    except OSError as error:
        raise BatchFileInvalid(f"seal {path}: {error}") from error
    content, digest = data[:-_HASH_BYTES], data[-_HASH_BYTES:]
    if hashlib.sha256(content).digest() != digest:
        raise BatchFileInvalid(f"seal {path}: its checksum does not fit, the file is damaged")
    line, _, entries = content.partition(b"\n")
    head = json.loads(line)
    if head.get("version") != VERSION:
        raise BatchFileInvalid(
            f"seal {path}: format version {head.get('version')}, expected {VERSION}; "
            "finish it with the version of auditspan that wrote it"
        )
    return Seal(
        batch_id=head["batch"],
        log_id=head["log"],
        first_index=head["first"],
        entries=entries,
        rows=head["rows"],
        first_row=head["first_row"],
        bodies=tuple(Body(*body) for body in head["bodies"]),
        sealed_at=head["sealed_at"],
        before=tuple(bytes.fromhex(root) for root in head["before"]),
    )
