"""Rows of one moment as files, and a store that is made of them."""

import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from auditspan.storage.config import ColdConfig, StoreConfig
from auditspan.storage.engine import Engine, open_embedded, open_engine
from auditspan.storage.errors import SchemaMismatch, StoreError
from auditspan.storage.freezing import Frozen, build, freeze, frozen_files, thaw
from auditspan.storage.migrations import applied
from tests.migrated import copy_migrated, migrated_store

_ROWS = (
    "INSERT INTO audit_records (RecordId, ReceivedAt) "
    "SELECT toString(number), toDateTime64('2026-11-20 12:00:00', 9, 'UTC') FROM numbers({count})"
)


def _count(engine: Engine, where: str = "1") -> int:
    return int(engine.raw(f"SELECT count() FROM audit_records WHERE {where}"))


def _copied(store: Path, frozen: Frozen, to: Path) -> None:
    for name, path in frozen_files(store, frozen):
        target = to / name
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(path, target)


def _placing(copy: Path) -> Callable[[str, Path], None]:
    def place(table: str, folder: Path) -> None:
        if (copy / table).exists():
            shutil.copytree(copy / table, folder, dirs_exist_ok=True)

    return place


def test_a_store_is_built_of_what_was_frozen_and_nothing_that_came_later(tmp_path: Path) -> None:
    """Parts of several inserts and days and a changed one; migrations are the new store's."""
    store = migrated_store(tmp_path / "store")
    store.command(_ROWS.format(count=1000))
    store.command(_ROWS.format(count=3).replace("11-20", "11-21"))
    store.command(
        "ALTER TABLE audit_records UPDATE Held = 1 WHERE RecordId = '7' SETTINGS mutations_sync = 2"
    )
    frozen = freeze(store, "one")
    store.command(_ROWS.format(count=5))
    _copied(tmp_path / "store", frozen, tmp_path / "copy")
    thaw(tmp_path / "store", "one")
    assert not (tmp_path / "store" / "shadow" / "one").exists()
    assert _count(store) == 1008
    store.close()

    made = open_embedded(tmp_path / "made")
    try:
        build(made, frozen.migrations, _placing(tmp_path / "copy"))
        assert (_count(made), _count(made, "Held = 1")) == (1003, 1)
        assert applied(made) == frozen.migrations
        assert int(made.raw("SELECT count() FROM audit")) == 1003
        made.command(_ROWS.format(count=2))
        assert _count(made) == 1005
    finally:
        made.close()


def test_what_is_on_a_cold_volume_is_frozen_and_comes_back_without_one(tmp_path: Path) -> None:
    """The new store has no such disk, and needs none."""
    copy_migrated(tmp_path / "store")
    cold = ColdConfig(path=tmp_path / "cold")
    store = open_engine(StoreConfig(path=tmp_path / "store", cold=cold))
    store.command("ALTER TABLE audit_records MODIFY SETTING storage_policy = 'auditspan'")
    store.command(_ROWS.format(count=10))
    (row,) = store.arrow(
        "SELECT DISTINCT partition_id AS id FROM system.parts WHERE table = 'audit_records'"
    ).to_pylist()
    store.command(f"ALTER TABLE audit_records MOVE PARTITION ID '{row['id']}' TO VOLUME 'cold'")
    store.command(_ROWS.format(count=5))
    frozen = freeze(store, "one")
    _copied(tmp_path / "store", frozen, tmp_path / "copy")
    thaw(tmp_path / "store")
    assert not [*tmp_path.glob("*/shadow")]
    store.close()
    made = open_embedded(tmp_path / "made")
    try:
        build(made, frozen.migrations, _placing(tmp_path / "copy"))
        assert _count(made) == 15
    finally:
        made.close()


def test_a_store_of_another_version_is_not_built(tmp_path: Path) -> None:
    """A migration that is not known, or has another text, is named; no store is made."""
    made = open_embedded(tmp_path / "made")
    try:
        with pytest.raises(SchemaMismatch, match="migration 9999: the backup's store has it"):
            build(made, {9999: "00"}, lambda table, folder: None)
        with pytest.raises(SchemaMismatch, match="migration 1: "):
            build(made, {1: "00"}, lambda table, folder: None)
    finally:
        made.close()


def test_names_that_could_be_more_than_a_name_are_refused(tmp_path: Path) -> None:
    """Before any statement is made of them."""
    store = migrated_store(tmp_path / "store")
    try:
        for name in ("", "../up", "a b", "a'", "A"):
            with pytest.raises(StoreError, match="expected letters and digits"):
                freeze(store, name)
    finally:
        store.close()
