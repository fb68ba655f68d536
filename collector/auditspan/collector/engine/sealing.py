"""A batch gets its place in the log, its entries and, once it is stored, a signed checkpoint.

The order is that of DESIGN §4, and what a crash leaves is finished in it:

1. `seal`: indices, time, salts; rows to disk; entries computed from them; the seal to disk. Before
   the last of these nothing has happened, after it nothing of the batch is computed again.
2. `store`: rows, entries and bodies, each counted or compared.
3. `sign`: the tree with the batch's entries. Only then the log goes on.

Batches are sealed one after the other, and the next one only when the last is signed: so at most
one lies between what is signed and what is sealed.
"""

import contextlib
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Final

import pyarrow as pa

from auditspan.collector.engine.log_entries import Saying, body_text
from auditspan.collector.engine.log_file import write_log
from auditspan.collector.engine.log_start import Beginning, LogStart, month_of
from auditspan.collector.engine.notes import Notes
from auditspan.collector.engine.signing import Signer
from auditspan.collector.engine.stopwatch import Stopwatch
from auditspan.collector.signer.config import IntegrityConfig
from auditspan.collector.signer.protocol import Sign, Signed
from auditspan.integrity.canonical import ENTRY_BYTES
from auditspan.integrity.control_entry import Kind, control_entry
from auditspan.integrity.errors import ValueInvalid
from auditspan.integrity.log_state import LogState
from auditspan.integrity.merkle import Frontier, Grown, leaf_hashes
from auditspan.processors.entries import entries_of_table
from auditspan.processors.seal import SALT_BYTES, Place, seal
from auditspan.storage.batch_file import write_batch
from auditspan.storage.engine import Engine
from auditspan.storage.errors import BatchFileInvalid
from auditspan.storage.sealing.entries import entries_of_file
from auditspan.storage.sealing.filled_columns import filled
from auditspan.storage.sealing.seal_file import Body, Seal, read_seal, write_seal
from auditspan.storage.sealing.seals import read_entries
from auditspan.storage.values import Params
from auditspan.storage.writer import Written, finish_sealed

SUFFIX: Final = ".seal"
_MAX_SIZE: Final = 2**31
SQL_ROWS: Final = 1_500
"""Below it, the engine's fixed cost of a statement is higher than Python's for all rows."""


def aside(file: Path) -> Path:
    """Where a file of a batch goes that is damaged."""
    return file.with_name(f"{file.name}.invalid")


@dataclass(slots=True)
class Sealing:
    """The log that records go to."""

    folder: Path
    """Of batch files."""
    store: Engine
    decoder: Engine
    """Computes entries; the store itself if that is embedded."""
    signer: Signer
    notes: Notes
    random: Callable[[int], bytes]
    watch: Stopwatch
    start: LogStart
    idle_seconds: int
    """Longest time between two signatures."""
    now_ns: Callable[[], int] = time.time_ns
    log: LogState = field(default_factory=lambda: LogState(""))
    """Up to its last signed tree; `open` says which it is."""
    signed_at: int = field(default=0)
    """When the log was signed last, unix nanoseconds."""
    untried: str = field(default="")
    """The batch that was sealed last, until it is tried to store it."""

    def open(self, beginning: Beginning) -> None:
        """Go on with a log; finish what is neither a record nor signed."""
        self.log = beginning.log
        if beginning.opened:
            self._say("open", Saying(Kind.LOG_OPEN, body_text(beginning.opened)))
        pending = self.start.pending(self.log)
        if self._has_last_entry() or (pending and pending.batch_id == self._name("close")):
            self.rotate("")

    def rotate_if_due(self) -> None:
        """Begin the next log in another month, and before this one is too long to be proved."""
        size, now = self.log.tree.size, self.now_ns()
        if not self._epoch().startswith(month_of(now)) and now > self.log.sealed_at:
            self.rotate("month")
        elif size >= _MAX_SIZE:
            self.rotate("size")

    def rotate_key(self) -> None:
        """Begin another log, and so another key; one that holds no record yet will do."""
        if self.log.tree.size > 1:
            self.rotate("key")

    def rotate(self, why: str) -> None:
        """Close the log, whose key is destroyed then, and begin the next one."""
        if self._has_last_entry():
            self._ask(self.log.tree, Grown(self.log.tree), close=True)
        else:
            body = {"origin": self.log.origin, "size": self.log.tree.size, "reason": why}
            self._say("close", Saying(Kind.LOG_CLOSE, body_text(body)), close=True)
        self.open(self.start.begin(recover=False))

    def tick(self) -> None:
        """What is due by the clock: another log, a signature though nothing came, notes stored."""
        self.rotate_if_due()
        if self.now_ns() - self.signed_at >= self.idle_seconds * 1_000_000_000:
            self._ask(self.log.tree, Grown(self.log.tree))
        self.notes.flush_if_due()

    def path(self, batch_id: str) -> Path:
        """Where the seal of a batch lies."""
        return self.folder / f"{batch_id}{SUFFIX}"

    def seal(self, batch_id: str, table: pa.Table | None, sayings: Sequence[Saying] = ()) -> None:
        """Seal records and what is to be said besides, and put it all on disk (1)."""
        untried = "" if self._tried(batch_id) else batch_id
        first, sealed_at = self.log.tree.size, max(self.now_ns(), self.log.sealed_at)
        bodies = tuple(Body(first + at, said.kind, said.text) for at, said in enumerate(sayings))
        first_row = first + len(bodies)
        entries, rows = b"".join(control_entry(body.kind, body.text) for body in bodies), 0
        if table is not None and table.num_rows:
            rows = table.num_rows
            place = Place(self.log.origin, first_row, sealed_at)
            entries += self._records(seal(table, place, self.random(SALT_BYTES * rows)), batch_id)
        write_seal(
            self.path(batch_id),
            Seal(
                batch_id=batch_id,
                log_id=self.log.origin,
                first_index=first,
                entries=entries,
                rows=rows,
                first_row=first_row,
                bodies=bodies,
                sealed_at=sealed_at,
                before=self.log.tree.roots,
            ),
        )
        self.untried = untried

    def finish(self, batch_id: str, *, close: bool = False) -> Written:
        """Store (2) and sign (3) a sealed batch, as often as it takes.

        Raises `StorageError`, `SignerUnavailable`: try it again; `LogStopped`: it cannot be done.
        """
        sealed, first = read_seal(self.path(batch_id)), batch_id == self.untried
        self.untried = ""
        with self.watch.stage("store"):
            rows = self._rows(batch_id)
            written = finish_sealed(self.store, rows, sealed, first=first)
        if sealed.log_id == self.log.origin and sealed.end > self.log.tree.size:
            with self.watch.stage("sign"):
                self._sign(sealed, close=close)
        return written

    def signed_rows(self, batch_id: str) -> int:
        """How many records of a batch are in the store and in the signed part of the log."""
        sql = (
            "SELECT count() FROM audit_records WHERE BatchId = {batch:String} "
            "AND LogId = {log:String} AND LogIndex < {size:UInt64}"
        )
        params: Params = {
            "batch": batch_id,
            "log": self.log.origin,
            "size": self.log.tree.size,
        }
        return int(self.store.raw(sql, "TSV", params))

    def _tried(self, batch_id: str) -> bool:
        """Whether it may have been tried to store it: files of it are there, of whatever state."""
        files = self._rows(batch_id), self.path(batch_id)
        # By name: the folder holds the files of many batches, and this is asked for each.
        return any(file.exists() or aside(file).exists() for file in files)

    def _rows(self, batch_id: str) -> Path:
        return self.folder / f"{batch_id}.arrow"

    def _has_last_entry(self) -> bool:
        """Whether the end of the log is signed, and only its key is still there."""
        size = self.log.tree.size
        if not size:
            return False
        return read_entries(self.store, self.log.origin, size - 1, size)[1] == Kind.LOG_CLOSE

    def _say(self, what: str, saying: Saying, *, close: bool = False) -> None:
        """An entry without records, which is a batch of its own."""
        name = self._name(what)
        if self.path(name).exists():
            # What is on disk counts, if it can be read: it was sealed, and nothing more is known.
            with contextlib.suppress(BatchFileInvalid):
                self.finish(name, close=close)
                return
        self.seal(name, None, [saying])
        self.finish(name, close=close)

    def _name(self, what: str) -> str:
        return f"log-{self._epoch()}-{what}"

    def _epoch(self) -> str:
        return self.log.origin.rpartition("/")[2]

    def _records(self, table: pa.Table, batch_id: str) -> bytes:
        path = self._rows(batch_id)
        with self.watch.stage("batch_file"):
            write_batch(path, table, batch_id)
        with self.watch.stage("seal"):
            if table.num_rows < SQL_ROWS:
                # A map with a key twice has no canonical form in Python; the engine gives it one,
                # so that what must not happen holds nothing up.
                with contextlib.suppress(ValueInvalid):
                    return entries_of_table(table)
            return entries_of_file(self.decoder, path, filled(table))

    def _sign(self, sealed: Seal, *, close: bool) -> None:
        before = self.log.tree
        fresh = sealed.entries[(before.size - sealed.first_index) * ENTRY_BYTES :]
        grown = before.grown(leaf_hashes(fresh, ENTRY_BYTES))
        self._ask(before, grown, close=close)
        self.log = replace(self.log, tree=grown.tree, sealed_at=sealed.sealed_at)
        write_log(self.folder, self.log)

    def _ask(self, before: Frontier, grown: Grown, *, close: bool = False) -> None:
        proof, after = tuple(node.hex() for node in grown.consistency), grown.tree
        question = Sign(self.log.origin, before.size, after.size, after.root().hex(), proof, close)
        signed: Signed = self.signer.sign(question)
        self.signed_at = self.now_ns()
        self.notes.add(signed)


def new_sealing(
    folder: Path,
    engines: tuple[Engine, Engine],
    config: IntegrityConfig,
    instance: str,
    signer: Signer,
    random: Callable[[int], bytes],
    watch: Stopwatch,
    now_ns: Callable[[], int],
) -> Sealing:
    """Without a log yet; `open` gives it one. `engines` are the store and the one that decodes."""
    store, decoder = engines
    start = LogStart(folder, store, signer, f"{config.name}/{instance}/", now_ns)
    notes = Notes(store, signer, f"{config.name}/root", start.prefix)
    return Sealing(
        folder,
        store,
        decoder,
        signer,
        notes,
        random,
        watch,
        start,
        config.idle_seconds,
        now_ns,
    )
