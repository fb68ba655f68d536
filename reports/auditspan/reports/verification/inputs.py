"""What a verification has beside the store: keys, notes, anchors, and how long it waits."""

import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

from auditspan.reports.verification.anchors import AnchorReceipt
from auditspan.reports.verification.report import Problem
from auditspan.reports.verification.trust import Trust


@dataclass(frozen=True, slots=True)
class Inputs:
    """What a verification has beside the store."""

    trust: Trust
    notes: Callable[[], Iterable[tuple[str, bytes]]] = tuple
    """Notes that lie in files, with their names; asked for after the store."""
    anchors: Sequence[tuple[str, bytes]] = ()
    """Notes that were saved."""
    receipts: Sequence[AnchorReceipt] = ()
    """What other anchors prove."""
    known: Sequence[Problem] = ()
    """What is known to be wrong already, with anchors for example."""
    settle: Callable[[], None] = lambda: None
    """Waits until what is in the store now is signed; for a collector that runs."""
    patience: int = 0
    """How often to settle again while notes are newer than the store."""
    now: Callable[[], float] = time.time
    at_once: int = 1
    """Questions that the store may be asked at the same time."""
