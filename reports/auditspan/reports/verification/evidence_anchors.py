"""Which anchors go into a package of evidence, with proofs that its root log goes on from them.

Notes that were saved are taken as they are. Of the receipts of each anchor two are enough: the
newest, which shows that nothing was made anew since, and the first one behind the window, which
dates it best. Whether a receipt holds is for whoever reads the package to check.
"""

from collections.abc import Iterator, Sequence
from datetime import datetime
from typing import Final

from auditspan.integrity.anchors import Receipt, encode_receipt
from auditspan.integrity.errors import IntegrityError
from auditspan.integrity.merkle import consistency_proof
from auditspan.integrity.package import Anchor
from auditspan.reports.verification.sealed_log import SealedLogs

RFC3161: Final = "rfc3161"


def saved(logs: SealedLogs, notes: Sequence[tuple[str, bytes]]) -> Iterator[Anchor]:
    """Notes of the root log that are a part of it."""
    for _, note in notes:
        hashes = _proof(logs, note)
        if hashes is not None:
            yield Anchor("file", note, hashes)


def receipted(
    logs: SealedLogs, receipts: Sequence[Receipt], until: datetime | None
) -> Iterator[Anchor]:
    """The receipts of each anchor that say most about what lies before a time."""
    size = logs.size(logs.root)
    for name in dict.fromkeys(one.anchor for one in receipts):
        fitting = [one for one in receipts if one.anchor == name and _of(one, logs.root, size)]
        behind = [one for one in fitting if until and one.time >= until.timestamp()]
        for one in dict.fromkeys([*behind[:1], *fitting[-1:]]):
            hashes = _proof(logs, one.note)
            if hashes is not None:
                # Of a time stamp the reply itself, as `verify.py` and openssl read it.
                kept = one.raw if one.type == RFC3161 else encode_receipt(one)
                yield Anchor(one.type, one.note, hashes, kept)


def _of(receipt: Receipt, root: str, size: int) -> bool:
    """Whether it is of the root log, as far as that is in the package."""
    return receipt.origin == root and 0 < receipt.size <= size


def _proof(logs: SealedLogs, note: bytes) -> tuple[bytes, ...] | None:
    """Consistency from a note to that of the package; None for one that is no part of it."""
    root, size = logs.root, logs.size(logs.root)
    try:
        at = logs.trust.accept(note).checkpoint
        if at.origin != root or at.size > size:
            return None
        return tuple(consistency_proof(logs.tree(root).node, at.size, size))
    except IntegrityError:
        return None
