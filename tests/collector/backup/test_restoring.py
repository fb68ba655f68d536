"""A stopped collector's data folder, saved and put back; by processes that are killed as well."""

import json
import shutil
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from auditspan.collector.backup.archive import FolderSink, entries
from auditspan.collector.backup.errors import BackupError, BackupInvalid, BackupRefused
from auditspan.collector.backup.manifest import NAME, Manifest, Member
from auditspan.collector.backup.restoring import Restored, restore
from auditspan.collector.backup.writing import Written, write
from auditspan.collector.control.client import Target, connect
from auditspan.collector.control.records import Why
from auditspan.collector.data_dir import DataDir, prepare
from auditspan.storage.engine import Engine
from auditspan.storage.migrations import known
from auditspan.wire.segments import closed_segments, read_frames
from tests.migrated import migrated_store

ROWS = 300


@dataclass(frozen=True)
class Saved:
    """A data folder with records, and a backup of it."""

    data: DataDir
    written: Written

    @property
    def tar(self) -> Path:
        return self.written.path


def silent(what: str, done: int, of: int) -> None:
    """Nobody looks."""


def save(data: DataDir, to: Path, *, secrets_too: bool = False) -> Written:
    """As the command line does it."""
    with connect(Target(data.root)) as client:
        backups = client.backups(data)
        snapshot = backups.begin(secrets_too=secrets_too)
        written = None
        try:
            written = write(snapshot, to, silent)
        finally:
            backups.end(snapshot, written, Why(reason="test"))
    return written


@pytest.fixture(scope="module")
def saved(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Saved]:
    """Records of two days, a batch that waits, and secrets that are not in the backup."""
    folder = tmp_path_factory.mktemp("saved")
    data = prepare(folder / "data")
    store = migrated_store(data.folder("store"))
    store.command(
        "INSERT INTO audit_records (RecordId, ReceivedAt) SELECT toString(number), "
        f"toDateTime64('2026-11-20 12:00:00', 9, 'UTC') + number * 500 FROM numbers({ROWS})"
    )
    store.close()
    (data.folder("batches") / "log.json").write_text("{}")
    (data.folder("dead") / "x-frame-0.data").write_bytes(b"dead")
    yield Saved(data, save(data, folder / "b.tar"))


def count(data: DataDir, engine: Engine) -> int:
    """Looks at the records."""
    return int(engine.raw("SELECT count() FROM audit_records"))


def put_back(source: Path, target: Path, digest: str = "") -> Restored[int]:
    """A restore in which nobody refuses."""
    return restore(source, target, count, silent, digest=digest)


def test_what_was_saved_is_back_and_only_for_its_owner(saved: Saved, tmp_path: Path) -> None:
    """Records, files, id; without secrets, whose names are told; sealed will be that it was done"""
    found = put_back(saved.tar, tmp_path / "new", saved.written.digest)
    new = DataDir(tmp_path / "new")
    assert (found.checked, found.digest) == (ROWS, saved.written.digest)
    assert new.instance == saved.data.instance
    assert found.manifest.taken.migrations == {each.number: each.checksum for each in known()}
    assert (new.folder("dead") / "x-frame-0.data").read_bytes() == b"dead"
    assert set(found.manifest.taken.left_out) >= {"secrets/hmac.key", "secrets/operator.token"}
    assert [path.name for path in new.folder("secrets").iterdir()] == ["log"]
    assert {path.stat().st_mode & 0o077 for path in (new.root, *new.root.glob("*"))} == {0}
    (segment,) = closed_segments(new.folder("spool"))
    ((_, envelope),) = read_frames(segment)
    record = json.loads(envelope.control)
    assert (record["kind"], record["body"]["id"]) == ("backup.restored", found.digest)
    (segment,) = closed_segments(saved.data.folder("spool"))
    ((_, envelope),) = read_frames(segment)
    assert json.loads(envelope.control)["body"]["id"] == saved.written.digest
    assert not (saved.data.root / "backup").joinpath("files").exists()
    assert not list(saved.data.folder("store").glob("shadow/*/store"))


def test_it_is_put_where_nothing_is(saved: Saved, tmp_path: Path) -> None:
    """What is there stays as it is; the data folder takes no backup of itself."""
    (tmp_path / "taken").mkdir()
    (tmp_path / "taken" / "file").write_text("mine")
    with pytest.raises(BackupRefused, match="is there already and not empty"):
        put_back(saved.tar, tmp_path / "taken")
    assert (tmp_path / "taken" / "file").read_text() == "mine"
    with pytest.raises(BackupRefused, match="is in the data folder"):
        save(saved.data, saved.data.root / "dead" / "b.tar")
    with pytest.raises(BackupRefused, match="is there already"):
        save(saved.data, saved.tar)


def test_another_backup_than_the_one_that_is_meant_is_refused(saved: Saved, tmp_path: Path) -> None:
    """By its digest."""
    with pytest.raises(BackupInvalid, match=f"its digest is {saved.written.digest}, expected"):
        put_back(saved.tar, tmp_path / "new", "sha256:" + "0" * 64)
    assert list(tmp_path.iterdir()) == []


def test_one_that_looks_and_refuses_leaves_nothing(saved: Saved, tmp_path: Path) -> None:
    """As after a verdict that is INVALID."""

    def refuse(data: DataDir, engine: Engine) -> None:
        raise BackupRefused("no")

    with pytest.raises(BackupRefused, match="no"):
        restore(saved.tar, tmp_path / "new", refuse, silent)
    assert list(tmp_path.iterdir()) == []


def _folder(saved: Saved, to: Path) -> Path:
    sink = FolderSink(to)
    for entry in entries(saved.tar):
        sink.add(entry.name, entry.size, entry.chunks)
    return to


def _edit(manifest: Manifest, **changes: object) -> bytes:
    return manifest.model_copy(update=changes).to_bytes()


def test_every_change_of_a_backup_is_found_before_anything_is_in_place(
    saved: Saved, tmp_path: Path
) -> None:
    """A bit, a file too many or too few, a manifest that says something else."""
    source = _folder(saved, tmp_path / "b")
    manifest = Manifest.of((source / NAME).read_bytes())
    table = next(source.glob("store/audit_records/*/data.bin"))

    def refused(says: str) -> None:
        with pytest.raises(BackupInvalid, match=says):
            put_back(source, tmp_path / "new")
        assert sorted(path.name for path in tmp_path.iterdir()) == ["b"]

    data = table.read_bytes()
    table.write_bytes(bytes([data[0] ^ 1]) + data[1:])
    refused("data.bin is damaged or was changed: expected SHA-256")
    table.write_bytes(data)
    (source / "dead" / "extra.data").write_bytes(b"")
    refused("dead/extra.data is not in its manifest")
    (source / "dead" / "extra.data").unlink()
    (source / "dead" / "x-frame-0.data").unlink()
    refused("dead/x-frame-0.data is missing")
    (source / "dead" / "x-frame-0.data").write_bytes(b"dead")

    twice = (*manifest.files, manifest.files[0])
    (source / NAME).write_bytes(_edit(manifest, files=twice))
    refused("names a file twice")
    other = manifest.taken.model_copy(update={"instance": "aaaaaaaa"})
    (source / NAME).write_bytes(_edit(manifest, taken=other))
    refused("instance is .{8}, its manifest says aaaaaaaa")
    server = manifest.taken.model_copy(update={"store": "server"})
    (source / NAME).write_bytes(_edit(manifest, taken=server))
    refused("has records, and says that they are on a server")
    for text, says in (("{}", "field required"), ("[]", "manifest"), ("\x00", "manifest")):
        (source / NAME).write_text(text)
        refused(says)
    (source / NAME).unlink()
    refused("has no manifest.json")


def test_parts_that_are_none_and_tables_that_nobody_knows_are_refused(
    saved: Saved, tmp_path: Path
) -> None:
    """A manifest that fits does not make a store: the engine reads what it gets."""
    source = _folder(saved, tmp_path / "b")
    manifest = Manifest.of((source / NAME).read_bytes())
    newer = manifest.taken.model_copy(update={"migrations": {9999: "00"}})
    (source / NAME).write_bytes(_edit(manifest, taken=newer))
    with pytest.raises(Exception, match="migration 9999"):
        put_back(source, tmp_path / "new")

    (source / "store" / "evil" / "all_1_1_0").mkdir(parents=True)
    (source / "store" / "evil" / "all_1_1_0" / "data.bin").write_bytes(b"x")
    member = Member(
        name="store/evil/all_1_1_0/data.bin",
        size=1,
        sha256="2d711642b726b04401627ca9fbac32f5c8530fb1903cc4db02258717921a4881",
    )
    (source / NAME).write_bytes(_edit(manifest, files=(*manifest.files, member)))
    with pytest.raises(BackupInvalid, match="no version has a table evil"):
        put_back(source, tmp_path / "new")
    assert not (tmp_path / "new").exists()


KILLED = """
import os, sys
from pathlib import Path
from tests.collector.backup.test_restoring import count, restore, save
from auditspan.collector.data_dir import DataDir

def kill(what, done, of):
    if done * 2 > of:
        os.kill(os.getpid(), 9)

def killed(data, engine):
    os.kill(os.getpid(), 9)

what, source, target = sys.argv[1:]
if what == "backup":
    import tests.collector.backup.test_restoring as house
    house.silent = kill
    save(DataDir(Path(source)), Path(target))
else:
    restore(Path(source), Path(target), killed, kill if what == "unpack" else lambda *_: None)
"""


@pytest.mark.parametrize("what", ["backup", "unpack", "check"])
def test_killed_in_the_middle_nothing_is_there_that_looks_whole(
    saved: Saved, tmp_path: Path, what: str
) -> None:
    """And the next try does it, which removes what was left."""
    source = tmp_path / "data" if what == "backup" else saved.tar
    target = tmp_path / ("b.tar" if what == "backup" else "new")
    if what == "backup":
        shutil.copytree(saved.data.root, source, symlinks=True)
    done = subprocess.run(
        [sys.executable, "-c", KILLED, what, str(source), str(target)],
        cwd=Path(__file__).parents[3], check=False, timeout=120, capture_output=True,
    )  # fmt: skip
    assert done.returncode == -9, done.stderr.decode()
    assert not target.exists()
    (left,) = tmp_path.glob(".*.partial-*")
    with pytest.raises(BackupError):
        put_back(left, tmp_path / "half")
    if what == "backup":
        save(DataDir(source), target)
        assert list((source / "backup").iterdir()) == []
        assert list(entries(target))[-1].name == NAME
        assert not left.exists()
    elif what == "check":
        assert put_back(source, target).checked == ROWS
        assert not left.exists()
