"""Files that a command writes: whole, with the rights they need, in the place of nothing else."""

import os
import stat
from pathlib import Path

import pytest

from auditspan.cli.errors import OptionInvalid
from auditspan.cli.output_file import SHARED, output_file


def test_a_file_is_there_as_a_whole_and_private(tmp_path: Path) -> None:
    """It takes the place of an older one, whatever mode that had."""
    path = tmp_path / "case.zip"
    path.write_bytes(b"old")
    path.chmod(0o644)
    with output_file(path) as file:
        file.write(b"new")
        assert path.read_bytes() == b"old"
    assert path.read_bytes() == b"new" and stat.S_IMODE(path.stat().st_mode) == 0o600
    assert [each.name for each in tmp_path.iterdir()] == ["case.zip"]


def test_of_an_error_nothing_is_left(tmp_path: Path) -> None:
    """The older file stays as it was."""
    path = tmp_path / "case.zip"
    path.write_bytes(b"old")
    with pytest.raises(KeyboardInterrupt), output_file(path) as file:
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
    with pytest.raises(OptionInvalid, match="is no plain file"), output_file(path):
        raise AssertionError("work was begun for a place that cannot take it")
    assert path.lstat() == before
    assert {each.name for each in tmp_path.iterdir()} <= {"out", "other"}


def test_what_lies_where_a_draft_would_be_is_not_written_to(tmp_path: Path) -> None:
    """A link that somebody put there leads nowhere."""
    victim = tmp_path / "victim"
    victim.write_bytes(b"mine")
    (tmp_path / ".case.zip.partial").symlink_to(victim)
    with output_file(tmp_path / "case.zip") as file:
        file.write(b"content")
    assert victim.read_bytes() == b"mine"
    assert (tmp_path / "case.zip").read_bytes() == b"content"


@pytest.mark.parametrize("place", ["missing/case.zip", "file/case.zip"])
def test_a_folder_that_is_none_is_told(tmp_path: Path, place: str) -> None:
    """By the name of the folder, before anything is worked for."""
    (tmp_path / "file").write_bytes(b"")
    says = pytest.raises(OptionInvalid, match=r"(missing|file) is no folder: make it")
    with says, output_file(tmp_path / place):
        raise AssertionError("work was begun for a place that cannot take it")


def test_a_place_without_rights_is_told_by_the_name_that_was_asked_for() -> None:
    """Not by the draft's, which nobody has heard of; root may not write there either."""
    if not Path("/sys").is_mount():
        pytest.skip("this system has no /sys, where nobody may make files")
    with pytest.raises(OSError) as told, output_file(Path("/sys/case.zip")):
        raise AssertionError("work was begun for a place that cannot take it")
    assert told.value.filename == "/sys/case.zip"


def test_a_new_file_takes_nobodys_place(tmp_path: Path) -> None:
    """Neither of one that is there at first, nor of one that comes meanwhile."""
    path = tmp_path / "page.md"
    with pytest.raises(FileExistsError), output_file(path, new=True) as file:
        file.write(b"ours")
        path.write_bytes(b"theirs")
    with pytest.raises(FileExistsError), output_file(path, new=True):
        raise AssertionError("work was begun for a place that is taken")
    assert [each.name for each in tmp_path.iterdir()] == ["page.md"]
    assert path.read_bytes() == b"theirs"


def test_what_is_to_be_handed_on_has_the_rights_of_the_umask(tmp_path: Path) -> None:
    """As any other file that the user makes."""
    before = os.umask(0o027)
    try:
        with output_file(tmp_path / "crm.yaml", mode=SHARED):
            pass
    finally:
        os.umask(before)
    assert stat.S_IMODE((tmp_path / "crm.yaml").stat().st_mode) == 0o640
