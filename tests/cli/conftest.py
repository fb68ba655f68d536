"""A stopped collector with the trail of `tests/reports`, and the command run on it."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest

from auditspan.cli.main import main
from auditspan.collector.data_dir import prepare
from tests.migrated import migrated_store
from tests.reports.trail import fill


@dataclass(frozen=True, slots=True)
class Ran:
    """What a command left."""

    code: int
    out: str
    err: str


Auditspan = Callable[..., Ran]


@pytest.fixture(scope="module")
def stopped(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The data folder of a stopped collector that has stored six records."""
    data = prepare(tmp_path_factory.mktemp("cli") / "data")
    engine = migrated_store(data.folder("store"))
    fill(engine)
    engine.close()
    return data.root


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
