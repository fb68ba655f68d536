"""What is made beside its place is there as a whole or not at all."""

import subprocess
import sys
from pathlib import Path

import pytest

from auditspan.collector.backup.drafts import draft
from auditspan.collector.backup.errors import BackupRefused


@pytest.mark.parametrize("folder", [True, False], ids=["folder", "file"])
def test_it_gets_its_name_at_the_end_and_nothing_is_left_of_an_error(
    tmp_path: Path, folder: bool
) -> None:
    """An empty folder may be in its place, anything else not."""
    target = tmp_path / "x"
    with pytest.raises(KeyError), draft(target, folder=folder):
        assert not target.exists()
        raise KeyError
    assert list(tmp_path.iterdir()) == []
    target.mkdir()
    with draft(target, folder=folder) as path:
        (path / "inside" if folder else path).write_text("whole")
    assert [found.name for found in tmp_path.iterdir()] == ["x"]
    with pytest.raises(BackupRefused, match="is there already"), draft(target, folder=folder):
        pass
    (tmp_path / "link").symlink_to(tmp_path / "nowhere")
    with (
        pytest.raises(BackupRefused, match="is there already"),
        draft(tmp_path / "link", folder=folder),
    ):
        pass


def test_what_a_killed_process_left_is_removed_and_what_one_works_on_is_not(
    tmp_path: Path,
) -> None:
    """By the lock, which ends with its process."""
    killed = (
        "import os, sys; from pathlib import Path; "
        "from auditspan.collector.backup.drafts import draft\n"
        "with draft(Path(sys.argv[1]), folder=True) as path:\n"
        "    (path / 'half').write_text('half'); os.kill(os.getpid(), 9)"
    )
    target = tmp_path / "x"
    done = subprocess.run([sys.executable, "-c", killed, str(target)], check=False, timeout=60)
    (left,) = tmp_path.iterdir()
    assert (done.returncode, left.name.startswith(".x.partial-")) == (-9, True)
    with draft(target, folder=True) as working:
        assert not left.exists()
        with draft(target, folder=True) as other:
            assert working.exists() and other.exists()
            (other / "first").write_text("")
        assert (target / "first").exists()
        target.joinpath("first").unlink()
