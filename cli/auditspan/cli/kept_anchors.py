"""What others keep of the logs, for a verification: notes that were saved, and receipts."""

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from auditspan.cli.sealed_store import Where

if TYPE_CHECKING:
    from auditspan.integrity.anchors import Receipt
    from auditspan.reports.verification.report import Problem


def saved_notes(places: Sequence[Path] | None) -> list[tuple[str, bytes]]:
    """Notes of files and folders."""
    from auditspan.reports.verification.anchors import read_notes

    return [note for place in places or () for note in read_notes(place)]


def asked_anchors(
    where: Where, config: Path | None, tsa_roots: Path | None
) -> "tuple[Sequence[Receipt], Sequence[Problem]]":
    """Receipts of the data folder as far as their keepers stand by them, and what does not hold.

    Nobody is asked without a configuration: what was anchored has to be there all the same.
    """
    from auditspan.collector.anchors.checking import checked_receipts
    from auditspan.collector.config import load
    from auditspan.reports.verification.report import Problem, Weight

    if not (where.data / "anchors").is_dir() or (where.url and config is tsa_roots is None):
        return (), ()
    asked = load(config).service.integrity.anchors if config else None
    found = checked_receipts(where.data, asked, tsa_roots)
    refused = [Problem("anchor.refused", Weight.INVALID, words) for words in found.problems]
    unasked = [Problem("anchor.unasked", Weight.UNVERIFIABLE, words) for words in found.unasked]
    return found.receipts, [*refused, *unasked]


def kept_receipts(where: Where) -> "list[Receipt]":
    """Receipts of the data folder as they are; a server's store has none beside it."""
    from auditspan.collector.anchors.checking import checked_receipts

    if where.url or not (where.data / "anchors").is_dir():
        return []
    return checked_receipts(where.data).receipts
