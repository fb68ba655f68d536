"""Does what a sealed `record.erased` says: in the store, in files, and on the certificate.

1. The entry of the log is there, and the segment it came in is finished, so it is signed.
2. What was put aside and quotes what goes: dead letters, statements in the access log.
3. The records, in one mutation for each set of groups; what is left fits the log.
4. Batch files, so that none brings back what was erased; replaced parts of the store.
5. The certificate. Until it is there, all of this is done again: each step finds what the one
   before it has left, and 2 comes before 3 because it needs the values.
"""

import time
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from pydantic import JsonValue

from auditspan.collector.control.erasure_plan import LETTER, REQUEST
from auditspan.collector.control.erasure_values import naming
from auditspan.collector.control.records import rfc3339
from auditspan.collector.data_dir import DataDir
from auditspan.collector.engine.quoting import (
    digests_of,
    forget_letters,
    forget_reads,
    stored_since,
)
from auditspan.collector.engine.sealed_requests import (
    NOT_CERTIFIED,
    Decision,
    Due,
    Row,
    certify,
    entries_of,
    in_spool,
    pending,
)
from auditspan.collector.query.lookups import answer
from auditspan.integrity.control_entry import Kind
from auditspan.storage.batch_file import read_batch, write_batch
from auditspan.storage.engine import Engine
from auditspan.storage.erased_batch import blanked, left_of
from auditspan.storage.erasure import Erased, erase, erased, remaining
from auditspan.storage.errors import BatchFileInvalid
from auditspan.storage.old_parts import drop_old_parts
from auditspan.wire.segments import sync_folder

_PENDING: Final = (
    "SELECT ErasureId, BatchId, RecordId, LogId, LogIndex, Groups, Asked, "  # noqa: S608 (ours)
    "toUnixTimestamp64Nano(ErasedAt) AS At, RequestedBy, ApprovedBy, Ticket, Proposal "
    f"FROM erasures WHERE (ErasureId, BatchId) {NOT_CERTIFIED} "
    "ORDER BY At, ErasureId, BatchId, RecordId"
)
_HASHED: Final = (
    "SELECT RecordId, BatchId, RequestDigest FROM audit_records "
    "WHERE RecordId IN {ids:Array(String)}"
)
_PORTION: Final = 50
_STATEMENT_IDS: Final = 5_000
"""Ids of records that one statement names."""
_Row = Mapping[str, JsonValue]


@dataclass(frozen=True, slots=True)
class Request:
    """An erasure that was approved and has no certificate yet."""

    decision: Decision
    groups: Mapping[str, tuple[str, ...]]
    """By record id."""
    asked: Mapping[str, tuple[str, ...]]
    """Those of them that somebody named; of requests from before that was kept, all."""
    letters: frozenset[str] = frozenset()
    """Ids of dead letters that are erased as a whole."""

    def whole(self) -> list[str]:
        """Records of which more goes than the hash of their request."""
        return [name for name, groups in self.groups.items() if groups != (REQUEST,)]

    def hashed(self) -> list[str]:
        """The others: they came in the same requests."""
        return [name for name, groups in self.groups.items() if groups == (REQUEST,)]

    def by_groups(self) -> Iterator[tuple[tuple[str, ...], list[str]]]:
        """Record ids by what is erased of them, as many as one statement names."""
        found: dict[tuple[str, ...], list[str]] = defaultdict(list)
        for record_id, groups in self.groups.items():
            found[groups].append(record_id)
        for groups, ids in found.items():
            yield from ((groups, some) for some in _portions(ids, _STATEMENT_IDS))


@dataclass(slots=True)
class Erasing:
    """The erasures of one store."""

    data: DataDir
    store: Engine
    sealed: bool
    """Whether a log is kept: then nothing is erased before its entry."""
    instance: str = ""
    """The collector's id, whose requests these are; empty: it is alone on its store."""
    now_ns: Callable[[], int] = time.time_ns
    due: Due = field(default_factory=lambda: Due("an erasure"))

    def tick(self, *, asked: bool) -> None:
        """Do what is due: after a batch that may ask for it, at the start, and after a failure."""
        self.due.tick(self.run, asked=asked)

    def run(self) -> int:
        """Do all that can be done; how many still wait for their entry to be signed."""
        waiting = 0
        for decision, rows in pending(self.store, _PENDING, "ErasureId", self.instance):
            entries = entries_of(self.store, Kind.ERASE, decision.id)  # 1
            if (self.sealed and not entries) or in_spool(self.data, decision.batch_id):
                waiting += 1
                continue
            self._do(_request(decision, rows), entries)
        return waiting

    def _do(self, request: Request, entries: Sequence[Mapping[str, JsonValue]]) -> None:
        rows, hashed = self._rows(request.whole()), self._hashed(request.hashed())
        digests = {str(row["RequestDigest"]) for row in (*rows, *hashed)} - {""}
        folder = self.data.folder("dead")
        digests |= digests_of(folder, request.letters)
        letters = forget_letters(  # 2
            self.store, folder, _values(rows, request), digests, request.decision.id,
            request.letters,
        )  # fmt: skip
        reads = forget_reads(self.store, rows)
        for groups, ids in request.by_groups():  # 3
            if remaining(self.store, groups, ids):
                erase(self.store, groups, ids)
        files = self._clear_files([*rows, *hashed], request)  # 4
        drop_old_parts(self.store, ("audit_records", "access_log", "dead_letters"))
        text = _certificate(request, entries, rows, self._left(request.whole())) | {  # 5
            "same_requests": _same_requests(request, hashed, self._left(request.hashed())),
            "batch_files": files,
            **_letters(letters, stored_since(self.store, letters)),
            "statements_of_readers": reads,
            "completed_at": rfc3339(self.now_ns()),
        }
        certify(self.store, request.decision, self.now_ns(), text)

    def _rows(self, ids: Sequence[str]) -> list[_Row]:
        return [
            row
            for some in _portions(ids, _PORTION)
            for row in answer(self.store, "erasable", {"ids": some})
        ]

    def _hashed(self, ids: Sequence[str]) -> list[_Row]:
        """Without their content, which stays."""
        return [
            row
            for some in _portions(ids, _STATEMENT_IDS)
            for row in self.store.arrow(_HASHED, {"ids": some}).to_pylist()
        ]

    def _left(self, ids: Sequence[str]) -> list[Erased]:
        return [
            left for some in _portions(ids, _STATEMENT_IDS) for left in erased(self.store, some)
        ]

    def _clear_files(self, rows: Sequence[_Row], request: Request) -> int:
        folder, count = self.data.folder("batches"), 0
        batches: dict[str, list[str]] = defaultdict(list)
        for row in rows:
            batches[str(row["BatchId"])].append(str(row["RecordId"]))
        for batch_id, ids in batches.items():
            for damaged in folder.glob(f"{batch_id}.arrow.invalid"):
                damaged.unlink()
                count += 1
            count += self._clear_batch(folder / f"{batch_id}.arrow", ids, request)
        return count

    def _clear_batch(self, path: Path, ids: Sequence[str], request: Request) -> int:
        if not path.exists():
            return 0
        try:
            batch = read_batch(path)
        except BatchFileInvalid:
            path.unlink()
            sync_folder(path.parent)
            return 1
        groups = {record_id: request.groups[record_id] for record_id in ids}
        write_batch(path, blanked(batch.table, groups, left_of(self.store, ids)), batch.batch_id)
        return 1


def _request(decision: Decision, rows: Sequence[Row]) -> Request:
    asked = {str(row["RecordId"]): tuple(_names(row["Asked"])) for row in rows}
    groups = {str(row["RecordId"]): tuple(sorted(_names(row["Groups"]))) for row in rows}
    dead = frozenset(id for id, names in groups.items() if names == (LETTER,))
    groups = {id: names for id, names in groups.items() if id not in dead}
    # Without any it is from before they were kept.
    return Request(decision, groups, asked if any(asked.values()) else groups, dead)


def _portions(ids: Sequence[str], size: int) -> Iterator[list[str]]:
    return (list(ids[at : at + size]) for at in range(0, len(ids), size))


def _names(value: object) -> list[str]:
    return [str(name) for name in value] if isinstance(value, list) else []


def _values(rows: Sequence[_Row], request: Request) -> frozenset[str]:
    """What names somebody in what was asked for; that of reads is in the records they quote."""
    found = [
        naming(row, request.asked[str(row["RecordId"])])
        for row in rows
        if row["Operation"] != "store.read"
    ]
    return frozenset[str]().union(*found)


def _certificate(
    request: Request,
    entries: Sequence[Mapping[str, JsonValue]],
    rows: Sequence[_Row],
    left: Sequence[Erased],
) -> dict[str, JsonValue]:
    there, kept = {str(row["RecordId"]) for row in rows}, {each.record_id: each for each in left}
    records: list[JsonValue] = [
        {"record": name, "groups": list(groups), "present": name in there, **_left(kept.get(name))}
        for name, groups in request.groups.items()
        if groups != (REQUEST,)
    ]
    return request.decision.told("erasure") | {
        "log_entries": [dict(entry) for entry in entries],
        "records": records,
    }


def _same_requests(
    request: Request, rows: Sequence[_Row], left: Sequence[Erased]
) -> dict[str, JsonValue]:
    """Records of which the hash of the request went, and nothing else."""
    return {
        "records": len(request.hashed()),
        "present": len(rows),
        "matches_seal": all(each.fits for each in left),
    }


def _letters(emptied: Sequence[str], stored: set[str]) -> dict[str, JsonValue]:
    """Of one that was stored meanwhile only the file is gone: its content is in records."""
    gone: list[JsonValue] = [id for id in emptied if id not in stored]
    return {
        "dead_letters": len(gone),
        "dead_letter_ids": gone,
        "dead_letters_stored": list[JsonValue](sorted(stored)),
    }


def _left(left: Erased | None) -> dict[str, JsonValue]:
    """What a record still proves; nothing of one that was not sealed, or has expired."""
    if left is None:
        return {}
    return {
        "log": left.log_id,
        "index": left.log_index,
        "commitments": {name: hash.hex() for name, hash in sorted(left.commitments.items())},
        "matches_seal": left.fits,
    }
