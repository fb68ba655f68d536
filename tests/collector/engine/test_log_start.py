"""Which log goes on: not one that others have seen further, nor one that somebody else writes."""

import json
import shutil
from pathlib import Path

import pytest

from auditspan.collector.anchors.state import State, Tree, write_state
from auditspan.collector.data_dir import SIGNER, prepare
from auditspan.collector.engine.errors import LogStopped
from auditspan.collector.engine.segments import Segments
from auditspan.storage.sealing.seals import extents, read_bodies
from tests.collector.engine.conftest import NOW, Workshop, spans

ROOT = "local/auditspan/default/root"


def anchored(workshop: Workshop, segments: Segments, more: int = 0, root: str = "") -> Tree:
    """An anchor has the root log as it is, or further than that."""
    assert segments.sealing is not None
    part = segments.sealing.signer.root(0)
    tree = Tree(size=part.size + more, root=root or part.root)
    state = State(since=NOW / 1e9, trees={ROOT: tree})
    write_state(workshop.data.folder("anchors") / "disk", state)
    return tree


def stored(workshop: Workshop, segments: Segments, number: int) -> None:
    """A batch, sealed, signed, with its notes."""
    segments.process(workshop.segment(spans(number), number=number))
    assert segments.sealing is not None
    segments.sealing.notes.flush()


def opening(workshop: Workshop, log: str) -> dict[str, object]:
    """What the first entry of a log says."""
    said: dict[str, object] = json.loads(read_bodies(workshop.store, log, 0, 1)[0].text)
    return said


def test_what_was_anchored_and_is_here_goes_on(workshop: Workshop) -> None:
    """Also when more was signed since."""
    segments = workshop.segments()
    stored(workshop, segments, 1)
    anchored(workshop, segments)
    workshop.segments()
    stored(workshop, segments, 2)
    again = workshop.segments()
    assert segments.sealing is not None and again.sealing is not None
    assert again.sealing.log == segments.sealing.log


def test_a_signer_that_went_back_with_its_backup_is_refused(
    workshop: Workshop, tmp_path: Path
) -> None:
    """Signer and store fit each other, and only the anchor has seen more; the new log says so."""
    segments = workshop.segments()
    stored(workshop, segments, 1)
    folder, backup = workshop.data.root / SIGNER, tmp_path / "backup"
    shutil.copytree(folder, backup)
    stored(workshop, segments, 2)
    tree = anchored(workshop, segments)
    shutil.rmtree(folder)
    shutil.copytree(backup, folder)
    for table in ("audit_seals", "audit_records", "audit_log_entries"):
        kept = f"if(LogId = '{ROOT}', LogIndex < {tree.size - 1}, LogIndex < 2)"
        workshop.store.command(
            f"ALTER TABLE {table} DELETE WHERE NOT {kept} SETTINGS mutations_sync = 2"
        )
    for path in workshop.data.folder("batches").iterdir():
        path.unlink()
    for _ in range(2):
        with pytest.raises(LogStopped, match=f"{tree.size} entries of it were anchored") as caught:
            workshop.segments()
        assert "auditspan up --recover" in str(caught.value)
    fresh = workshop.segments(recover=True)
    assert fresh.sealing is not None
    said = opening(workshop, fresh.sealing.log.origin)
    assert said["reason"] == "recovered"
    assert said["anchored"] == {ROOT: {**tree.model_dump(), "signed": tree.size - 1}}
    again = workshop.segments()
    assert again.sealing is not None and again.sealing.log.origin == fresh.sealing.log.origin


def test_another_tree_of_the_size_that_was_anchored_is_refused(workshop: Workshop) -> None:
    """As is one that is further than what is signed; the new log is not asked about it again."""
    segments = workshop.segments()
    stored(workshop, segments, 1)
    anchored(workshop, segments, root="ab" * 32)
    with pytest.raises(LogStopped, match="were signed here, or others"):
        workshop.segments()
    anchored(workshop, segments, more=100)
    workshop.segments(recover=True)
    assert workshop.segments().sealing is not None


def test_a_second_collector_on_one_store_needs_a_deployment_of_its_own(
    workshop: Workshop, tmp_path: Path
) -> None:
    """Both root logs would have one name, and be written over each other."""
    segments = workshop.segments()
    stored(workshop, segments, 1)
    second = Workshop(prepare(tmp_path / "second"), workshop.store)
    for recover in (False, True):
        with pytest.raises(LogStopped, match=r"it is that of another collector.*deployment"):
            second.segments(recover=recover)
    assert {found.log_id for found in extents(workshop.store)} == {
        ROOT,
        segments.sealing.log.origin,  # type: ignore[union-attr]
    }
    stored(workshop, workshop.segments(), 2)
