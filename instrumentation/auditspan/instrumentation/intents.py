"""Calls that were decided and have not ended: on disk before they happen, so no kill hides one.

    <spool>/<instance>/intents   for each call the request of its record so far (field 1), and once
                                 it has ended a mark with its span id (field 15)

The file stays on this machine. What has ended is told by the records in the segments beside it, so
that marks are needed only before a segment goes, and then for many calls at once. What has no end
when the process is gone, or after a while, is sent as a record of its own with `audit.call.intent`;
its outcome is `pending`, because nobody told of another one.
"""

import os
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Final, NamedTuple

from google.protobuf.message import DecodeError
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

from auditspan.instrumentation import segments
from auditspan.instrumentation.host import warn
from auditspan.instrumentation.otlp_fields import REQUEST_RESOURCE_SPANS, whole_fields

NAME: Final = "intents"
_END: Final = 0x7A
_MARK: Final = bytes((_END, 8))
MAX_BYTES: Final = 1024 * 1024
"""A file is written anew when it is longer than this, and than twice what is open."""


class _Open(NamedTuple):
    request: bytes
    since: float
    """By the monotonic clock."""


class Intents:
    """The open calls of this process. Threads may share it."""

    def __init__(self, folder: Path, fsync: bool = False) -> None:
        self._path = folder / NAME
        self._fsync = fsync
        self._mutex = threading.RLock()
        self._open: dict[int, _Open] = {}
        self._ended: list[int] = []
        """Those whose end no mark tells yet."""
        self._descriptor = -1
        self._size = 0

    def open(self, span_id: int, request: bytes) -> None:
        """A call is about to happen; what is written survives SIGKILL. Raises OSError."""
        with self._mutex:
            self._open[span_id] = _Open(request, time.monotonic())
            try:
                self._write(request, self._fsync)
            except OSError:
                del self._open[span_id]
                raise

    def close(self, span_id: int) -> None:
        """The call ended, and its record is written; nothing if it is not open."""
        if self._open.pop(span_id, None) is not None:
            self._ended.append(span_id)

    def settle(self) -> None:
        """Mark what has ended: to be called before the records of that go. Raises OSError."""
        with self._mutex:
            ended = self._ended[:]
            if ended and not self._open:
                os.truncate(self._path, 0)
                self._size = 0
            elif ended:
                marks = (_MARK + span_id.to_bytes(8, "big") for span_id in ended)
                self._write(b"".join(marks), fsync=False)
                if self._size > max(MAX_BYTES, 2 * self._open_bytes()):
                    self._write_anew()
            # Not before: what could not be marked is marked the next time.
            del self._ended[: len(ended)]

    def overdue(self, seconds: float) -> Iterator[bytes]:
        """The requests of calls that are open for longer; each is told once, if the caller has
        dealt with it before it asks for the next."""
        before = time.monotonic() - seconds
        for span_id, known in list(self._open.items()):
            if known.since <= before:
                yield known.request
                self.close(span_id)

    def take_over(self, former: "Intents") -> None:
        """What is open in another file that is gone. Raises OSError."""
        for span_id, known in list(former._open.items()):
            self.open(span_id, known.request)

    def finish(self) -> None:
        """At the end of the process. What is open and could not be told is left to the next one."""
        with self._mutex:
            self.forget()
            if not self._open:
                self._path.unlink(missing_ok=True)

    def forget(self) -> None:
        """In a fork: leave everything to the parent."""
        if self._descriptor >= 0:
            os.close(self._descriptor)
            self._descriptor = -1

    def _open_bytes(self) -> int:
        return sum(len(known.request) for known in self._open.values())

    def _write(self, content: bytes, fsync: bool) -> None:
        if self._descriptor < 0:
            flags = os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC
            self._descriptor = os.open(self._path, flags, 0o600)
        segments.append_whole(self._descriptor, content, self._size, fsync)
        self._size += len(content)

    def _write_anew(self) -> None:
        fresh = self._path.with_suffix(".new")
        content = b"".join(known.request for known in self._open.values())
        fresh.touch(mode=0o600)
        fresh.write_bytes(content)
        os.close(self._descriptor)
        fresh.rename(self._path)
        self._descriptor, self._size = -1, len(content)


def salvage(folder: Path) -> None:
    """Make a segment of the calls that a process that is gone left open."""
    path = folder / NAME
    path.with_suffix(".new").unlink(missing_ok=True)
    if not path.exists():
        return
    left, broken = _left(path.read_bytes())
    # A kill may come between a record and the mark of its end.
    for segment in sorted(folder.glob("*.seg")) if left else ():
        for span_id in _span_ids(segment.read_bytes()):
            left.pop(span_id, None)
    if left:
        segments.add(folder, b"".join(left.values()))
    if broken:
        kept = path.rename(path.with_suffix(".bad"))
        warn("intents", "auditspan: %d open calls cannot be read; kept in %s", broken, kept)
    else:
        path.unlink()


def _left(content: bytes) -> tuple[dict[int, bytes], int]:
    """Requests without an end, by span id, and how many cannot be read; what was torn by a crash
    is left out."""
    found: dict[int, bytes] = {}
    broken = 0
    for field in whole_fields(content, (REQUEST_RESOURCE_SPANS, _END)):
        if field[0] == _END:
            found.pop(int.from_bytes(field[-8:], "big"), None)
        else:
            ids = _span_ids(field)
            found.update((span_id, field) for span_id in ids)
            broken += not ids
    return found, broken


def _span_ids(request: bytes) -> list[int]:
    """Of the spans in a request, none if it is damaged."""
    try:
        resources = ExportTraceServiceRequest.FromString(request).resource_spans
    except DecodeError:
        return []
    spans = (
        span for resource in resources for scope in resource.scope_spans for span in scope.spans
    )
    return [int.from_bytes(span.span_id, "big") for span in spans]
