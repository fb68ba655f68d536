"""Which log goes on, and from where: asked of the signing process, the disk and the store at start.

The signing process knows what was signed, and the log goes on from there: whatever lies behind it
was never signed, and is finished or made anew. What was signed must be in the store, with the root
that was signed. If not, a backup was restored or somebody deleted entries, and a second tree of one
size would be made: the log is not continued. An operator who knows why may begin a new one, which
names the old (`auditspan up --recover`).

| signed | on disk and in the store | then |
|---|---|---|
| nothing | nothing | the first log is begun |
| an open log | all of it | it goes on |
| an open log | less, or another tree | refused; with `recover`, abandoned and a new one begun |
| a closed log | all of it | the next one is begun |
| nothing | entries | the signer's folder is lost: refused, or a new one as above |

What anchors have must have been signed as well: if not, the signer's folder went back with the
backup. That is refused too; the new log says what was anchored, and is not asked again.
"""

import logging
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

from auditspan.collector.engine.anchored_logs import (
    ANCHORED,
    Lost,
    lost_to_anchors,
    stated,
    words,
)
from auditspan.collector.engine.errors import LogStopped
from auditspan.collector.engine.log_file import read_log
from auditspan.collector.engine.root_log import expect_own_root
from auditspan.collector.engine.signing import Signer
from auditspan.collector.signer.protocol import Head, Known
from auditspan.integrity.canonical import ENTRY_BYTES
from auditspan.integrity.log_state import LogState
from auditspan.integrity.merkle import Frontier, leaf_hashes
from auditspan.storage.engine import Engine
from auditspan.storage.errors import BatchFileInvalid, WriteMismatch
from auditspan.storage.sealing.seal_file import Seal, read_seal
from auditspan.storage.sealing.seals import Extent, extents, read_entries

LOG = logging.getLogger("auditspan.collector.engine")

FIRST, NEXT, RECOVERED = "first", "next", "recovered"
"""Why a log is begun."""

_CHUNK: Final = 100_000
_FIX: Final = (
    "restore the newer data, or begin a new log that states the gap: auditspan up --recover"
)


@dataclass(frozen=True, slots=True)
class Beginning:
    """The log to work on."""

    log: LogState
    opened: dict[str, object]
    """What its first entry is to say; empty if that is signed."""


@dataclass(slots=True)
class LogStart:
    """Everything that is asked."""

    folder: Path
    """Of batch files."""
    store: Engine
    signer: Signer
    prefix: str
    """Of this instance's logs: `<domain>/auditspan/<deployment>/<instance>/`."""
    now_ns: Callable[[], int]

    def begin(self, *, recover: bool) -> Beginning:
        """The log that goes on, or a new one.

        Raises `SignerUnavailable`, and `LogStopped` if a log cannot be continued without `recover`.
        """
        expect_own_root(self.store, self.prefix)
        known = self.signer.heads()
        head = known.logs[-1] if known.logs else None
        stored = {found.log_id: found for found in extents(self.store, self.prefix)}
        anchors = self.folder.parent / "anchors"
        lost = lost_to_anchors(anchors, self.prefix, known, self.signer)
        try:
            if lost and not stated(self.store, stored, lost):
                raise LogStopped(f"{words(lost)}: {_FIX}")
            if head is None:
                self._expect_nothing(stored)
                return self._open(known, FIRST, None)
            log = self._signed(head, stored.get(head.origin))
        except LogStopped as error:
            if not recover:
                raise
            LOG.warning("a new log is begun: %s", error)
            return self._open(known, RECOVERED, head or self._lost(stored), lost)
        if head.state == "closed":
            return self._open(known, NEXT, head)
        return self._going_on(log, head, known)

    def _going_on(self, log: LogState, head: Head, known: Known) -> Beginning:
        if log.tree.size:
            return Beginning(log, {})
        before = known.logs[-2] if len(known.logs) > 1 else None
        return Beginning(log, self._says(head, before))

    def _open(
        self, known: Known, reason: str, before: Head | None, lost: Lost | None = None
    ) -> Beginning:
        abandon = reason == RECOVERED and before is not None and before.state == "open"
        opened = self.signer.open(self._epoch(known), reason, abandon=abandon)
        head = Head(opened.origin, 0, "", "open", opened.vkey, reason)
        says = self._says(head, before)
        if lost:
            says[ANCHORED] = lost
        return Beginning(LogState(opened.origin), says)

    def _epoch(self, known: Known) -> str:
        """The month, and a number behind it from the second log of a month on."""
        month = month_of(self.now_ns())
        origins = [log.origin for log in known.logs]
        origins += [found.log_id for found in extents(self.store, self.prefix)]
        taken = {origin.removeprefix(self.prefix) for origin in origins}
        names = [month, *(f"{month}.{number}" for number in range(2, len(taken) + 3))]
        return next(name for name in names if name not in taken)

    def _says(self, head: Head, before: Head | None) -> dict[str, object]:
        sql = "SELECT count() FROM audit_records WHERE LogId = ''"
        body: dict[str, object] = {
            "origin": head.origin,
            "vkey": head.vkey,
            "reason": head.reason,
            # What was stored before records were sealed, or by a collector that does not seal.
            "unsealed_records": int(self.store.raw(sql, "TSV")),
        }
        if before is not None:
            body["predecessor"] = {
                "origin": before.origin,
                "size": before.size,
                "root": before.root,
            }
        return body

    def _signed(self, head: Head, stored: Extent | None) -> LogState:
        """The log as it was signed last. Raises `LogStopped` if that is not here."""
        if head.state == "abandoned":
            raise LogStopped(f"log {head.origin}: it was given up: {_FIX}")
        entries = stored.entries if stored else 0
        if entries < head.size:
            raise LogStopped(
                f"log {head.origin}: {head.size} entries were signed, the store has {entries}: "
                f"{_FIX}"
            )
        log = self._from_disk(head) or self._from_store(head)
        if head.size and log.tree.root().hex() != head.root:
            raise LogStopped(
                f"log {head.origin}: another tree of {head.size} entries was signed: {_FIX}"
            )
        return log

    def _from_disk(self, head: Head) -> LogState | None:
        """The state of the last batch, with the one behind it if that was signed as well."""
        log = read_log(self.folder)
        if log is None or log.origin != head.origin:
            return LogState(head.origin) if head.size == 0 else None
        pending = self.pending(log)
        if pending and log.tree.size < head.size:
            log = log.appended(pending.entries, pending.sealed_at)
        return log if log.tree.size == head.size else None

    def _from_store(self, head: Head) -> LogState:
        """Made anew from all entries, for want of the files."""
        tree = Frontier()
        for first in range(0, head.size, _CHUNK):
            end = min(first + _CHUNK, head.size)
            try:
                entries = read_entries(self.store, head.origin, first, end)
            except WriteMismatch as error:
                raise LogStopped(f"{error}: {_FIX}") from error
            tree = tree.extended(leaf_hashes(entries, ENTRY_BYTES))
        sql = (
            "SELECT toUnixTimestamp64Nano(max(SealedAt)) FROM audit_records "
            "WHERE LogId = {log:String}"
        )
        sealed_at = int(self.store.raw(sql, "TSV", {"log": head.origin}))
        return LogState(head.origin, tree, sealed_at)

    def pending(self, log: LogState) -> Seal | None:
        """The batch that was sealed and not signed."""
        for path in sorted(self.folder.glob("*.seal")):
            try:
                found = read_seal(path)
            except BatchFileInvalid:
                continue
            if (found.log_id, found.first_index) == (log.origin, log.tree.size):
                return found
        return None

    def _expect_nothing(self, stored: dict[str, Extent]) -> None:
        log = read_log(self.folder)
        names = sorted({*stored, *([log.origin] if log else [])})
        if names:
            raise LogStopped(
                f"log {names[-1]}: it is here, but the signing process does not know it, so its "
                "key is lost: restore secrets/log, or begin a new log: auditspan up --recover"
            )

    def _lost(self, stored: dict[str, Extent]) -> Head | None:
        """What the store says of a log whose signer knows nothing; its root is not proved."""
        if not stored:
            return None
        last = stored[max(stored)]
        return Head(last.log_id, last.end, "", "lost", "", "")


def month_of(ns: int) -> str:
    """The month (UTC) of a time."""
    return datetime.fromtimestamp(ns / 1e9, UTC).strftime("%Y-%m")
