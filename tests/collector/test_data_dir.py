"""The data folder is ours alone, and one process at a time works on it."""

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from auditspan.collector.data_dir import (
    locked,
    prepare,
    write_front,
)
from auditspan.collector.errors import AlreadyRunning, DataDirInvalid


def test_it_is_made_private(tmp_path: Path) -> None:
    """All folders 0700, whatever the umask, and prepared twice it is the same."""
    before = os.umask(0)
    try:
        data = prepare(tmp_path / "deep" / "data")
    finally:
        os.umask(before)
    folders = [data.root, *(path for path in data.root.iterdir() if path.is_dir())]
    assert {path.name for path in folders[1:]} == {
        "anchors", "batches", "checkpoints", "dead", "forward", "public", "registry", "run",
        "secrets", "spool", "store", "tmp",
    }  # fmt: skip
    assert {path.stat().st_mode & 0o777 for path in folders} == {0o700}
    assert (data.root / "instance").stat().st_mode & 0o777 == 0o600
    assert prepare(data.root).instance == data.instance


def test_drafts_of_a_running_collector_come_and_go(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A command that looks at its folder finds a file listed that has its right name by then."""
    root = prepare(tmp_path / "data").root
    state = root / "secrets" / "log" / "state.json"
    state.touch(0o600)
    listed = Path.iterdir

    def with_a_draft(folder: Path) -> Iterator[Path]:
        yield folder / ".state.json.2d328d30878a"
        yield from listed(folder)

    monkeypatch.setattr(Path, "iterdir", with_a_draft)
    prepare(root)
    state.chmod(0o644)
    with pytest.raises(DataDirInvalid, match="mode 0644"):
        prepare(root)


@pytest.mark.parametrize("name", ["", "spool", "secrets"])
def test_a_folder_that_others_may_enter_is_refused(tmp_path: Path, name: str) -> None:
    """With the command that mends it."""
    root = prepare(tmp_path / "data").root
    (root / name).chmod(0o750)
    with pytest.raises(DataDirInvalid, match=rf"mode 0750: .*`chmod 700 {root / name}`"):
        prepare(root)


@pytest.mark.parametrize("name", ["", "spool", "secrets/log"])
def test_a_file_in_the_place_of_a_folder_is_named(tmp_path: Path, name: str) -> None:
    """Not the folder around it, of which nothing is wrong."""
    place = tmp_path / "data" / name
    if name:
        (tmp_path / "data").mkdir(mode=0o700)
        place.parent.mkdir(mode=0o700, exist_ok=True)
    place.touch()
    with pytest.raises(DataDirInvalid, match=f"^{place} is no folder: expected one"):
        prepare(tmp_path / "data")


def test_a_secret_that_others_may_read_is_refused(tmp_path: Path) -> None:
    """By its name."""
    data = prepare(tmp_path / "data")
    data.secret("hmac.key").write_bytes(b"x")
    data.secret("hmac.key").chmod(0o640)
    with pytest.raises(DataDirInvalid, match=r"hmac.key has mode 0640: .*chmod 600"):
        prepare(data.root)


@pytest.mark.parametrize("name", ["spool", "secrets"])
def test_a_symbolic_link_is_refused(tmp_path: Path, name: str) -> None:
    """It could lead to a place that others can write."""
    root = prepare(tmp_path / "data").root
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir(mode=0o700)
    shutil.rmtree(root / name)
    (root / name).symlink_to(elsewhere)
    with pytest.raises(DataDirInvalid, match="symbolic link"):
        prepare(root)


def test_the_root_as_a_symbolic_link_is_refused(tmp_path: Path) -> None:
    """As any other."""
    prepare(tmp_path / "real")
    (tmp_path / "data").symlink_to(tmp_path / "real")
    with pytest.raises(DataDirInvalid, match="symbolic link"):
        prepare(tmp_path / "data")


def test_a_file_in_place_of_a_folder_is_refused(tmp_path: Path) -> None:
    """With the path."""
    (tmp_path / "data").write_text("x")
    with pytest.raises(DataDirInvalid, match=str(tmp_path / "data")):
        prepare(tmp_path / "data")


@pytest.mark.skipif(os.getuid() != 0, reason="only root can give a folder away")
def test_a_folder_of_somebody_else_is_refused(tmp_path: Path) -> None:
    """Who owns it can let anybody in."""
    root = prepare(tmp_path / "data").root
    os.chown(root / "spool", 12345, -1)
    with pytest.raises(DataDirInvalid, match="belongs to uid 12345: expected uid 0"):
        prepare(root)


@pytest.mark.parametrize("content", [b"", b"../../x\n", b"\xff\xfe", b"a-b-c-d-\n"])
def test_an_instance_that_is_no_id_is_refused(tmp_path: Path, content: bytes) -> None:
    """It becomes part of file names."""
    root = prepare(tmp_path / "data").root
    (root / "instance").write_bytes(content)
    with pytest.raises(DataDirInvalid, match="instance: expected 8 letters or digits"):
        prepare(root)


def test_a_second_process_is_told_who_is_there(tmp_path: Path) -> None:
    """By its process id, and what to do."""
    data = prepare(tmp_path / "data")
    code = (
        "import sys; from pathlib import Path; from auditspan.collector.data_dir import *\n"
        "with locked(DataDir(Path(sys.argv[1]))):\n print('in', flush=True); sys.stdin.read()\n"
    )
    with subprocess.Popen(
        [sys.executable, "-c", code, str(data.root)],
        stdin=subprocess.PIPE, stdout=subprocess.PIPE,
    ) as other:  # fmt: skip
        assert other.stdout is not None
        assert other.stdout.readline() == b"in\n"
        with (
            pytest.raises(AlreadyRunning, match=rf"in use by process {other.pid}: stop it"),
            locked(data),
        ):
            pass
    with locked(data):
        assert (data.root / "lock").read_text() == str(os.getpid())


def test_addresses_are_for_us_alone(tmp_path: Path) -> None:
    """Whole or not there, and mode 0600."""
    data = prepare(tmp_path / "data")
    write_front(data, {"api": "http://127.0.0.1:1"})
    assert json.loads(data.front_json.read_text()) == {
        "pid": os.getpid(),
        "api": "http://127.0.0.1:1",
    }
    assert data.front_json.stat().st_mode & 0o777 == 0o600
