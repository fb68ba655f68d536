"""The registry in force is the one of the file, from the moment it is there."""

import os
from pathlib import Path

import pytest

from auditspan.collector.access.in_force import RegistryInForce
from auditspan.registry import BundleInvalid
from tests.collector.access.house import ALICE, House


def test_it_is_read_when_it_changes_and_only_then(tmp_path: Path) -> None:
    """None before the first, the same object until another is applied."""
    house = House(tmp_path)
    assert house.registry() is None
    house.apply()
    first = house.registry()
    assert first is not None
    assert house.registry() is first
    house.apply(principals__alice=ALICE.replace("Alice", "Alicia"))
    second = house.registry()
    assert second is not None
    assert second.principals["person:alice"].name == "Alicia"


def test_a_file_of_the_same_size_and_time_is_noticed(tmp_path: Path) -> None:
    """A replaced file is another inode, though the clock of the disk stood still."""
    house = House(tmp_path)
    path = house.data.folder("registry") / "current.json"
    house.apply()
    house.registry()
    before = path.stat()
    house.apply(principals__alice=ALICE.replace("Alice", "Alyce"))
    os.utime(path, ns=(before.st_atime_ns, before.st_mtime_ns))
    assert path.stat().st_size == before.st_size
    found = house.registry()
    assert found is not None
    assert found.principals["person:alice"].name == "Alyce"


def test_an_unreadable_file_leaves_nothing_in_force(tmp_path: Path) -> None:
    """It raises at every request until it is whole again, and a removed one is none."""
    house = House(tmp_path)
    path = house.data.folder("registry") / "current.json"
    house.apply()
    house.registry()
    good = path.read_text()
    path.write_text("{")
    for _ in range(2):
        with pytest.raises(BundleInvalid):
            house.registry()
    path.write_text(good)
    assert house.registry() is not None
    path.unlink()
    assert house.registry() is None
    assert RegistryInForce(tmp_path / "nowhere")() is None
