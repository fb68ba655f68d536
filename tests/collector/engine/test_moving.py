"""Old records on another disk: read, verified, erased and expired there as before."""

import re
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from auditspan.collector.data_dir import prepare
from auditspan.collector.engine.erasing import Erasing
from auditspan.collector.engine.moving import Moving
from auditspan.storage.cold_volume import NAME
from auditspan.storage.config import ColdConfig, StoreConfig
from auditspan.storage.engine import open_embedded, open_engine
from auditspan.storage.errors import StoreError
from tests.collector.engine.conftest import NOW, Workshop, spans
from tests.collector.engine.test_erasing import SECRET, fits, found, paying, plan_and_approve
from tests.migrated import copy_migrated

DAY = 86_400 * 10**9


@pytest.fixture
def cold(tmp_path: Path) -> Iterator[Workshop]:
    """A store with a cold volume."""
    data = prepare(tmp_path / "data")
    volume = ColdConfig(path=tmp_path / "cold", after_days=90)
    copy_migrated(data.folder("store"))
    store = open_engine(StoreConfig(path=data.folder("store"), cold=volume))
    workshop = Workshop(data, store)
    yield workshop
    workshop.store.close()


def moved(workshop: Workshop, days: int) -> int:
    """How many partitions are asked for so many days later, and have gone."""
    count = Moving(workshop.store, 90, lambda: NOW + days * DAY).run(90)
    until = time.monotonic() + 20
    while disks(workshop) == ["default"] and count and time.monotonic() < until:
        time.sleep(0.05)
    return count


def disks(workshop: Workshop) -> list[object]:
    """Where the records are."""
    return workshop.column(
        "SELECT DISTINCT disk_name FROM system.parts WHERE table = 'audit_records' AND active"
    )


def test_old_records_move_and_stay_what_they_are(cold: Workshop, tmp_path: Path) -> None:
    """Not before their day; then they are found, fit the log, and are erased in all files."""
    cold.segments().process(cold.segment(paying(1), spans(2)))
    ids = list(map(str, cold.column("SELECT RecordId FROM audit_records ORDER BY LogIndex")))
    assert moved(cold, 89) == 0
    assert disks(cold) == ["default"]
    assert moved(cold, 91) == 1
    assert disks(cold) == ["cold"]
    assert moved(cold, 91) == 0
    assert fits(cold, ids, erased=False)
    assert any(SECRET.encode() in path.read_bytes() for path in _files(tmp_path / "cold"))
    plan_and_approve(cold, ids[:1], "*")
    Erasing(cold.data, cold.store, sealed=True).tick(asked=True)
    assert found(cold) == []
    assert not any(SECRET.encode() in path.read_bytes() for path in _files(tmp_path / "cold"))
    assert fits(cold, ids[:1])

    # Whoever opens the store later need not know of it; what is not there is told.
    cold.store.close()
    cold.store = open_embedded(cold.data.folder("store"))
    assert cold.column("SELECT RecordId FROM audit_records WHERE ToolName = 'pay'") == ids[1:]
    cold.store.command(
        "ALTER TABLE audit_records DELETE WHERE ToolName = 'pay' SETTINGS mutations_sync = 2"
    )
    assert cold.column("SELECT count() FROM audit_records WHERE ToolName = 'pay'") == [0]
    cold.store.close()
    (tmp_path / "cold").rename(tmp_path / "elsewhere")
    (tmp_path / "cold").mkdir()
    with pytest.raises(StoreError, match="mount its disk"):
        open_embedded(cold.data.folder("store"))
    there = ColdConfig(path=tmp_path / "elsewhere")
    cold.store = open_engine(StoreConfig(path=cold.data.folder("store"), cold=there))
    assert (tmp_path / "elsewhere" / NAME).exists()


def test_a_server_can_be_told_to_do_it_by_itself(cold: Workshop) -> None:
    """The statements of the documentation are taken by the engine; the rule of expiry is ours."""
    page = Path(__file__).parents[3] / "docs" / "erasure-and-retention.md"
    [block] = re.findall(r"```sql\n(.*?)```", page.read_text(), re.DOTALL)
    rule = "SELECT engine_full FROM system.tables WHERE name = 'audit_records'"
    [before] = map(str, cold.column(f"{rule} AND database = 'auditspan'"))
    for statement in block.strip().rstrip(";").split(";\n"):
        cold.store.command(statement)
    [after] = map(str, cold.column(f"{rule} AND database = 'auditspan'"))
    expiry = before.split(" TTL ")[1].split(" SETTINGS ")[0]
    assert after.split(" TTL ")[1].startswith(expiry.removesuffix(" DELETE"))
    assert "TO VOLUME 'cold'" in after and "storage_policy = 'auditspan'" in after


def test_it_takes_a_folder_of_its_own(tmp_path: Path) -> None:
    """Not one with files, nor that of another store."""
    (tmp_path / "full").mkdir()
    (tmp_path / "full" / "x").write_text("mine")
    for path in (tmp_path / "full", tmp_path / "full" / "x"):
        with pytest.raises(StoreError, match=f"cold volume {path}"):
            open_engine(StoreConfig(path=tmp_path / "store", cold=ColdConfig(path=path)))


def test_nothing_is_asked_of_a_store_without_one(workshop: Workshop) -> None:
    """As it is by default."""
    Moving(workshop.store, None).tick()
    Moving(workshop.store, 90).tick()  # Told in the log, and tried again later.


def _files(folder: Path) -> list[Path]:
    return [path for path in folder.rglob("*") if path.is_file()]
