"""A backup that cannot be written says why, and does not blame the snapshot."""

from pathlib import Path

import pytest

from auditspan.collector.backup.manifest import Taken
from auditspan.collector.backup.snapshot import take
from auditspan.collector.backup.writing import write
from auditspan.collector.data_dir import prepare


def test_a_place_that_cannot_be_made_is_named(tmp_path: Path) -> None:
    """It is no `BackupInterrupted`: another try fails in the same way."""
    if not Path("/proc/self").exists():
        pytest.skip("needs a file system in which nobody can make a folder")
    data = prepare(tmp_path / "data")
    taken = Taken(
        instance=data.instance, taken_at="2026-11-26T00:00:00Z", running=False, store="server"
    )
    snapshot = take(data, "a", taken, None)
    with pytest.raises(FileNotFoundError, match="/proc/none"):
        write(snapshot, Path("/proc/none/monday.tar"), lambda *_: None)
