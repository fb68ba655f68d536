"""What erasures and early expiries have in common: done when it is in the log, told when done.

A request waits until its entry is in the log and the segment it came in is finished, so that the
entry is signed. It is done when it has a certificate, and done again until then.
"""

import json
from collections.abc import Mapping
from typing import Final

import pyarrow as pa
from pydantic import JsonValue

from auditspan.collector.data_dir import DataDir
from auditspan.integrity.control_entry import Kind
from auditspan.storage.engine import Engine
from auditspan.storage.errors import ErasureIncomplete
from auditspan.storage.render import Target

NOT_CERTIFIED: Final = "NOT IN (SELECT ErasureId, BatchId FROM erasure_certificates)"
"""Of the id of a request and of the batch that it came in."""
_ENTRY: Final = (
    "SELECT LogId, LogIndex FROM audit_log_entries WHERE Kind = {kind:UInt8} "
    "AND JSONExtractString(Body, 'id') = {id:String} ORDER BY LogId, LogIndex"
)
_DONE: Final = (
    "SELECT count() FROM erasure_certificates "
    "WHERE ErasureId = {id:String} AND BatchId = {batch:String}"
)


def entries_of(store: Engine, kind: Kind, id: str) -> list[dict[str, JsonValue]]:
    """The entries of a request: log and index."""
    rows = store.arrow(_ENTRY, {"kind": int(kind), "id": id}).to_pylist()
    return [{"log": row["LogId"], "index": row["LogIndex"]} for row in rows]


def in_spool(data: DataDir, batch_id: str) -> bool:
    """Whether the segment of a batch is not finished yet."""
    return (data.folder("spool") / f"{batch_id}.seg").exists()


def certify(
    store: Engine, id: str, batch_id: str, at_ns: int, text: Mapping[str, JsonValue]
) -> None:
    """Say that a request is done. Raises `ErasureIncomplete`."""
    rows = pa.table(
        {
            "ErasureId": [id],
            "BatchId": [batch_id],
            "DoneAt": pa.array([at_ns], pa.int64()).cast(pa.timestamp("ns", "UTC")),
            "Certificate": [json.dumps(text, sort_keys=True)],
        }
    )
    store.insert(Target.of(store).table("erasure_certificates"), rows)
    if not int(store.raw(_DONE, "TSV", {"id": id, "batch": batch_id})):
        raise ErasureIncomplete(f"request {id}: its certificate is not in the store")
