"""What README and the getting-started page tell a user to type works as it stands there."""

import os
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.end_to_end.running import Collector, running

ROOT = Path(__file__).parents[2]
NAMED_FILE = r"`((?:my/|agent)[\w/.]+)`[^\n]*:\n\n```\w+\n(.*?)```"
STEPS = "set -eo pipefail\n"


@pytest.fixture
def collector(tmp_path: Path) -> Iterator[Collector]:
    """A collector of its own: what a page says is said of an empty one."""
    with running(tmp_path / "data") as started:
        yield started


def shell(collector: Collector, folder: Path, commands: str) -> subprocess.CompletedProcess[str]:
    """Type commands as a user does, with the collector's free ports for the page's fixed ones."""
    commands = commands.replace("http://localhost:4318", collector.addresses["http"])
    kept = {k: v for k, v in os.environ.items() if not k.startswith(("OTEL_", "AUDITSPAN_"))}
    return subprocess.run(
        ["bash", "-c", STEPS + commands],
        cwd=folder,
        env={
            **kept,
            "PATH": f"{Path(sys.executable).parent}:{kept['PATH']}",
            "AUDITSPAN_DATA": str(collector.data),
            "AUDITSPAN_SPOOL_DIR": str(folder / "agent-spool"),
            "COLUMNS": "200",
        },
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )


def blocks(page: Path, language: str) -> list[str]:
    """The fenced blocks of a language, in order."""
    return re.findall(rf"```{language}\n(.*?)```", page.read_text(), re.DOTALL)


def test_the_readme_can_be_typed(collector: Collector, tmp_path: Path) -> None:
    """Apply, key, replay, search, trace, ask and query, each with an answer."""
    [block] = [text for text in blocks(ROOT / "README.md", "sh") if "auditspan replay" in text]
    (tmp_path / "examples").symlink_to(ROOT / "examples")
    commands = "\n".join(line for line in block.splitlines() if not line.startswith(". .venv"))
    paused = commands.replace("auditspan search", "sleep 2\nauditspan search")
    done = shell(collector, tmp_path, paused)
    assert done.returncode == 0, done.stderr
    for words in ("in force since", "book_reservation", "conversation airline-0-0", "allow"):
        assert words in done.stdout, words


def test_getting_started_gets_one_started(collector: Collector, tmp_path: Path) -> None:
    """The files and commands of the page: the large refund is stopped, recorded and found."""
    page = ROOT / "docs" / "getting-started.md"
    named = re.findall(
        r"`((?:my/|agent)[\w/.]+)`[^\n]*:\n\n```\w+\n(.*?)```", page.read_text(), re.S
    )
    for name, text in named:
        file = tmp_path / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text)
    assert len(named) == 7
    commands = [text for text in blocks(page, "sh") if "make up" not in text]
    done = shell(collector, tmp_path, "\n".join([*commands[:3], "sleep 2", *commands[3:]]))
    assert done.returncode == 0, done.stderr
    assert "not done, rule no-large-refunds" in done.stdout
    assert "deny by no-large-refunds (blocked)" in done.stdout
