"""What anchors are known to have, in the data folder and outside of it."""

from pathlib import Path

from auditspan.collector.anchors.anchored import OUTSIDE, largest_anchored, write_outside
from auditspan.collector.anchors.config import FileAnchorConfig
from auditspan.collector.anchors.receipts import add_receipt
from auditspan.collector.anchors.state import STATE, State, Tree, write_state
from auditspan.integrity.anchors import Receipt, path_of
from tests.collector.anchors.signed import ORIGIN, checkpoint, note


def tree(size: int) -> Tree:
    """That of the log at a size."""
    return Tree(size=size, root=checkpoint(size).root.hex())


def test_the_largest_of_state_receipts_and_folders_counts(tmp_path: Path) -> None:
    """Each of them may be the only one that is left."""
    anchors, outside = tmp_path / "anchors", tmp_path / "outside"
    assert largest_anchored(anchors) == {}
    disk = anchors / "disk"
    disk.mkdir(parents=True)
    write_state(disk, State(since=0, trees={ORIGIN: tree(3), "other": tree(9)}))
    assert largest_anchored(anchors) == {ORIGIN: tree(3), "other": tree(9)}
    add_receipt(disk, Receipt("file", "disk", 1, note(5)), 0)
    assert largest_anchored(anchors)[ORIGIN] == tree(5)
    for size in (6, 7):
        path = outside / path_of(checkpoint(size))
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(note(size))
    write_outside(anchors, [FileAnchorConfig(name="disk", folder=outside)], ORIGIN)
    assert largest_anchored(anchors)[ORIGIN] == tree(7)
    write_outside(anchors, [], ORIGIN)
    assert largest_anchored(anchors)[ORIGIN] == tree(5)


def test_what_cannot_be_read_is_left_out(tmp_path: Path) -> None:
    """The rest counts; a folder may hold what is no note, and notes of other logs."""
    anchors, outside = tmp_path / "anchors", tmp_path / "outside"
    for name in ("disk", "old"):
        (anchors / name).mkdir(parents=True)
    (anchors / "old" / STATE).write_bytes(b"{")
    write_state(anchors / "disk", State(since=0, trees={ORIGIN: tree(2)}))
    (anchors / OUTSIDE).write_bytes(b"[]")
    assert largest_anchored(anchors) == {ORIGIN: tree(2)}
    path = outside / path_of(checkpoint(4))
    path.parent.mkdir(parents=True)
    path.write_bytes(note(4))
    path.with_name("9" * 20 + ".note").write_bytes(b"nothing")
    write_outside(anchors, [FileAnchorConfig(name="disk", folder=outside)], ORIGIN)
    assert largest_anchored(anchors) == {ORIGIN: tree(4)}
