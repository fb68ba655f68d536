"""A proof that one record is in its log (https://c2sp.org/tlog-proof)."""

from auditspan.integrity.checkpoint import checkpoint_of
from auditspan.integrity.merkle import leaf_hash
from auditspan.integrity.merkle_verify import verify_inclusion
from auditspan.integrity.proof_file import TlogProof
from auditspan.reports.errors import NothingFound
from auditspan.reports.verification.asking import rows
from auditspan.reports.verification.sealed_log import SealedLogs


def proof_of(logs: SealedLogs, record_id: str) -> TlogProof:
    """The proof, with the record's entry of 38 bytes as its extra data.

    Raises `NothingFound` for a record that is not there, is not sealed, or is not what was sealed,
    and `ProofInvalid` if its log is damaged.
    """
    found = rows(logs.ask, "record", record=record_id)
    if len(found) != 1:
        what = "no record" if not found else "more than one record"
        raise NothingFound(f"{what} with the id {record_id!r}")
    log, index = found[0]["LogId"], found[0]["LogIndex"]
    if not log:
        raise NothingFound(f"record {record_id} is from before sealing began: it is in no log")
    if index >= logs.size(log):
        raise NothingFound(f"record {record_id} at index {index}: {_not_under(logs, log)}")
    part = {"log": log, "first": index, "end": index + 1}
    if rows(logs.ask, "altered", **part) or rows(logs.ask, "altered_erased", **part):
        raise NothingFound(f"record {record_id} is not what was sealed; see `auditspan verify`")
    entry = bytes(rows(logs.ask, "entries", **part)[0]["Entry"])
    made = logs.proof(log, index, entry)
    at = checkpoint_of(made.checkpoint)
    verify_inclusion(leaf_hash(entry), index, at.size, made.hashes, at.root)
    return made


def _not_under(logs: SealedLogs, log: str) -> str:
    """Why there is no checkpoint over a record."""
    if log in logs.beyond:
        return logs.revoked(log)
    return "; ".join([*logs.damage(), "it is not under a checkpoint yet, try again"])
