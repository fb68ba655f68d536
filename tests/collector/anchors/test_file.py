"""A folder outside gets each note once, whole, and nobody's note over another's."""

import asyncio
from pathlib import Path

import pytest

from auditspan.collector.anchors.config import FileAnchorConfig
from auditspan.collector.anchors.errors import AnchorRefused, AnchorUnavailable, AnchorUnusable
from auditspan.collector.anchors.file import FileAnchor
from auditspan.integrity.anchors import path_of
from tests.collector.anchors.signed import checkpoint, note


def anchor(folder: Path, data: Path) -> FileAnchor:
    """A folder that is there."""
    folder.mkdir(exist_ok=True)
    data.mkdir(exist_ok=True)
    return FileAnchor(FileAnchorConfig(name="disk", folder=folder), data, now=lambda: 1000.0)


def test_a_note_is_kept_read_only_under_its_size(tmp_path: Path) -> None:
    """At `<sha256 of the origin>/<size>.note`, and the receipt says where, `local`."""
    disk = anchor(tmp_path / "disk", tmp_path / "data")
    asyncio.run(disk.prepare())
    receipt = asyncio.run(disk.anchor(note(7)))
    path = tmp_path / "disk" / path_of(checkpoint(7))
    assert path.name == "00000000000000000007.note"
    assert path.read_bytes() == note(7) == receipt.note
    assert path.stat().st_mode & 0o777 == 0o444
    assert (receipt.kind, receipt.type, receipt.time) == ("local", "file", 1000)
    assert receipt.place == str(path)
    assert [each.name for each in path.parent.iterdir()] == [path.name]


def test_the_same_tree_again_is_no_error(tmp_path: Path) -> None:
    """The first note stays."""
    disk = anchor(tmp_path / "disk", tmp_path / "data")
    first = asyncio.run(disk.anchor(note(7)))
    assert asyncio.run(disk.anchor(note(7))) == first
    assert asyncio.run(disk.check(first, note(7))) == first


def test_another_tree_of_a_size_is_refused_and_does_not_replace_the_first(tmp_path: Path) -> None:
    """Who made the log anew sees the old note."""
    disk = anchor(tmp_path / "disk", tmp_path / "data")
    asyncio.run(disk.anchor(note(7)))
    with pytest.raises(AnchorRefused, match="another tree was anchored"):
        asyncio.run(disk.anchor(note(7, "other")))
    assert (tmp_path / "disk" / path_of(checkpoint(7))).read_bytes() == note(7)


def test_a_deleted_note_is_missed(tmp_path: Path) -> None:
    """By `check`, since the receipt says that it was there."""
    disk = anchor(tmp_path / "disk", tmp_path / "data")
    receipt = asyncio.run(disk.anchor(note(7)))
    (tmp_path / "disk" / path_of(checkpoint(7))).unlink()
    with pytest.raises(AnchorRefused, match="was there and is gone"):
        asyncio.run(disk.check(receipt, note(7)))


@pytest.mark.parametrize("place", ["data/anchors-here", "."])
def test_a_folder_that_goes_back_with_the_data_is_refused(tmp_path: Path, place: str) -> None:
    """Inside the data folder or around it: one backup restores both."""
    data = tmp_path / "data"
    data.mkdir()
    with pytest.raises(AnchorUnusable, match="choose a folder elsewhere"):
        asyncio.run(anchor(tmp_path / place, data).prepare())


def test_a_folder_that_is_not_there_is_refused(tmp_path: Path) -> None:
    """A disk that is not mounted must not become a folder of ours."""
    disk = FileAnchor(FileAnchorConfig(name="disk", folder=tmp_path / "no"), tmp_path / "data")
    with pytest.raises(AnchorUnusable, match="is not there: make it"):
        asyncio.run(disk.prepare())
    with pytest.raises(AnchorUnavailable, match="No such file"):
        asyncio.run(disk.anchor(note(1)))
