"""What can never be processed is kept, with its reason: a file each, and a row in `dead_letters`.

The file is written first, so that a crash leaves the frame with its reason and at worst no row;
its name is a function of the batch and the place in it, so that doing it again changes nothing.
"""

import json
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

import pyarrow as pa

from auditspan.collector.engine.pipeline import Processed
from auditspan.identity.files import write_atomic
from auditspan.identity.principal import Principal
from auditspan.storage.decode import ControlFrame
from auditspan.storage.engine import Engine
from auditspan.storage.errors import WriteMismatch
from auditspan.storage.render import Target
from auditspan.storage.salvage import BadFrame

_TIME = pa.timestamp("ns", tz="UTC")
SCHEMA = pa.schema(
    [
        ("ReceivedAt", _TIME),
        ("DeadAt", _TIME),
        ("BatchId", pa.string()),
        ("RequestDigest", pa.string()),
        ("PrincipalId", pa.string()),
        ("Stage", pa.string()),
        ("Reason", pa.string()),
        ("Bytes", pa.uint64()),
        ("File", pa.string()),
    ]
)


@dataclass(frozen=True, slots=True)
class DeadLetter:
    """One frame or record that is put aside."""

    batch_id: str
    place: str
    """Where in the batch: unique within it."""
    stage: str
    """What failed: `decode`, `control`, or the name of a stage."""
    reason: str
    data: bytes
    """The frame as it lay in the segment, or the decoded record as JSON or Arrow stream."""
    received_at: int = 0
    """Unix nanoseconds, 0 if even that cannot be read."""
    request_digest: str = ""
    principal_id: str = ""

    @property
    def name(self) -> str:
        """The file's name without its ending."""
        return f"{self.batch_id}-{self.place}"


def bury(folder: Path, letters: Sequence[DeadLetter], dead_at: int) -> pa.Table:
    """Write the files, and return the rows for the store."""
    for letter in letters:
        write_atomic(folder / f"{letter.name}.data", letter.data)
        about = {k: v for k, v in asdict(letter).items() if k != "data"}
        write_atomic(folder / f"{letter.name}.json", json.dumps(about, indent=1).encode())
    return pa.Table.from_pylist([_row(letter, dead_at) for letter in letters], schema=SCHEMA)


def undecodable(batch_id: str, frames: Iterable[BadFrame]) -> list[DeadLetter]:
    """Frames that the engine cannot read."""
    return [
        DeadLetter(batch_id, f"frame-{frame.offset}", "decode", frame.reason, frame.data)
        for frame in frames
    ]


def unreadable_control(batch_id: str, at: int, frame: ControlFrame, error: Exception) -> DeadLetter:
    """A control frame whose text says nothing we know."""
    return DeadLetter(
        batch_id,
        f"control-{at}",
        "control",
        str(error),
        frame.body.encode(),
        frame.received_at,
        frame.digest,
        _principal_id(frame.principal),
    )


def too_large(batch_id: str, rows: Iterable[pa.Table]) -> list[DeadLetter]:
    """Records beyond what the store could take, as Arrow streams: as JSON they would grow again."""
    return [
        DeadLetter(
            batch_id,
            f"large-{at}",
            "decode",
            f"record of {row.nbytes} bytes when decoded: send less content on one span",
            _arrow_stream(row),
            row["ReceivedAt"].cast(pa.int64())[0].as_py(),
            row["RequestDigest"][0].as_py(),
            _principal_id(row["Principal"][0].as_py()),
        )
        for at, row in enumerate(rows)
    ]


def failed(batch_id: str, processed: Processed) -> list[DeadLetter]:
    """Records on which a stage failed."""
    return [
        DeadLetter(
            batch_id,
            f"record-{at}",
            rejected.stage,
            rejected.reason,
            json.dumps(rejected.row.to_pylist()[0], default=str).encode(),
            rejected.row["ReceivedAt"].cast(pa.int64())[0].as_py(),
            rejected.row["RequestDigest"][0].as_py(),
            _principal_id(rejected.row["Principal"][0].as_py()),
        )
        for at, rejected in enumerate(processed.rejected)
    ]


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


def _arrow_stream(row: pa.Table) -> bytes:
    sink = pa.BufferOutputStream()
    with pa.ipc.new_stream(sink, row.schema) as writer:
        writer.write_table(row)
    data: bytes = sink.getvalue().to_pybytes()
    return data


def _principal_id(text: str) -> str:
    try:
        return Principal.from_json(text).id
    except ValueError:
        return ""


def _row(letter: DeadLetter, dead_at: int) -> dict[str, object]:
    return {
        "ReceivedAt": letter.received_at or dead_at,
        "DeadAt": dead_at,
        "BatchId": letter.batch_id,
        "RequestDigest": letter.request_digest,
        "PrincipalId": letter.principal_id,
        "Stage": letter.stage,
        # A reason may repeat the sender's bytes: enough of it to find the fault.
        "Reason": letter.reason[:2_000],
        "Bytes": len(letter.data),
        "File": f"{letter.name}.data",
    }
