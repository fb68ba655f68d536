"""One spool segment becomes stored records, exactly once (DESIGN §4).

1. A seal of that name is there: the segment was processed, and only what comes after is left.
2. Otherwise: decode, control records, stages; registry tables and dead letters; rows, entries and
   seal on disk (`sealing.py`).
   One that is too large is replaced by its parts first (`cutting.py`), small ones that wait were
   joined (`joining.py`).
3. Insert and count; sign.
4. The sequence state of the batch comes into force; the segment is deleted. The batch file stays
   until the store's parts are surely on disk.

A crash between any two steps is followed by the same steps again with the same result.
"""

import contextlib
import os
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc

from auditspan.collector.control import derive, derived_tables
from auditspan.collector.data_dir import DataDir
from auditspan.collector.engine import dead_letters, retrying
from auditspan.collector.engine.cutting import cut, drop_stale
from auditspan.collector.engine.dead_letters import DeadLetter, bury, insert_once
from auditspan.collector.engine.log_entries import Saying, sayings
from auditspan.collector.engine.log_keys import change_keys
from auditspan.collector.engine.pipeline import Pipeline
from auditspan.collector.engine.retrying import Retried, Retrying
from auditspan.collector.engine.sealing import SUFFIX, Sealing, aside
from auditspan.collector.engine.stopwatch import Stopwatch
from auditspan.collector.engine.working import Worked, Worker
from auditspan.identity.files import write_atomic
from auditspan.processors.finish import RANDOM_BYTES
from auditspan.processors.finish import finish as finish_records
from auditspan.processors.retention import kept
from auditspan.processors.sequences import SequenceState
from auditspan.registry import History
from auditspan.storage.batch_file import write_batch
from auditspan.storage.engine import Engine
from auditspan.storage.errors import BatchFileInvalid
from auditspan.storage.sealing.seal_file import read_seal
from auditspan.storage.writer import Written, finish, finish_sealed
from auditspan.wire.segments import sync_folder

SEQUENCES = "sequences.json"
"""In `batches/`: how far the senders' numbering had come with the last stored batch."""


@dataclass(frozen=True, slots=True)
class Stored:
    """What became of a segment."""

    batch_id: str
    records: int
    dead_letters: int
    controls: int
    oldest_received_at: int
    """Unix nanoseconds; 0 if the batch was finished from its file."""

    @property
    def may_ask(self) -> bool:
        """Whether something in it may ask for more than to be stored: an erasure, for example."""
        return self.controls > 0 or self.oldest_received_at == 0


@dataclass(slots=True)
class Segments:
    """Processes segments one after the other."""

    data: DataDir
    store: Engine
    decoder: Engine
    """Reads segments; the store itself if that is embedded."""
    pipeline: Pipeline
    history: History
    sequences: SequenceState
    watch: Stopwatch
    now_ns: Callable[[], int] = time.time_ns
    sealing: Sealing | None = None
    """The log that records go to; None if they are not sealed."""
    enter: Callable[[str, str], None] = lambda batch_id, step: None
    """Told of each step of a batch before it begins."""

    def process(self, segment: Path, condemned: str = "") -> Stored:
        """Bring one segment into the store; what is condemned, with a reason, to the dead letters.

        Raises `StorageError`, `OSError` and `SignerUnavailable`: try it again; `LogStopped`.
        """
        batch_id = segment.name.removesuffix(".seg")
        stored = Stored(batch_id, 0, 0, 0, 0)
        drop_stale(segment)
        if not self._prepared(batch_id):
            if cut(segment):
                return stored
            if self.sealing is not None:
                self.sealing.rotate_if_due()
            stored = self._prepare(segment, batch_id, condemned)
        if self._prepared(batch_id):
            self.enter(batch_id, "insert")
            written = self._store(batch_id)
            stored = replace(stored, records=written.rows)
            self._adopt_sequences(batch_id)
        segment.unlink()
        # A segment that is back after a power failure is found to be stored.
        with contextlib.suppress(OSError):
            sync_folder(segment.parent)
        return stored

    def batch_file(self, batch_id: str) -> Path:
        """Where the processed batch lies."""
        return self.data.folder("batches") / f"{batch_id}.arrow"

    def begun(self, batch_id: str) -> bool:
        """Whether anything of a batch is on disk."""
        path = self.batch_file(batch_id)
        return path.exists() or path.with_suffix(SUFFIX).exists()

    def _prepared(self, batch_id: str) -> bool:
        """Whether the batch is on disk, never to be computed again."""
        path = self.batch_file(batch_id)
        seal = path.with_suffix(SUFFIX)
        return seal.exists() or (self.sealing is None and path.exists())

    def _store(self, batch_id: str) -> Written:
        path = self.batch_file(batch_id)
        files = [file for file in (path, path.with_suffix(SUFFIX)) if file.exists()]
        try:
            written = self._finish(batch_id)
        except BatchFileInvalid:
            signed = self.sealing.signed_rows(batch_id) if self.sealing else 0
            if not signed:
                # Damaged on disk: put aside, so that the next try makes it anew from the segment.
                for file in files:
                    file.replace(aside(file))
                raise
            written = Written(signed, inserted=False, repaired=False)
        # They are held from now on, however long ago they were made.
        for file in files:
            os.utime(file)
        return written

    def _finish(self, batch_id: str) -> Written:
        if self.sealing is not None:
            return self.sealing.finish(batch_id)
        path = self.batch_file(batch_id)
        seal = path.with_suffix(SUFFIX)
        with self.watch.stage("store"):
            if seal.exists():
                return finish_sealed(self.store, path, read_seal(seal))
            return finish(self.store, path)

    def _prepare(self, segment: Path, batch_id: str, condemned: str) -> Stored:
        if condemned:
            worked, retried = self._condemned(segment, batch_id, condemned), Retried()
        else:
            worked, retried = self._worked(segment, batch_id)
        self.enter(batch_id, "seal")
        last = retried.worked[-1] if retried.worked else worked
        frames = [frame for each in (worked, *retried.worked) for frame in each.frames]
        if self.sealing is not None:
            change_keys(self.sealing, [frame.record for frame in frames])
        gaps = self._attach(frames, worked.dead, retried, batch_id)
        tables = [table for each in (worked, *retried.worked) for table in each.tables]
        tables += self._control_rows(frames, batch_id)
        counts = Stored(batch_id, 0, len(worked.dead), len(frames), 0)
        said = [*sayings(frame.record for frame in frames), *gaps, *retried.sayings()]
        if not tables and not (said and self.sealing is not None):
            return counts
        table = pa.concat_tables(tables) if tables else None
        state = self.data.folder("batches") / f"{batch_id}.{SEQUENCES}"
        write_atomic(state, last.sequences.to_json().encode())
        self._to_disk(table, said, batch_id)
        if table is None:
            return counts
        oldest = pc.min(table["ReceivedAt"].cast(pa.int64())).as_py()
        return replace(counts, records=table.num_rows, oldest_received_at=oldest)

    def _worked(self, segment: Path, batch_id: str) -> tuple[Worked, Retried]:
        """The segment, and the dead letters that it asks for again."""
        spool, dead = segment.parent, self.dead
        worker = Worker(self.decoder, self.pipeline, lambda step: self.enter(batch_id, step))
        worked = worker.work(segment, batch_id, self.history, self.sequences)
        retried = Retrying(dead, spool, self.store, worker).retry(worked.frames, batch_id, worked)
        self.history = retried.worked[-1].history if retried.worked else worked.history
        return worked, retried

    def _condemned(self, segment: Path, batch_id: str, reason: str) -> Worked:
        """All that is in a segment is dead, and not looked at."""
        found = dead_letters.condemned(batch_id, segment.read_bytes(), reason)
        return Worked((), (), tuple(found), self.history, self.sequences)

    @property
    def dead(self) -> Path:
        """Where the files of dead letters lie."""
        return self.data.folder("dead")

    def _to_disk(self, table: pa.Table | None, said: Sequence[Saying], batch_id: str) -> None:
        if self.sealing is not None:
            self.sealing.seal(batch_id, table, said)
        elif table is not None:
            with self.watch.stage("batch_file"):
                write_batch(self.batch_file(batch_id), table, batch_id)

    def _attach(
        self,
        frames: Sequence[derive.Frame],
        dead: Sequence[DeadLetter],
        retried: Retried,
        batch_id: str,
    ) -> list[Saying]:
        """Rows beside the records; what the log is to say of dead letters."""
        for name, rows in derived_tables.tables(frames, batch_id):
            insert_once(self.store, name, rows, batch_id)
        insert_once(self.store, retrying.TABLE, retried.rows(batch_id, self.now_ns()), batch_id)
        if not dead:
            return []
        rows, gaps = bury(self.dead, dead, self.now_ns(), self.pipeline.config.retention)
        insert_once(self.store, dead_letters.TABLE, rows, batch_id)
        return gaps

    def _control_rows(self, frames: Sequence[derive.Frame], batch_id: str) -> list[pa.Table]:
        if not frames:
            return []
        random = self.pipeline.random(len(frames) * RANDOM_BYTES)
        records = kept(derive.batch(frames), self.pipeline.config.retention)
        return [finish_records(records, batch_id, random)]

    def _adopt_sequences(self, batch_id: str) -> None:
        folder = self.data.folder("batches")
        own = folder / f"{batch_id}.{SEQUENCES}"
        if own.exists():
            self.sequences = SequenceState.from_json(own.read_text())
            own.replace(folder / SEQUENCES)
