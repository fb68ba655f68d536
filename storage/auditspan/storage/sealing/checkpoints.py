"""Signed notes in the store, as https://c2sp.org/tlog-checkpoint has them."""

from collections.abc import Sequence
from dataclasses import dataclass

import pyarrow as pa

from auditspan.storage.engine import Engine
from auditspan.storage.render import Target

TABLE = "audit_checkpoints"
_SELECT = (
    "SELECT LogId, Size, Root, toUnixTimestamp64Milli(SignedAt) AS At, Note "  # noqa: S608
    f"FROM {TABLE} WHERE LogId = {{log:String}}"
)


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """A signed note with what it says."""

    log_id: str
    """Origin of the log."""
    size: int
    root: bytes
    signed_at: int
    """Unix milliseconds, by the signer's clock."""
    note: str
    """The note with all its signatures."""


def put_checkpoints(engine: Engine, notes: Sequence[Checkpoint]) -> None:
    """Add notes. One that is there twice says the same twice."""
    if not notes:
        return
    rows = pa.table(
        {
            "LogId": pa.array([note.log_id for note in notes]),
            "Size": pa.array([note.size for note in notes], pa.uint64()),
            "Root": pa.array([note.root for note in notes], pa.binary(32)),
            "SignedAt": pa.array([note.signed_at for note in notes], pa.timestamp("ms", "UTC")),
            "Note": pa.array([note.note for note in notes]),
        }
    )
    engine.insert(Target.of(engine).table(TABLE), rows)


def read_checkpoints(engine: Engine, log_id: str) -> list[Checkpoint]:
    """The notes of a log, the smallest tree first."""
    rows = engine.arrow(f"{_SELECT} ORDER BY Size, SignedAt", {"log": log_id}).to_pylist()
    return [
        Checkpoint(row["LogId"], row["Size"], row["Root"], row["At"], row["Note"]) for row in rows
    ]
