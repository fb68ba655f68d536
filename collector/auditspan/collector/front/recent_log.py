"""Which requests were acknowledged in the last minutes, on disk: what the spool no longer holds.

A segment is deleted once it is stored, so the log is written before its segment is closed, and the
window of retransmissions is complete again before a restarted collector takes its first request,
whether the store answers or not. A line is a row in JSON.
"""

import json
import logging
import os
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Final

WINDOW_SECONDS: Final = 15 * 60.0
"""How long a request is remembered."""

Row = tuple[str, str, int]
"""Digest of a request, id of its principal, and when it came, in Unix nanoseconds."""

LOG = logging.getLogger("auditspan.collector.front")


class RecentLog:
    """Two files that take turns; each covers the length of the window."""

    def __init__(self, folder: Path) -> None:
        self._path = folder / ".recent"
        self._old = folder / ".recent.old"
        # When its first row came: a start must not cut the window of the run before.
        self._began = next((at for _, _, at in _rows(self._path)), 0)

    def append(self, rows: Sequence[Row], now: int) -> None:
        """Write rows durably. Raises `OSError`."""
        if not rows:
            return
        if now - self._began > WINDOW_SECONDS * 1e9:
            self._turn(now)
        flags = os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_NOFOLLOW
        descriptor = os.open(self._path, flags, 0o600)
        with os.fdopen(descriptor, "ab") as file:
            # Begins with the end of a line, which a crash may have left torn.
            file.write("".join(f"\n{json.dumps(row)}" for row in rows).encode())
            file.flush()
            os.fdatasync(descriptor)

    def read(self) -> list[Row]:
        """All rows; a line torn by a crash is left out."""
        return [row for path in (self._old, self._path) for row in _rows(path)]

    def written_at(self) -> float:
        """When the last rows were written, Unix seconds; 0 if never."""
        return self._path.stat().st_mtime if self._path.exists() else 0.0

    def _turn(self, now: int) -> None:
        if self._path.exists():
            self._path.replace(self._old)
        self._began = now


def _rows(path: Path) -> Iterator[Row]:
    try:
        lines = path.read_bytes().splitlines()
    except FileNotFoundError:
        return
    for line in filter(None, lines):
        try:
            digest, principal, at = json.loads(line)
            yield str(digest), str(principal), int(at)
        except (ValueError, TypeError):
            LOG.warning("%s: a line is torn and left out", path.name)
