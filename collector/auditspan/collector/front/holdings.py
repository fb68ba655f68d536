"""What each sender holds of the spool, read from the spool: what a restart has to know again."""

import logging
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

from auditspan.identity.errors import IdentityError
from auditspan.identity.principal import Principal
from auditspan.wire.envelope import OTLP_TRACES
from auditspan.wire.errors import FrameInvalid
from auditspan.wire.segments import CLOSED, read_frames

LOG = logging.getLogger("auditspan.collector.front")


@dataclass(frozen=True, slots=True)
class Held:
    """What of one sender lies in one segment."""

    principal: str
    size: int
    """Bytes of its requests."""
    received_at: int
    """Of the newest, Unix nanoseconds."""


def closed_files(folder: Path) -> list[Path]:
    """The closed segments of a spool, parts of large ones included, in their order."""
    return sorted(folder.glob(f"*{CLOSED}"))


def held_in(segments: Iterable[Path]) -> list[Held]:
    """What lies in segments, in their order; of one that is stored meanwhile, nothing."""
    return [held for path in segments for held in _of_segment(path)]


def _of_segment(path: Path) -> Iterator[Held]:
    found: dict[str, Held] = {}
    try:
        for _, envelope in read_frames(path):
            if envelope.kind == OTLP_TRACES:
                name = _id(envelope.principal)
                before = found.get(name, Held(name, 0, 0))
                newest = max(before.received_at, envelope.received_at)
                found[name] = Held(name, before.size + len(envelope.request), newest)
    except FileNotFoundError:
        return
    except (FrameInvalid, IdentityError, OSError) as error:
        LOG.error("%s: what its senders hold is counted in part: %s", path.name, error)
    yield from found.values()


@lru_cache(1024)
def _id(principal: str) -> str:
    return Principal.from_json(principal).id
