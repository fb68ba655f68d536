"""Bodies of the root log's entries: one line of JSON each, and an index of where they begin.

They are appended before the state that counts them is written and signed; what the state does not
count was never signed, and is cut off at the next start.
"""

import json
import os
from dataclasses import dataclass, field
from pathlib import Path


@dataclass(slots=True)
class RootFiles:
    """Bodies of the root log's entries: one line of JSON each, and an index of where they begin."""

    folder: Path
    index: Path = field(init=False)
    bodies: Path = field(init=False)

    def __post_init__(self) -> None:
        self.index = self.folder / "root.index"
        self.bodies = self.folder / "root.jsonl"

    def cut(self, size: int, length: int) -> None:
        """Forget what was appended and never signed. Raises `ValueError` if bytes are missing."""
        for path, wanted in ((self.bodies, length), (self.index, size * 8)):
            found = path.stat().st_size if path.exists() else 0
            if found < wanted:
                raise ValueError(f"{path}: expected {wanted} bytes, found {found}; restore it")
            if found > wanted:
                os.truncate(path, wanted)

    def append(self, bodies: list[tuple[int, str]]) -> int:
        """Add entries durably; how many bytes there are then."""
        lines = [json.dumps([kind, text]).encode() + b"\n" for kind, text in bodies]
        at = self.bodies.stat().st_size if self.bodies.exists() else 0
        places = bytearray()
        for line in lines:
            places += at.to_bytes(8)
            at += len(line)
        _append(self.bodies, b"".join(lines))
        _append(self.index, bytes(places))
        return at

    def read(self, first: int, end: int) -> list[tuple[int, str]]:
        """Entries with indices `first` up to `end`."""
        if first >= end:
            return []
        with self.index.open("rb") as index:
            index.seek(first * 8)
            start = int.from_bytes(index.read(8))
        with self.bodies.open("rb") as file:
            file.seek(start)
            lines = [json.loads(file.readline()) for _ in range(end - first)]
        return [(kind, text) for kind, text in lines]


def _append(path: Path, data: bytes) -> None:
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_NOFOLLOW, 0o600)
    with os.fdopen(descriptor, "ab") as file:
        file.write(data)
        file.flush()
        os.fsync(file.fileno())
