"""A batch that was begun and not signed is taken back, so that its segment can be taken apart.

What is signed stays: the signing process is asked, and it answers one question after the other. Of
a batch that is not, no tree was ever shown to anybody, and its places in the log are free again.

1. Rows of the batch, its entries and bodies. 2. Rows beside the records, and dead letters. 3. The
batch file, the sequence state, and the seal last: until then all of this is done again.
"""

from typing import Final

from auditspan.collector import letters
from auditspan.collector.engine.sealing import SUFFIX, Sealing
from auditspan.collector.engine.segments import SEQUENCES, Segments
from auditspan.storage.engine import Engine
from auditspan.storage.errors import BatchFileInvalid
from auditspan.storage.render import Target
from auditspan.storage.role_views import table_columns, tables
from auditspan.storage.sealing.seal_file import Seal, read_seal
from auditspan.storage.sealing.seals import BODIES, SEALS
from auditspan.storage.values import Params
from auditspan.storage.writer import delete_unfinished

_BATCH: Final = "BatchId = {batch:String}"
_RANGE: Final = "LogId = {log:String} AND LogIndex >= {first:UInt64} AND LogIndex < {end:UInt64}"


def undo(segments: Segments, batch_id: str) -> bool:
    """Take a batch back; whether that could be. Raises `StorageError`, `SignerUnavailable`,
    `OSError`."""
    path = segments.batch_file(batch_id)
    seal = _seal(segments, batch_id)
    if seal is not None:
        if segments.sealing is None or _is_signed(segments.sealing, seal):
            return False
        _take_back(segments.store, seal)
    delete_unfinished(segments.store, batch_id)
    for table in tables():
        if "BatchId" in table_columns(table, "investigator"):
            _delete(segments.store, table, _BATCH, {"batch": batch_id})
    for letter in list(letters.all_of(segments.dead)):
        if letter.batch_id == batch_id:
            letters.remove(segments.dead, letter.id)
    for file in (path, path.with_name(f"{batch_id}.{SEQUENCES}"), path.with_suffix(SUFFIX)):
        file.unlink(missing_ok=True)
    return True


def _seal(segments: Segments, batch_id: str) -> Seal | None:
    path = segments.batch_file(batch_id).with_suffix(SUFFIX)
    try:
        return read_seal(path) if path.exists() else None
    except BatchFileInvalid:
        return None


def _is_signed(sealing: Sealing, seal: Seal) -> bool:
    """By the signing process, which may know of more than this one was told."""
    logs = {head.origin: head for head in sealing.signer.heads().logs}
    head = logs.get(seal.log_id)
    return head is None or head.size > seal.first_index


def _take_back(store: Engine, seal: Seal) -> None:
    place: Params = {"log": seal.log_id, "first": seal.first_index, "end": seal.end}
    for table in (SEALS, BODIES):
        _delete(store, table, _RANGE, place)


def _delete(store: Engine, table: str, condition: str, params: Params) -> None:
    local = Target.of(store).table(table)
    # Asked first: a mutation costs more than a look, and most tables have nothing.
    if int(store.raw(f"SELECT count() FROM {local} WHERE {condition}", "TSV", params)):  # noqa: S608
        store.command(
            f"ALTER TABLE {local} DELETE WHERE {condition} SETTINGS mutations_sync = 2", params
        )
