"""Backups in both forms, and files that only look like one."""

import io
import os
import tarfile
from pathlib import Path

import pytest

from auditspan.collector.backup.archive import FolderSink, TarSink, _header, entries, size_of
from auditspan.collector.backup.errors import BackupError, BackupInvalid
from auditspan.collector.backup.manifest import NAME, checked_name

FILES = {"instance": b"abcdefgh\n", "spool/.recent": b"", "store/t/all_1_1_0/data.bin": b"x" * 1500}


def _read(source: Path) -> dict[str, bytes]:
    return {entry.name: b"".join(entry.chunks) for entry in entries(source)}


def _tar(path: Path, *members: tuple[tarfile.TarInfo, bytes]) -> Path:
    """With the standard library, which can write what we never do."""
    with tarfile.open(path, "w", format=tarfile.GNU_FORMAT) as file:
        for info, data in members:
            info.size = len(data)
            file.addfile(info, io.BytesIO(data))
    return path


def _named(name: str, kind: bytes = tarfile.REGTYPE, link: str = "") -> tarfile.TarInfo:
    info = tarfile.TarInfo(name)
    info.type, info.linkname = kind, link
    return info


def test_both_forms_give_back_what_was_put_in(tmp_path: Path) -> None:
    """And the standard library reads the tar file as well."""
    everything = FILES | {NAME: b"{}"}
    (tmp_path / "folder").mkdir()
    with (tmp_path / "a.tar").open("wb") as file:
        for sink in (TarSink(file), FolderSink(tmp_path / "folder")):
            for name, data in everything.items():
                sink.add(name, len(data), [data])
            sink.finish()
    assert _read(tmp_path / "a.tar") == everything
    assert _read(tmp_path / "folder") == everything
    with tarfile.open(tmp_path / "a.tar") as read:
        assert read.getnames() == list(everything)
        assert {info.mode for info in read.getmembers()} == {0o600}
    assert size_of(tmp_path / "folder") == sum(map(len, everything.values()))
    modes = {path.stat().st_mode & 0o777 for path in (tmp_path / "folder").rglob("*")}
    assert modes == {0o600, 0o700}


def test_sizes_of_more_than_octal_digits_are_written_as_other_programs_read_them() -> None:
    """A part of 20 GB: number of base 256, and a checksum that fits."""
    info = tarfile.TarInfo.frombuf(_header("store/t/p/data.bin", 20 << 30), "ascii", "strict")
    assert (info.name, info.size) == ("store/t/p/data.bin", 20 << 30)


@pytest.mark.parametrize(
    "name",
    [
        "", "/etc/passwd", "../x", "spool/../../x", "spool//x", "spool/./x", "spool/a b", "x",
        "run/engine.sock", "lock", "spool/x\n", "spool/" + "x" * 300, "spool\\x", "spool/\u202e",
        "backup/x", "instance/x",
    ],
    ids=range(16),
)  # fmt: skip
def test_names_that_are_none_of_a_data_folder_are_refused(name: str) -> None:
    """Whatever they would do in a file system."""
    with pytest.raises(BackupInvalid, match="no file of a data folder"):
        checked_name(name)


@pytest.mark.parametrize(
    ("members", "says"),
    [
        ([(_named("spool/x", tarfile.SYMTYPE, "/etc/passwd"), b"")], "expected a plain file"),
        ([(_named("spool/x", tarfile.LNKTYPE, "instance"), b"")], "expected a plain file"),
        ([(_named("spool/x", tarfile.CHRTYPE), b"")], "expected a plain file"),
        ([(_named("spool", tarfile.DIRTYPE), b"")], "expected a plain file"),
        ([(_named("spool/x", tarfile.GNUTYPE_SPARSE), b"")], "expected a plain file"),
        ([(_named("spool/" + "y" * 120), b"")], "expected a plain file"),
        ([(_named("../x"), b"")], "no file of a data folder"),
        ([(_named("spool/x"), b""), (_named("spool/x"), b"")], "is in it twice"),
        ([(_named(NAME), b"{}"), (_named("spool/x"), b"")], "comes behind the manifest"),
        ([(_named("instance"), b"")], "cut off"),
        ([], "cut off"),
    ],
    ids=["symlink", "link", "device", "folder", "sparse", "long", "up", "twice", "behind", "no",
         "empty"],
)  # fmt: skip
def test_tar_files_that_are_no_backup_are_refused(
    tmp_path: Path, members: list[tuple[tarfile.TarInfo, bytes]], says: str
) -> None:
    """By what is wrong with them."""
    with pytest.raises(BackupInvalid, match=says):
        _read(_tar(tmp_path / "a.tar", *members))


def test_a_size_beyond_the_end_of_the_file_is_refused_before_anything_is_read(
    tmp_path: Path,
) -> None:
    """Petabytes that are not there."""
    (tmp_path / "a.tar").write_bytes(_header("spool/x", 1 << 50) + bytes(1024))
    with pytest.raises(BackupInvalid, match="should have 1125899906842624 bytes, the file has"):
        _read(tmp_path / "a.tar")


def test_every_cut_of_a_backup_is_refused(tmp_path: Path) -> None:
    """At any byte before its manifest is whole; noise as well."""
    with (tmp_path / "whole.tar").open("wb") as file:
        sink = TarSink(file)
        for name, data in (FILES | {NAME: b"{}"}).items():
            sink.add(name, len(data), [data])
        sink.finish()
    whole = (tmp_path / "whole.tar").read_bytes()
    end = whole.index(b"{}") + 1
    for at in [*range(0, end, 97), end]:
        (tmp_path / "cut.tar").write_bytes(whole[:at])
        with pytest.raises(BackupError):
            _read(tmp_path / "cut.tar")
    (tmp_path / "cut.tar").write_bytes(os.urandom(4096))
    with pytest.raises(BackupInvalid, match="is no backup in a tar file"):
        _read(tmp_path / "cut.tar")


def test_folders_with_links_and_pipes_are_refused(tmp_path: Path) -> None:
    """Nothing is followed, and nothing blocks."""
    for kind in ("link", "pipe"):
        folder = tmp_path / kind
        (folder / "spool").mkdir(parents=True)
        (folder / NAME).write_text("{}")
        if kind == "link":
            (folder / "spool" / "x").symlink_to("/etc/passwd")
        else:
            os.mkfifo(folder / "spool" / "x")
        with pytest.raises(BackupInvalid, match="expected a file or a folder"):
            _read(folder)


def test_a_pipe_is_refused_and_not_waited_for(tmp_path: Path) -> None:
    """Whoever writes into it may never come."""
    os.mkfifo(tmp_path / "a.tar")
    with pytest.raises(BackupInvalid, match="expected a file or a folder"):
        list(entries(tmp_path / "a.tar"))
