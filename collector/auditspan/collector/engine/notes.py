"""Checkpoints and entries of the root log into the store, some seconds after they were signed.

The signing process has them on its disk, and front keeps the newest; here they become rows, for
whoever verifies in SQL. They are collected, because an insert of one row costs as much as one of a
hundred; while somebody verifies, not for long.
"""

import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Final

from auditspan.collector.engine.root_log import expect_own_root
from auditspan.collector.engine.signing import Signer
from auditspan.collector.signer.protocol import RootPart, Signed
from auditspan.integrity.control_entry import control_entry
from auditspan.storage.engine import Engine
from auditspan.storage.sealing.checkpoints import Checkpoint, put_checkpoints
from auditspan.storage.sealing.seal_file import Body
from auditspan.storage.sealing.seals import extents, put_bodies, put_entries

FLUSH_SECONDS: Final = 10.0
WANTED_SECONDS: Final = 2.0
"""While somebody verifies, who waits for them."""


@dataclass(slots=True)
class Notes:
    """What was signed and is not in the store yet."""

    store: Engine
    signer: Signer
    root_log: str
    """Origin of the root log."""
    prefix: str
    """Of this instance's logs; the first of them begins the root log."""
    clock: Callable[[], float] = time.monotonic
    waiting: list[Checkpoint] = field(default_factory=list)
    stored: int | None = None
    """Entries of the root log that the store has; None until it was asked."""
    first: bool = False
    """Whether nobody tried to store the entries behind those."""
    flushed: float = 0.0
    wanted: bool = False
    """Whether somebody verified since the last time."""

    def add(self, signed: Signed) -> None:
        """Keep a checkpoint for the next `flush`."""
        root = bytes.fromhex(signed.root)
        self.waiting.append(
            Checkpoint(signed.origin, signed.size, root, signed.signed_at, signed.note)
        )

    def want(self) -> None:
        """Somebody verifies; from whatever thread."""
        self.wanted = True

    def flush_if_due(self) -> None:
        """Write what waits, if the last time is long enough ago."""
        seconds = WANTED_SECONDS if self.wanted else FLUSH_SECONDS
        if self.waiting and self.clock() - self.flushed >= seconds:
            self.flush()

    def flush(self) -> None:
        """Write what waits. Raises `StorageError`, `SignerUnavailable`: it goes on waiting."""
        if self.stored is None:
            self.stored = sum(found.end for found in extents(self.store, self.root_log))
        if self.store.kind == "server":
            # Two that began at the same time have not seen each other.
            expect_own_root(self.store, self.prefix)
        known = self.stored
        while True:
            part = self.signer.root(self.stored)
            self._put(part)
            if self.stored >= part.size:
                break
        if self.stored > known:
            root = bytes.fromhex(part.root)
            self.waiting.append(Checkpoint(part.origin, part.size, root, part.signed_at, part.note))
        self.wanted = False
        put_checkpoints(self.store, self.waiting)
        self.waiting = []
        self.flushed = self.clock()

    def _put(self, part: RootPart) -> None:
        if not part.entries:
            return
        bodies = tuple(Body(entry.index, entry.kind, entry.body) for entry in part.entries)
        entries = b"".join(control_entry(body.kind, body.text) for body in bodies)
        first, self.first = self.first, False
        # Bodies first: after a crash the entries in the store say how far all of it has come.
        put_bodies(self.store, part.origin, bodies, first=first)
        put_entries(self.store, part.origin, bodies[0].index, entries, first=first)
        self.stored, self.first = bodies[-1].index + 1, True
