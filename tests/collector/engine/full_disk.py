"""Works on a small disk of its own that is full again and again; prints what the store has."""

import json
import os
import sys
from pathlib import Path
from typing import Final

from auditspan.collector.data_dir import prepare
from auditspan.collector.engine.segments import Segments
from auditspan.storage.engine import open_embedded
from auditspan.storage.errors import StorageError
from auditspan.storage.migrations import migrate
from tests.collector.engine.conftest import NOW, Workshop, applied, spans, unreadable

LEFT: Final = (0, 4_096, 12_288, 24_576, 49_152, 98_304, 150_000, 250_000)
"""Bytes that are left: too little at another place each time."""


def main(disk: Path) -> None:
    """Store one segment for each amount of room."""
    data = prepare(disk / "data")
    store = open_embedded(data.folder("store"))
    migrate(store)
    workshop = Workshop(data, store)
    segments = workshop.segments()
    refused = sum(
        full(disk, workshop, segments, number, left) for number, left in enumerate(LEFT, start=1)
    )
    tables = ("audit_records", "agents", "tools", "dead_letters")
    found = {table: workshop.count(table) for table in tables}
    [distinct] = workshop.column("SELECT uniqExact(RecordId) FROM audit_records")
    print(json.dumps({"refused": refused, "distinct": distinct, **found}))
    store.close()


def full(disk: Path, workshop: Workshop, segments: Segments, number: int, left: int) -> bool:
    """Whether the segment was refused on the full disk; it is stored when there is room."""
    first = number * 1000
    segment = workshop.segment(
        applied(NOW - 10**10 + number), unreadable(), spans(*range(first, first + 100)),
        number=number,
    )  # fmt: skip
    free = os.statvfs(disk)
    filler = disk / "filler"
    filler.write_bytes(b"x" * max(0, free.f_bavail * free.f_frsize - left))
    refused = False
    try:
        segments.process(segment)
    except (StorageError, OSError):
        refused = True
    filler.unlink()
    if refused:
        segments.process(segment)
    return refused


if __name__ == "__main__":
    main(Path(sys.argv[1]))
