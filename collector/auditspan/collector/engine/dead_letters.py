"""What can never be processed is kept with its reason: two files each, a row, an entry of the log.

1. The files (`letters.py`), under a name that is a function of the batch and the place in it, so
   that doing it again changes nothing but the salt.
2. A row in `dead_letters`.
3. A gap in the log, sealed with the batch: what is missing, of whom, why, and how long it is kept.

What is put aside is a frame of the spool, so that it can be tried again; only what is no frame lies
there as it was.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np
import pyarrow as pa

from auditspan.collector import letters
from auditspan.collector.control.deadletter_kinds import GAP
from auditspan.collector.control.records import rfc3339
from auditspan.collector.engine.log_entries import Saying, body_text
from auditspan.collector.letters import DATA, Letter
from auditspan.identity.principal import Principal
from auditspan.integrity.control_entry import Kind
from auditspan.processors.retention import DEFAULT, RetentionConfig, expiry
from auditspan.storage.decode import ControlFrame
from auditspan.storage.engine import Engine
from auditspan.storage.errors import WriteMismatch
from auditspan.storage.render import Target
from auditspan.storage.salvage import BadFrame
from auditspan.wire.damage import pieces
from auditspan.wire.envelope import CONTROL, Envelope, frame, parse
from auditspan.wire.errors import FrameInvalid
from auditspan.wire.varint import MAX_BYTES, decode_varint

TABLE: Final = "dead_letters"
_TIME = pa.timestamp("ns", tz="UTC")
SCHEMA = pa.schema(
    [
        ("ReceivedAt", _TIME),
        ("DeadAt", _TIME),
        ("BatchId", pa.string()),
        ("LetterId", pa.string()),
        ("RequestDigest", pa.string()),
        ("PrincipalId", pa.string()),
        ("Stage", pa.string()),
        ("Reason", pa.string()),
        ("Bytes", pa.uint64()),
        ("File", pa.string()),
        ("RetentionClass", pa.string()),
        ("ExpiresOn", pa.date32()),
    ]
)


@dataclass(frozen=True, slots=True)
class DeadLetter:
    """One frame that is put aside."""

    batch_id: str
    place: str
    """Where in the batch: unique within it."""
    stage: str
    """What failed, as in `Letter.stage`."""
    reason: str
    data: bytes
    """The frame, its length in front; or what lay in the segment and is none."""

    @property
    def envelope(self) -> Envelope | None:
        """The frame that it is, if it is a whole one."""
        try:
            length, width = decode_varint(self.data[:MAX_BYTES])
            found = parse(self.data[width:])
        except FrameInvalid:
            return None
        return found if width + length == len(self.data) else None


def bury(
    folder: Path, dead: Sequence[DeadLetter], dead_at: int, config: RetentionConfig
) -> tuple[pa.Table, list[Saying]]:
    """Write the files; the rows for the store, and the entries for the log."""
    buried = []
    for each in dead:
        letter = _letter(each, dead_at, config)
        letters.write(folder, letter, each.data)
        buried.append((letter, _gap(letter, each.data)))
    rows = pa.Table.from_pylist([_row(letter) for letter, _ in buried], schema=SCHEMA)
    return rows, [saying for _, saying in buried]


def undecodable(batch_id: str, frames: Iterable[BadFrame]) -> list[DeadLetter]:
    """Frames that the engine cannot read."""
    return [
        DeadLetter(batch_id, f"frame-{bad.offset}", "decode", bad.reason, bad.data)
        for bad in frames
    ]


def unreadable_control(batch_id: str, at: int, read: ControlFrame, error: Exception) -> DeadLetter:
    """A control frame whose text says nothing we know."""
    envelope = Envelope(CONTROL, read.received_at, read.digest, read.principal, control=read.body)
    return DeadLetter(batch_id, f"control-{at}", "control", str(error), frame(envelope))


def condemned(batch_id: str, segment: bytes, reason: str) -> list[DeadLetter]:
    """All frames of a segment that ends processes, or that no store takes."""
    stage = "insert" if reason.startswith("refused") else "process"
    return [
        DeadLetter(batch_id, f"frame-{piece.offset}", stage, reason, piece.data)
        for piece in pieces(segment)
    ]


def _letter(dead: DeadLetter, dead_at: int, config: RetentionConfig) -> Letter:
    envelope = dead.envelope
    received = envelope.received_at if envelope else 0
    day = expiry(pa.array([dead_at], pa.int64()).cast(_TIME), pa.array([DEFAULT]), config)
    return Letter(
        dead.batch_id,
        dead.place,
        dead.stage,
        # A reason may repeat the sender's bytes: enough of it to find the fault.
        dead.reason[:2_000],
        received_at=received,
        request_digest=envelope.request_digest if envelope else "",
        principal_id=_principal_id(envelope.principal) if envelope else "",
        dead_at=dead_at,
        size=len(dead.data),
        retention_class=DEFAULT,
        expires_on=int(day.cast(pa.int32())[0].as_py()),
        salt=letters.new_salt(),
        retryable=envelope is not None,
    )


def _gap(letter: Letter, data: bytes) -> Saying:
    """What the log says of a letter: nothing that somebody said, for an entry cannot be erased."""
    body = {
        "control": GAP,
        "id": letter.id,
        "principal": letter.principal_id,
        "stage": letter.stage,
        "reason": letter.words,
        "bytes": letter.size,
        "digest": f"sha256:{letter.digest(data)}",
        "received_at": rfc3339(letter.received_at or letter.dead_at),
        "retention_class": letter.retention_class,
        "expires_on": letter.expiry,
    }
    return Saying(Kind.GAP, body_text(body))


def insert_once(engine: Engine, table: str, rows: pa.Table, batch_id: str) -> None:
    """Bring rows that carry a batch id into a table. Raises `WriteMismatch` if they are not there.

    They are counted afterwards: the embedded engine is silent about an insert that a full disk cut
    short.
    """
    if rows.num_rows == 0:
        return
    local = Target.of(engine).table(table)
    there = _count(engine, local, batch_id)
    if there == rows.num_rows:
        return
    if there:
        engine.command(
            f"ALTER TABLE {local} DELETE WHERE BatchId = {{batch:String}} "
            "SETTINGS mutations_sync = 2",
            {"batch": batch_id},
        )
    engine.insert(local, rows)
    after = _count(engine, local, batch_id)
    if after != rows.num_rows:
        raise WriteMismatch(
            f"batch {batch_id}: wrote {rows.num_rows} rows to {table}, the store has {after}; "
            "they are written again with the batch"
        )


def _count(engine: Engine, local: str, batch_id: str) -> int:
    sql = f"SELECT count() FROM {local} WHERE BatchId = {{batch:String}}"  # noqa: S608 (our name)
    return int(engine.raw(sql, "TSV", {"batch": batch_id}))


def _principal_id(text: str) -> str:
    try:
        return Principal.from_json(text).id
    except ValueError:
        return ""


def _row(letter: Letter) -> dict[str, object]:
    return {
        "ReceivedAt": letter.received_at or letter.dead_at,
        "DeadAt": letter.dead_at,
        "BatchId": letter.batch_id,
        "LetterId": letter.id,
        "RequestDigest": letter.request_digest,
        "PrincipalId": letter.principal_id,
        "Stage": letter.stage,
        "Reason": letter.reason,
        "Bytes": letter.size,
        "File": f"{letter.id}{DATA}",
        "RetentionClass": letter.retention_class,
        "ExpiresOn": np.datetime64(letter.expires_on, "D").astype(object),
    }
