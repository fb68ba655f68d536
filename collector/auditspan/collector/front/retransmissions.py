"""A request sent again after a lost answer is acknowledged and not stored twice (DESIGN §4).

Known by the SHA-256 of its bytes as received and the principal that sent them, for 15 minutes. The
same request while the first is still being written waits for that one's answer.
"""

import asyncio
import hashlib
import logging
import time
from collections.abc import Awaitable, Callable, Collection, Iterable, Iterator, Sequence
from pathlib import Path
from typing import Final

from auditspan.collector.front.recent_log import WINDOW_SECONDS, RecentLog, Row
from auditspan.identity.errors import IdentityError
from auditspan.identity.principal import Principal
from auditspan.wire.envelope import OTLP_TRACES
from auditspan.wire.errors import FrameInvalid
from auditspan.wire.segments import closed_segments, read_frames

LOG = logging.getLogger("auditspan.collector.front")

_MOST: Final = 1_000_000
"""Marks that are remembered; beyond, the oldest are forgotten before their time."""


def mark_of(digest: str, principal: str) -> bytes:
    """What a request is remembered by: 16 bytes of the hash of its digest and its sender."""
    return hashlib.blake2b(f"{digest}\0{principal}".encode(), digest_size=16).digest()


def in_spool(folder: Path, now: float, recovered: Collection[str] = ()) -> list[Row]:
    """Rows of the requests that a recovered spool holds or lately held, for `seed`.

    Those of `recovered` segments, which a crash kept out of the log, stand in it afterwards: the
    next start may find it written later than they were.
    """
    log = RecentLog(folder)
    known = log.read()
    since = max(log.written_at(), now - WINDOW_SECONDS)
    # Whatever is older than the log's last line stands in it.
    unknown = [
        path
        for path in closed_segments(folder)
        if path.stem in recovered or _written_at(path) >= since
    ]
    rows = [row for path in unknown for row in _rows(path)]
    try:
        log.append(rows, int(now * 1e9))
    except OSError as error:
        LOG.error("recent log: %s: repeats may be stored twice", error.strerror)
    return [*known, *rows]


class Retransmissions:
    """Which requests are on disk already."""

    def __init__(self, now: Callable[[], float] = time.time, most: int = _MOST) -> None:
        self._now = now
        self._most = most
        # In the order of time; a plain dictionary takes half of what an ordered one does.
        self._seen: dict[bytes, float] = {}
        self._under_way: dict[bytes, asyncio.Task[None]] = {}

    def seed(self, rows: Iterable[Sequence[object]]) -> None:
        """Take over `[digest, principal id, received at ns]` of what is stored already."""
        known = {
            mark_of(str(digest), str(principal)): int(str(at)) / 1e9
            for digest, principal, at in rows
        }
        merged = known | self._seen
        self._seen = dict(sorted(merged.items(), key=lambda item: item[1]))

    async def once(self, mark: bytes, store: Callable[[], Awaitable[None]]) -> bool:
        """Run `store` unless the request is stored; whether it was new. Raises what it raises.

        A sender that goes away does not stop it: what is half written must become known.
        """
        self._forget()
        if mark in self._seen:
            return False
        task = self._under_way.get(mark)
        new = task is None
        if task is None:
            task = self._under_way[mark] = asyncio.create_task(self._first(mark, store))
            task.add_done_callback(_looked_at)
        await asyncio.shield(task)
        return new

    async def _first(self, mark: bytes, store: Callable[[], Awaitable[None]]) -> None:
        try:
            await store()
            self._seen[mark] = self._now()
        finally:
            del self._under_way[mark]

    def _forget(self) -> None:
        oldest = self._now() - WINDOW_SECONDS
        while self._seen:
            mark = next(iter(self._seen))
            if self._seen[mark] >= oldest and len(self._seen) <= self._most:
                return
            del self._seen[mark]


def _looked_at(task: "asyncio.Task[None]") -> None:
    """Nobody may be waiting any more, which is no fault."""
    if not task.cancelled():
        task.exception()


def _written_at(path: Path) -> float:
    """When a segment was written, Unix seconds; 0 of one that an engine of before has stored."""
    try:
        return path.stat().st_mtime
    except FileNotFoundError:
        return 0.0


def _rows(path: Path) -> Iterator[Row]:
    try:
        for _, envelope in read_frames(path):
            if envelope.kind == OTLP_TRACES:
                principal = Principal.from_json(envelope.principal).id
                yield envelope.request_digest, principal, envelope.received_at
    except (FrameInvalid, IdentityError, OSError) as error:
        LOG.error("%s: requests in it may be taken twice: %s", path.name, error)
