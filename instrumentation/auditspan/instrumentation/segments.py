"""The folder in which one process keeps spans until the collector has them.

    <spool>/<instance>/lock            held while the process lives
                      /00000001.open   being written: OTLP requests, one after the other
                      /00000001.seg    closed; its bytes are one OTLP request, sent as they are
                      /00000001.bad    refused by the collector for good; kept for people

A closed segment never changes, so that sending it again after a crash sends the same bytes, which
the collector recognises. Each span is written with one `write`: what is written survives SIGKILL.
"""

import os
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

from auditspan.instrumentation.otlp_fields import whole_requests

MAX_SPANS = 512
MAX_BYTES = 1024 * 1024
"""A segment is closed when it reaches one of these."""


class Segments:
    """Writes segments into a folder. Not for several threads at once."""

    def __init__(self, folder: Path, fsync: bool = False) -> None:
        self.folder = folder
        self.size = 0
        """Bytes in the open segment."""
        self.spans = 0
        """Spans in the open segment."""
        self._fsync = fsync
        self._descriptor = -1
        self._number = 0

    def append(self, request: bytes) -> bool:
        """Write one span; whether the segment is full now. Raises OSError, with nothing written."""
        if self.spans and len(request) >= MAX_BYTES:
            # The collector may refuse it as too large, and must not refuse others with it.
            self.close()
        if self._descriptor < 0:
            self._open()
        append_whole(self._descriptor, request, self.size, self._fsync)
        self.size += len(request)
        self.spans += 1
        return self.size >= MAX_BYTES or self.spans >= MAX_SPANS

    def close(self) -> None:
        """Close the open segment, if there is one, so that it may be sent."""
        if self._descriptor < 0:
            return
        os.close(self._descriptor)
        self._descriptor = -1
        path = self._path()
        if self.spans:
            path.rename(path.with_suffix(".seg"))
        else:
            path.unlink()
        self.size = self.spans = 0

    def forget(self) -> None:
        """Leave the open segment to the process that this one was forked from."""
        if self._descriptor >= 0:
            os.close(self._descriptor)
            self._descriptor = -1

    def _open(self) -> None:
        self._number += 1
        flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_APPEND | os.O_CLOEXEC
        self._descriptor = os.open(self._path(), flags, 0o600)
        self.size = self.spans = 0

    def _path(self) -> Path:
        return self.folder / f"{self._number:08d}.open"


def append_whole(descriptor: int, content: bytes, size: int, fsync: bool) -> None:
    """Write at the end of a file of so many bytes, all or nothing. Raises OSError."""
    try:
        written = 0
        while written < len(content):
            written += os.write(descriptor, content[written:] if written else content)
        if fsync:
            os.fsync(descriptor)
    except OSError:
        os.ftruncate(descriptor, size)
        raise


def closed(folder: Path) -> Iterator[Path]:
    """The segments of a folder that may be sent, oldest first."""
    yield from sorted(folder.glob("*.seg"))


def add(folder: Path, requests: bytes) -> None:
    """Add a closed segment after those of a process that is gone."""
    numbers = [int(path.stem) for path in folder.glob("*.*") if path.stem.isdigit()]
    path = folder / f"{max(numbers, default=0) + 1:08d}.part"
    path.touch(mode=0o600)
    path.write_bytes(requests)
    path.rename(path.with_suffix(".seg"))


def salvage(folder: Path) -> None:
    """Close what a process that is gone left open, without the span that it was writing."""
    for path in folder.glob("*.part"):
        path.unlink()  # of an adopter that is gone, too; what it was made of is still here
    for path in sorted(folder.glob("*.open")):
        content = path.read_bytes()
        whole = whole_requests(content)
        if not whole:
            path.unlink()
            continue
        if whole < len(content):
            os.truncate(path, whole)
        path.rename(path.with_suffix(".seg"))


def stored(folder: Path) -> int:
    """Bytes of all segments below a folder."""
    total = 0
    for path in files(folder, "*.*"):
        try:
            total += path.stat().st_size
        except FileNotFoundError:
            continue  # sent meanwhile
    return total


def files(root: Path, pattern: str) -> Iterator[Path]:
    """Files of all processes, of which some may be removing theirs."""
    for folder in root.iterdir():
        with suppress(FileNotFoundError):
            yield from folder.glob(pattern)
