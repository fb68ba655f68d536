"""What has to hold of the logs in a store, after everything that may have happened."""

from collections import defaultdict

import pyarrow.compute as pc

from auditspan.integrity.canonical import ENTRY_BYTES
from auditspan.integrity.checkpoint import checkpoint_of
from auditspan.integrity.control_entry import control_entry
from auditspan.integrity.merkle import Frontier, leaf_hashes
from auditspan.storage.engine import Engine
from auditspan.storage.sealing.checkpoints import read_checkpoints
from auditspan.storage.sealing.entries import entries_of_store
from auditspan.storage.sealing.seals import extents, read_bodies, read_entries


def checked(store: Engine) -> dict[str, int]:
    """Size of each log, all of it recomputed from the records and bodies that are stored."""
    sizes = {}
    for log in extents(store):
        assert log.entries == log.end, f"{log.log_id} has gaps"
        _entries(store, log.log_id, log.end)
        _notes(store, log.log_id, log.end)
        sizes[log.log_id] = log.end
    return sizes


def _entries(store: Engine, log_id: str, size: int) -> None:
    sealed = read_entries(store, log_id, 0, size)
    made: dict[int, bytes] = {}
    for row in entries_of_store(store, log_id, 0, size).to_pylist():
        assert row["LogIndex"] not in made, f"{log_id}: two records at {row['LogIndex']}"
        made[row["LogIndex"]] = row["Entry"]
    for body in read_bodies(store, log_id, 0, size):
        assert body.index not in made
        made[body.index] = control_entry(body.kind, body.text)
    assert b"".join(made[index] for index in range(size)) == sealed


def _notes(store: Engine, log_id: str, size: int) -> None:
    """Every note says the root of the tree of its size, and there are never two roots of one."""
    roots: dict[int, set[bytes]] = defaultdict(set)
    for row in read_checkpoints(store, log_id):
        stated = checkpoint_of(row.note.encode())
        assert (stated.origin, stated.size, stated.root) == (log_id, row.size, row.root)
        roots[row.size].add(row.root)
    leaves = leaf_hashes(read_entries(store, log_id, 0, size), ENTRY_BYTES)
    for signed, found in roots.items():
        assert found == {Frontier().extended(leaves[:signed]).root()}


def times_are_in_order(store: Engine) -> bool:
    """No record is sealed before the one in front of it."""
    times = store.arrow(
        "SELECT SealedAt FROM audit_records WHERE LogId != '' ORDER BY LogId, LogIndex"
    )
    found = times["SealedAt"].combine_chunks()
    return bool(pc.all(pc.less_equal(found[:-1], found[1:])).as_py()) if len(found) > 1 else True
