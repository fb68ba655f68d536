"""The engine's loop: segment by segment, each tried until it is stored, and what is due in between.

Segments are found by looking into the spool; a message of front only says that it is worth a look
now. It ends when front has said that it is enough, or is gone, and none is left.
"""

import logging
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Final

from auditspan.collector.engine.backoff import backoff
from auditspan.collector.engine.cutting import in_order
from auditspan.collector.engine.errors import SignerUnavailable
from auditspan.collector.engine.housekeeping import Housekeeping
from auditspan.collector.engine.joining import joined, resume
from auditspan.collector.engine.messages import BatchFailed, BatchStored, Message
from auditspan.collector.engine.segments import Segments, Stored
from auditspan.collector.engine.suspicion import Suspicion
from auditspan.collector.engine.waking import Wake
from auditspan.storage.errors import StorageError

LOG = logging.getLogger("auditspan.collector.engine")

_LOOK_SECONDS: Final = 1.0


def work(
    suspicion: Suspicion,
    wake: Wake,
    send: Callable[[Message], None],
    housekeeping: Housekeeping,
) -> bool:
    """Until it is enough; False if front ended and a segment could not be stored."""
    for segment in _segments(suspicion.segments, wake):
        stored = _persist(suspicion, segment, wake, send) if segment else None
        if segment and stored is None:
            return False
        housekeeping.tick(stored)
    housekeeping.end()
    return True


def _segments(segments: Segments, wake: Wake) -> Iterator[Path | None]:
    """Closed segments in order, until input has ended and none is left; None for a pause."""
    while True:
        found = _next(segments, wake)
        if found:
            yield found
        elif wake.ended:
            return
        else:
            yield None
            wake.woken(_LOOK_SECONDS)


def _next(segments: Segments, wake: Wake) -> Path | None:
    """The segment whose turn it is, with small ones behind it."""
    try:
        spool = segments.data.folder("spool")
        resume(spool)
        waiting = in_order(spool)
        if not waiting:
            return None
        wake.forget(waiting[0].stem)
        return joined(waiting, wake.told, lambda batch_id: not segments.begun(batch_id))
    except OSError as error:
        LOG.error("segments cannot be joined: %s; it is tried again", error.strerror)
        return None


def _persist(
    suspicion: Suspicion,
    segment: Path,
    wake: Wake,
    send: Callable[[Message], None],
) -> Stored | None:
    """Try one segment until it is stored; None if front ended and the last try failed as well."""
    attempt, last = 0, False
    while True:
        try:
            stored = suspicion.process(segment)
        except (StorageError, SignerUnavailable, OSError, MemoryError) as error:
            delay = backoff(attempt)
            attempt += 1
            LOG.error("batch %s: %s; it stays in the spool, next try in %.0f s",
                      segment.stem, error, delay)  # fmt: skip
            permanent = not getattr(type(error), "retryable", True)
            send(BatchFailed(segment.stem, str(error), delay, permanent))
            if last:
                return None
            last = not wake.pause(delay)
            continue
        send(_told(stored, suspicion.segments.watch.take()))
        return stored


def _told(stored: Stored, seconds: dict[str, float]) -> BatchStored:
    return BatchStored(
        stored.batch_id,
        stored.records,
        stored.dead_letters,
        stored.controls,
        stored.oldest_received_at,
        seconds,
    )
