"""The Merkle tree of a log, from its entries in the store.

Roots of 256 leaves are computed by the engine; leaves themselves come out only where a checkpoint
or a proof ends inside of a tile.
"""

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any, Final

from auditspan.integrity.errors import ProofInvalid
from auditspan.integrity.merkle import leaf_hash, root_of
from auditspan.integrity.tree import Tree
from auditspan.reports.verification.asking import Ask, Progress, chunks, rows, silent
from auditspan.storage.sealing.recompute import TILE

_CHUNK: Final = TILE * 4096
_LEVEL: Final = TILE.bit_length() - 1
_MANY: Final = 500
_KEPT: Final = 5_000


@dataclass(slots=True)
class StoredTree:
    """A tree as far as its entries stand side by side."""

    ask: Ask
    origin: str
    size: int = 0
    """Leaves without a gap from the first on."""
    broken: str = ""
    """Why there are no more, if there should be."""
    tiles: Tree = field(default_factory=Tree)
    """Roots of whole tiles as leaves."""
    parts: dict[int, Tree] = field(default_factory=dict)
    """Leaves of tiles that were asked for."""

    def load(self, end: int, progress: Progress = silent) -> None:
        """Compute the tiles up to a size."""
        for first, after in chunks(0, end, _CHUNK):
            found = rows(self.ask, "tiles", log=self.origin, first=first, end=after)
            if not self._take(found, after):
                return
            progress(f"tree of {self.origin}", after, end)

    def _take(self, found: list[dict[str, Any]], end: int) -> bool:
        """Whether all tiles are as they should be."""
        by_number = {row["Tile"]: row for row in found}
        for first, after in chunks(self.size, end, TILE):
            row, wanted = by_number.get(first // TILE), after - first
            if row is None:
                self.broken = f"entry {first} is missing"
                return False
            if (row["Rows"], row["Indices"]) != (wanted, wanted):
                self._stop_in(first // TILE, wanted)
                return False
            if wanted == TILE:
                self.tiles.append([bytes(row["Root"])])
            self.size = after
        return True

    def _stop_in(self, tile: int, wanted: int) -> None:
        """Go on up to the first entry that is missing or there twice."""
        start = tile * TILE
        found = rows(self.ask, "entries", log=self.origin, first=start, end=start + wanted)
        indices = [row["LogIndex"] for row in found]
        right = 0
        while right < len(indices) and indices[right] == start + right:
            right += 1
        twice = right and right < len(indices) and indices[right] == indices[right - 1]
        self.size = start + right - (1 if twice else 0)
        self.broken = f"entry {self.size} is " + ("there twice" if twice else "missing")

    def prefetch(self, sizes: Iterable[int]) -> None:
        """Get the leaves of tiles in which trees of these sizes end, many at once."""
        numbers = sorted({size // TILE for size in sizes if size % TILE and size <= self.size})
        wanted = [number for number in numbers if number not in self.parts]
        for at in range(0, len(wanted), _MANY):
            some = [str(number) for number in wanted[at : at + _MANY]]
            first, end = int(some[0]) * TILE, min((int(some[-1]) + 1) * TILE, self.size)
            self._keep(
                rows(
                    self.ask, "entries_of_tiles", log=self.origin, first=first, end=end, tiles=some
                )
            )

    def _keep(self, found: list[dict[str, Any]]) -> None:
        leaves: dict[int, list[bytes]] = {}
        for row in found:
            number = int(row["LogIndex"]) // TILE
            leaves.setdefault(number, []).append(leaf_hash(bytes(row["Entry"])))
        if len(self.parts) > _KEPT:
            self.parts.clear()
        self.parts |= {number: Tree(hashes) for number, hashes in leaves.items()}

    def node(self, level: int, place: int) -> bytes:
        """Hash of a complete subtree, as `integrity.merkle` asks for it. Raises `ProofInvalid`."""
        if (place + 1) << level > self.size:
            raise ProofInvalid(f"log {self.origin} has no entries up to {(place + 1) << level}")
        if level >= _LEVEL:
            return self.tiles.node(level - _LEVEL, place)
        number = (place << level) // TILE
        if number not in self.parts:
            end = min((number + 1) * TILE, self.size)
            self._keep(rows(self.ask, "entries", log=self.origin, first=number * TILE, end=end))
        return self.parts[number].node(level, place - ((number * TILE) >> level))

    def root(self, size: int) -> bytes:
        """Root of the tree of a size. Raises `ProofInvalid` if it has not that many leaves."""
        if size > self.size:
            raise ProofInvalid(f"log {self.origin}: {self.broken or 'it ends'} before {size}")
        return root_of(self.node, size)
