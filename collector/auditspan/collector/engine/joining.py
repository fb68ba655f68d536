"""Small segments that wait are processed as one: a batch costs the same however small it is.

The first one takes in those behind it, and keeps its name, which is the id of the batch. Only whole
segments of one day are joined, of which front has said that it is done with them, of which nothing
was computed yet, and no more than is left uncut (`cutting.py`).

1. A draft with the bytes of all, and a list of its size and of those that go, are on disk. 2. The
draft takes the place of the first one, durably. 3. The others go, durably. 4. The list goes. Before
2 nothing has happened; after it the first one has the size on the list, and `resume` does the rest
before any segment is looked at.
"""

import json
import logging
from collections.abc import Callable, Collection, Iterable, Sequence
from dataclasses import dataclass
from itertools import takewhile
from pathlib import Path
from typing import Final

from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

from auditspan.collector.engine.cutting import MAX_BYTES_OF_PART, MAX_SPANS
from auditspan.wire.damage import pieces
from auditspan.wire.envelope import OTLP_TRACES, parse
from auditspan.wire.otlp import parts, spread, weight
from auditspan.wire.segments import CLOSED, SegmentName, sync_folder, write_synced
from auditspan.wire.varint import MAX_BYTES, decode_varint

LOG = logging.getLogger("auditspan.collector.engine")

_DRAFT: Final = ".joined-"
_LIST: Final = ".joining-"
_DAY: Final = 86_400_000_000_000


@dataclass(frozen=True, slots=True)
class _Content:
    """What a segment holds."""

    data: bytes
    day: int
    """Of receipt, UTC; a segment has one."""
    spans: int
    """As a batch counts them (`wire.otlp.weight`)."""


def resume(folder: Path) -> None:
    """Finish what a crash left of a join. Raises `OSError`: no segment may be processed yet."""
    for path in folder.glob(f"{_LIST}*"):
        first = folder / f"{path.name.removeprefix(_LIST)}{CLOSED}"
        size, others = _read(path)
        if others and first.exists() and first.stat().st_size == size:
            # The draft is in its place; that is durable before the others go.
            sync_folder(folder)
            for name in others:
                (folder / name).unlink(missing_ok=True)
            sync_folder(folder)
        path.unlink()
    for draft in folder.glob(f"{_DRAFT}*"):
        draft.unlink()


def joined(
    waiting: Sequence[Path],
    told: Collection[str],
    untouched: Callable[[str], bool],
    limit: tuple[int, int] = (MAX_SPANS, MAX_BYTES_OF_PART),
) -> Path:
    """The first of some segments, with those behind it that fit; `limit` is of spans and bytes.

    `told` are the batches that front has spoken of; `untouched` says of which nothing was computed.
    Raises `OSError` in the middle of it: `resume` comes next.
    """
    first = waiting[0]
    fit = takewhile(lambda path: path.stem in told and untouched(path.stem), waiting)
    group = _group(_within(fit, limit[1]), limit[0])
    if len(group) < 2:
        return first
    try:
        _write(first, group)
    except OSError as error:
        # A disk without room for a copy gets some when the first one is stored alone.
        LOG.warning("segments are not joined: %s", error.strerror)
        for kind in (_LIST, _DRAFT):
            _place(first, kind).unlink(missing_ok=True)
        return first
    _place(first, _DRAFT).replace(first)
    resume(first.parent)
    return first


def _within(paths: Iterable[Path], most: int) -> list[Path]:
    """The first ones that are together no larger than this; none of a cut."""
    found, size = [], 0
    for path in paths:
        size += path.stat().st_size
        if size > most or SegmentName.of(path.stem) is None:
            break
        found.append(path)
    return found


def _group(paths: Sequence[Path], most: int) -> dict[str, bytes]:
    """Names and bytes of the first ones that have no more spans than this and one day."""
    group: dict[str, bytes] = {}
    days: set[int] = set()
    spans = 0
    for path in paths if len(paths) > 1 else ():
        content = _content(path)
        if content is None:
            break
        spans += content.spans
        days.add(content.day)
        if spans > most or len(days) > 1:
            break
        group[path.name] = content.data
    return group


def _content(path: Path) -> _Content | None:
    """What a segment holds; None if a frame of it is damaged, which it is better alone with."""
    data = path.read_bytes()
    spans, day = 0, None
    for piece in pieces(data):
        if piece.problem:
            return None
        envelope = parse(piece.data[decode_varint(piece.data[:MAX_BYTES])[1] :])
        day = envelope.received_at // _DAY if day is None else day
        if envelope.kind == OTLP_TRACES:
            spans += _spans(envelope.request)
    return None if day is None else _Content(data, day, spans)


def _spans(request: bytes) -> int:
    found = ExportTraceServiceRequest.FromString(request)
    count = sum(len(scope.spans) for each in found.resource_spans for scope in each.scope_spans)
    return weight(count, spread(found), parts(found))


def _write(first: Path, group: dict[str, bytes]) -> None:
    """The draft and the list, on disk."""
    data = b"".join(group.values())
    write_synced(_place(first, _DRAFT), data)
    others = [name for name in group if name != first.name]
    write_synced(_place(first, _LIST), json.dumps([len(data), others]).encode())
    sync_folder(first.parent)


def _read(path: Path) -> tuple[int, list[str]]:
    """The size of what is joined, and which ones go; none if it was not written to its end."""
    try:
        size, others = json.loads(path.read_bytes())
    except ValueError:
        return 0, []
    return int(size), [str(name) for name in others]


def _place(first: Path, kind: str) -> Path:
    return first.with_name(f"{kind}{first.name.removesuffix(CLOSED)}")
