"""Static files of a log as https://c2sp.org/tlog-tiles has them."""

import struct

import pytest

from auditspan.integrity.merkle import leaf_hash
from auditspan.integrity.tiles import entry_bundles, tile_path, tiles
from auditspan.integrity.tree import Tree
from tests.integrity import naive


@pytest.mark.parametrize(
    ("number", "width", "path"),
    [
        (0, 256, "000"),
        (273, 112, "273.p/112"),
        (1234067, 256, "x001/x234/067"),
        (67000, 256, "x067/000"),
        (999, 255, "999.p/255"),
        (1000, 256, "x001/000"),
    ],
)
def test_paths(number: int, width: int, path: str) -> None:
    """The examples of the specification, and where digits are added."""
    assert tile_path("0", number, width) == f"tile/0/{path}"


def test_tiles_of_a_tree() -> None:
    """As the specification counts them for 70,000 entries, each hash where it belongs."""
    entries = [struct.pack(">I", number) for number in range(70_000)]
    made = dict(tiles(Tree(leaf_hash(entry) for entry in entries).node, len(entries)))
    widths = [len(data) // 32 for path, data in made.items() if path.startswith("tile/0/")]
    assert (widths.count(256), widths[-1]) == (273, 112)
    assert len(made["tile/1/000"]) == 256 * 32
    assert len(made["tile/1/001.p/17"]) == 17 * 32
    assert made["tile/2/000.p/1"] == naive.mth(entries[:65_536])
    assert made["tile/1/000"][32:64] == naive.mth(entries[256:512])
    assert made["tile/0/000"][:32] == leaf_hash(entries[0])
    assert len(made) == 273 + 1 + 1 + 1 + 1


def test_a_full_tile_and_no_empty_one() -> None:
    """256 entries are a full tile and one hash above it."""
    made = dict(tiles(Tree(leaf_hash(bytes([n])) for n in range(256)).node, 256))
    assert list(made) == ["tile/0/000", "tile/1/000.p/1"]
    assert dict(tiles(Tree().node, 0)) == {}


def test_bundles_of_entries() -> None:
    """Each entry with its length in two bytes."""
    made = dict(entry_bundles([bytes([n % 250]) * 38 for n in range(300)]))
    assert list(made) == ["tile/entries/000", "tile/entries/001.p/44"]
    assert made["tile/entries/000"][:42] == b"\0\x26" + bytes(38) + b"\0\x26"
