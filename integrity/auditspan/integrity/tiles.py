"""A log as static files, which transparency tools read (https://c2sp.org/tlog-tiles)."""

import struct
from collections.abc import Iterator, Sequence
from typing import Final

from auditspan.integrity.merkle import Nodes

WIDTH: Final = 256
_HEIGHT: Final = 8


def tiles(nodes: Nodes, size: int) -> Iterator[tuple[str, bytes]]:
    """Path and bytes of every tile of hashes of a tree."""
    level = 0
    while size >> (_HEIGHT * level):
        count = size >> (_HEIGHT * level)
        for first in range(0, count, WIDTH):
            places = range(first, min(first + WIDTH, count))
            data = b"".join(nodes(_HEIGHT * level, place) for place in places)
            yield tile_path(str(level), first // WIDTH, len(places)), data
        level += 1


def entry_bundles(entries: Sequence[bytes]) -> Iterator[tuple[str, bytes]]:
    """Path and bytes of every bundle of a log's entries, each with its length in front."""
    for first in range(0, len(entries), WIDTH):
        bundle = entries[first : first + WIDTH]
        data = b"".join(struct.pack(">H", len(entry)) + entry for entry in bundle)
        yield tile_path("entries", first // WIDTH, len(bundle)), data


def tile_path(level: str, number: int, width: int = WIDTH) -> str:
    """Where a tile lies, below the log's prefix; `level` is a number or `entries`."""
    digits = f"{number:03d}"
    digits = digits.zfill(-(-len(digits) // 3) * 3)
    parts = [digits[at : at + 3] for at in range(0, len(digits), 3)]
    path = "/".join([*(f"x{part}" for part in parts[:-1]), parts[-1]])
    return f"tile/{level}/{path}" + ("" if width == WIDTH else f".p/{width}")
