"""What `-o` writes, of every command that has it: a file that a reader may rely on, or none."""

import json
import stat
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.cli.conftest import Auditspan, record
from tests.reports.trail import TRACE
from tests.small_disk import small_disk

COMMANDS = ["trace", "tools import", "proof", "evidence build"]


@pytest.fixture
def full(tmp_path: Path) -> Iterator[Path]:
    """A disk of 4 KiB of which a byte is left, where one may be mounted."""
    with small_disk(tmp_path / "disk", "4k") as disk:
        (disk / "other").write_bytes(b"x")
        yield disk


@pytest.fixture(params=COMMANDS)
def words(
    request: pytest.FixtureRequest, stopped: Path, folder: Path, tmp_path: Path
) -> list[str | Path]:
    """A command that writes a file, but for the file's name."""
    tools = tmp_path / "tools.json"
    tools.write_text(json.dumps({"tools": [{"name": "t", "inputSchema": {"type": "object"}}]}))
    match request.param:
        case "trace":
            return ["trace", TRACE, "--data", stopped, "--format", "json"]
        case "tools import":
            return ["tools", "import", tools]
        case "proof":
            return ["proof", record(folder), "--data", folder]
    return ["evidence", "build", "--data", folder, "--tool", "pay"]


def test_of_a_full_disk_no_file_is_left(
    auditspan: Auditspan, words: list[str | Path], full: Path
) -> None:
    """The file is named, what to do is said, and the same call may be made again."""
    file = full / "out"
    ran = auditspan(*words, "-o", file)
    assert ran.code == 3
    assert ran.err.endswith(
        f"auditspan: {file}: no space left on device: make room, or write elsewhere, and try "
        "again\n"
    )
    assert [each.name for each in full.iterdir()] == ["other"]


def test_a_place_that_takes_no_file_is_told(
    auditspan: Auditspan, words: list[str | Path], tmp_path: Path
) -> None:
    """A folder that is missing, and one in the file's place; neither is made into a file."""
    ran = auditspan(*words, "-o", tmp_path / "missing" / "out")
    assert ran.code == 2 and f"{tmp_path / 'missing'} is no folder: make it" in ran.err
    (tmp_path / "out").mkdir()
    ran = auditspan(*words, "-o", tmp_path / "out")
    assert ran.code == 2 and f"{tmp_path / 'out'}: is no plain file" in ran.err


def test_content_is_private(auditspan: Auditspan, stopped: Path) -> None:
    """A chain holds what users and agents said, as a package of evidence does."""
    ran = auditspan("trace", TRACE, "--data", stopped, "-o", "chain.txt")
    assert ran.code == 0, ran.err
    assert stat.S_IMODE(Path("chain.txt").stat().st_mode) == 0o600
