"""Files that a command writes: whole, for their owner alone, and in the place of nothing else."""

import os
import stat
from pathlib import Path

import pytest

from auditspan.cli.errors import OptionInvalid
from auditspan.cli.private_file import private_file


def test_a_file_is_there_as_a_whole_and_private(tmp_path: Path) -> None:
    """It takes the place of an older one, whatever mode that had."""
    path = tmp_path / "case.zip"
    path.write_bytes(b"old")
    path.chmod(0o644)
    with private_file(path) as file:
        file.write(b"new")
        assert path.read_bytes() == b"old"
    assert path.read_bytes() == b"new" and stat.S_IMODE(path.stat().st_mode) == 0o600
    assert [each.name for each in tmp_path.iterdir()] == ["case.zip"]


def test_of_an_error_nothing_is_left(tmp_path: Path) -> None:
    """The older file stays as it was."""
    path = tmp_path / "case.zip"
    path.write_bytes(b"old")
    with pytest.raises(KeyboardInterrupt), private_file(path) as file:
        file.write(b"half")
        raise KeyboardInterrupt
    assert [each.name for each in tmp_path.iterdir()] == ["case.zip"]
    assert path.read_bytes() == b"old"


@pytest.mark.parametrize("kind", ["pipe", "link", "folder"])
def test_what_is_no_plain_file_is_not_replaced(tmp_path: Path, kind: str) -> None:
    """A device has such a place too: root would replace it by a file. Nothing is written."""
    path, other = tmp_path / "out", tmp_path / "other"
    if kind == "pipe":
        os.mkfifo(path)
    elif kind == "link":
        other.write_bytes(b"other")
        path.symlink_to(other)
    else:
        path.mkdir()
    before = path.lstat()
    with pytest.raises(OptionInvalid, match="is no plain file"), private_file(path):
        raise AssertionError("work was begun for a place that cannot take it")
    assert path.lstat() == before
    assert {each.name for each in tmp_path.iterdir()} <= {"out", "other"}


def test_what_lies_where_a_draft_would_be_is_not_written_to(tmp_path: Path) -> None:
    """A link that somebody put there leads nowhere."""
    victim = tmp_path / "victim"
    victim.write_bytes(b"mine")
    (tmp_path / ".case.zip.partial").symlink_to(victim)
    with private_file(tmp_path / "case.zip") as file:
        file.write(b"content")
    assert victim.read_bytes() == b"mine"
    assert (tmp_path / "case.zip").read_bytes() == b"content"
