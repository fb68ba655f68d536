"""Send what processes that are gone left in the spool, once and now, outside of any agent.

What a living process holds is its own: that is counted and left alone.
"""

from collections.abc import Callable, Iterable
from contextlib import closing
from dataclasses import dataclass, replace
from pathlib import Path
from uuid import uuid4

from auditspan.instrumentation import segments
from auditspan.instrumentation.delivery import Delivery
from auditspan.instrumentation.errors import SpoolMissing
from auditspan.instrumentation.send import Outcome, Sender, sender
from auditspan.instrumentation.settings import Settings
from auditspan.instrumentation.spool import Spool

Progress = Callable[[int], None]
"""Called with the bytes of each segment that the collector has."""


@dataclass(frozen=True, slots=True)
class Shipped:
    """What came of it."""

    segments: int
    """That the collector has now."""
    bytes: int
    waiting: int
    """Bytes of processes that are gone, which stay."""
    living: int
    """Bytes of processes that live, which send them themselves."""
    refused: tuple[Path, ...]
    """Segments that the collector refuses for good, kept for people."""
    problem: str
    """Why something waits, "" if nothing does."""


def left(root: Path) -> int:
    """Bytes in a spool. Raises SpoolMissing."""
    if not root.is_dir():
        raise SpoolMissing(f"{root}: there is no spool; expected the folder of AUDITSPAN_SPOOL_DIR")
    return segments.stored(root)


def ship(settings: Settings, seconds: float, progress: Progress = lambda size: None) -> Shipped:
    """Send for so long at most. Raises SpoolMissing, SpoolFull."""
    left(settings.spool)
    # A place of our own among the others, which holds nothing.
    own = Spool(settings.spool, uuid4().hex, settings.spool_max_bytes)
    with closing(own) as spool:
        watched = _Watched(sender(settings.transport), progress)
        Delivery(spool, lambda: watched).finish(seconds)
        waiting = sum(_bytes(segments.closed(folder)) for folder in spool.orphans())
        refused = tuple(sorted(segments.files(spool.root, "*.bad")))
        living = segments.stored(spool.root) - waiting - _bytes(refused)
        problem = watched.problem if waiting else ""
        return Shipped(watched.sent, watched.bytes, waiting, living, refused, problem)


class _Watched:
    """A sender that counts."""

    def __init__(self, inner: Sender, progress: Progress) -> None:
        self._inner = inner
        self._progress = progress
        self.sent = self.bytes = 0
        self.problem = ""

    def send(self, request: bytes, timeout: float) -> Outcome:
        """Send one."""
        outcome = self._inner.send(request, timeout)
        if outcome.kind == "done":
            self.sent += 1
            self.bytes += len(request)
            self._progress(len(request))
        else:
            self.problem = outcome.message
        return outcome

    def close(self) -> None:
        """Close the connection."""
        self._inner.close()


def _bytes(paths: Iterable[Path]) -> int:
    return sum(path.stat().st_size for path in paths)


def of_folder(settings: Settings, folder: Path | None) -> Settings:
    """The settings for another spool."""
    return settings if folder is None else replace(settings, spool=folder.absolute())
