"""Stopped collectors, with the trail of `tests/reports` or a sealed store, and the command."""

import shutil
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest

from auditspan.cli.main import main
from auditspan.collector.data_dir import prepare
from auditspan.storage.engine import open_embedded
from tests.migrated import migrated_store
from tests.reports.trail import fill
from tests.reports.verification.sealed import made


@dataclass(frozen=True, slots=True)
class Ran:
    """What a command left."""

    code: int
    out: str
    err: str


Auditspan = Callable[..., Ran]
Edit = Callable[[str], None]


@pytest.fixture(scope="module")
def stopped(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The data folder of a stopped collector that has stored six records."""
    data = prepare(tmp_path_factory.mktemp("cli") / "data")
    engine = migrated_store(data.folder("store"))
    fill(engine)
    engine.close()
    return data.root


@pytest.fixture(scope="session")
def sealed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A store, sealed once, with a policy and saved notes beside it."""
    return made(tmp_path_factory.mktemp("sealed"))


@pytest.fixture
def folder(sealed: Path, tmp_path: Path) -> Path:
    """A copy of the data folder of the sealed store."""
    copy = tmp_path / "data"
    shutil.copytree(sealed / "data", copy, symlinks=True)
    return copy


@pytest.fixture
def edit(folder: Path) -> Edit:
    """Changes the store as somebody does who has its files."""

    def run(sql: str) -> None:
        engine = open_embedded(folder / "store")
        engine.command(f"{sql} SETTINGS mutations_sync = 2")
        engine.close()

    return run


def record(folder: Path) -> str:
    """Id of the record at index 30."""
    engine = open_embedded(folder / "store")
    found = engine.raw("SELECT RecordId FROM audit_records WHERE LogIndex = 30", "TSVRaw")
    engine.close()
    return found.decode().strip()


@pytest.fixture
def auditspan(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> Auditspan:
    """Runs `auditspan` in an empty folder."""
    monkeypatch.chdir(tmp_path)
    for name in ("AUDITSPAN_DATA", "AUDITSPAN_URL", "AUDITSPAN_QUERY_URL"):
        monkeypatch.delenv(name, raising=False)

    def ran(*words: str | Path) -> Ran:
        monkeypatch.setattr("sys.argv", ["auditspan", *map(str, words)])
        with pytest.raises(SystemExit) as end:
            main()
        code = end.value.code
        captured = capsys.readouterr()
        return Ran(code if isinstance(code, int) else 0, captured.out, captured.err)

    return ran
