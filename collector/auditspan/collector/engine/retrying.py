"""Dead letters that somebody asks to be processed again (`deadletter.retry`), exactly once.

The records of a letter become part of the batch that the request came in: its seal has them and the
entry that closes the gap, both or neither. So the letter is done when that batch is, by the same
count; a letter that fails again stays as it was. A row in `dead_letter_ends` says which batch it
was, and no other one takes the letter again. One that an erasure names is not tried: it would be
stored behind the back of who was told that it is gone.
"""

import logging
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Final

import pyarrow as pa

from auditspan.collector import letters
from auditspan.collector.control import erasure_tables
from auditspan.collector.control.deadletter_kinds import DEADLETTER_RETRY, GAP_CLOSED
from auditspan.collector.control.derive import Frame
from auditspan.collector.engine.log_entries import Saying, body_text
from auditspan.collector.engine.working import Worked, Worker
from auditspan.collector.letters import Letter
from auditspan.integrity.control_entry import Kind
from auditspan.storage.engine import Engine

LOG = logging.getLogger("auditspan.collector.engine")

TABLE: Final = "dead_letter_ends"
SCHEMA: Final = pa.schema(
    [
        ("LetterId", pa.string()),
        ("EndedAt", pa.timestamp("ns", tz="UTC")),
        ("Records", pa.uint64()),
        ("BatchId", pa.string()),
    ]
)
_ENDED: Final = (
    "SELECT count() FROM dead_letter_ends "
    "WHERE LetterId = {id:String} AND BatchId != {batch:String}"
)
_ERASED: Final = "SELECT DISTINCT RecordId FROM erasures WHERE RecordId IN {ids:Array(String)}"
MAX_BYTES: Final = 26 << 20
"""Of letters in one batch; the others stay, and are asked for again."""


@dataclass(slots=True)
class Retried:
    """What a batch has of letters."""

    worked: list[Worked] = field(default_factory=list)
    ended: list[tuple[str, int]] = field(default_factory=list)
    """Letters that are done with this batch, and how many records each has given."""

    def sayings(self) -> list[Saying]:
        """What the log says of them."""
        return [
            Saying(Kind.GAP, body_text({"control": GAP_CLOSED, "id": id, "records": records}))
            for id, records in self.ended
        ]

    def rows(self, batch_id: str, at_ns: int) -> pa.Table:
        """Their rows."""
        rows = [
            {"LetterId": id, "EndedAt": at_ns, "Records": records, "BatchId": batch_id}
            for id, records in self.ended
        ]
        return pa.Table.from_pylist(rows, schema=SCHEMA)


@dataclass(frozen=True, slots=True)
class Retrying:
    """The letters of one data folder."""

    folder: Path
    scratch: Path
    """Where frames lie while they are read."""
    store: Engine
    worker: Worker

    def retry(self, frames: Sequence[Frame], batch_id: str, before: Worked) -> Retried:
        """Work on the letters that control records ask for. Raises `StorageError`, `OSError`."""
        found, size = Retried(), 0
        for letter in self._asked(frames, batch_id):
            size += letter.size
            if size > MAX_BYTES and letter.size != size:
                LOG.error("dead letter %s waits: too many at once, ask again", letter.id)
                continue
            last = found.worked[-1] if found.worked else before
            again = self._again(letter, batch_id, last)
            if again is not None:
                found.worked.append(again)
                found.ended.append((letter.id, again.records + len(again.frames)))
        return found

    def _asked(self, frames: Sequence[Frame], batch_id: str) -> Iterator[Letter]:
        asked = (frame for frame in frames if frame.record.kind == DEADLETTER_RETRY)
        ids = list(dict.fromkeys(str(frame.record.body.get("id", "")) for frame in asked))
        erased = self._erased(ids, frames, batch_id) if ids else frozenset[str]()
        for id in ids:
            letter = letters.read(self.folder, id)
            if id in erased:
                LOG.warning("dead letter %s is erased, and not tried again", id[:200])
            elif letter is None or self._has_ended(id, batch_id):
                LOG.warning("dead letter %s is not here any more", id[:200])
            else:
                yield letter

    def _erased(self, ids: list[str], frames: Sequence[Frame], batch_id: str) -> frozenset[str]:
        """Letters that an erasure names: of this batch, or one that may not be done yet."""
        tables = [*erasure_tables.tables(frames, batch_id).values()]
        tables.append(self.store.arrow(_ERASED, {"ids": ids}))
        return frozenset(str(id) for table in tables for id in table["RecordId"].to_pylist())

    def _has_ended(self, id: str, batch_id: str) -> bool:
        return bool(int(self.store.raw(_ENDED, "TSV", {"id": id, "batch": batch_id})))

    def _again(self, letter: Letter, batch_id: str, last: Worked) -> Worked | None:
        """None if it fails again."""
        data = letters.data_of(self.folder, letter)
        if not data or not letter.retryable:
            self._failed(letter, "it is no frame that could be read")
            return None
        with TemporaryDirectory(prefix=".salvage-", dir=self.scratch) as folder:
            segment = Path(folder) / "letter.seg"
            segment.write_bytes(data)
            again = self.worker.work(segment, batch_id, last.history, last.sequences)
        if again.dead:
            self._failed(letter, again.dead[0].reason)
            return None
        return again

    def _failed(self, letter: Letter, reason: str) -> None:
        LOG.error("dead letter %s failed again", letter.id)
        letters.write_about(
            self.folder, replace(letter, tries=letter.tries + 1, again=reason[:2_000])
        )
